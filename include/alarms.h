/* SPDX-License-Identifier: MIT */
/* alarms: which groups have a miss rate above the threshold, and when that
 * begins and ends.
 *
 * Raised in the first interval that is above, with enough attempts to tell;
 * cleared after two that are not, be it that nothing ran or that the group has
 * gone. Only changes are told. Not thread-safe. */
#ifndef BPF_STATS_ALARMS_H
#define BPF_STATS_ALARMS_H

#include "prog_stats.h"

#include <stdbool.h>

enum {
  ALARMS_ATTEMPTS_MIN = 100, /* runs and misses in an interval, to raise */
  ALARMS_CALM_INTERVALS = 2, /* to clear */
};

/* NAME of the group, and what it counted in the interval. */
typedef void (*alarms_tell)(const char *name, struct prog_stats interval,
                            bool raised);

/* Zeroed at the start. */
struct alarms {
  struct raised_alarm *raised; /* owned */
};

/* Takes in what one group counted in an interval that was measured. THRESHOLD
 * is a miss rate, 0..1. An alarm for which there is no memory is not raised. */
void alarms_check(struct alarms *alarms, const char *name,
                  struct prog_stats interval, double threshold,
                  alarms_tell tell);

/* Ends the interval: what was raised and not checked in it is calm. */
void alarms_settle(struct alarms *alarms, alarms_tell tell);

/* Forgets all, and tells nothing. */
void alarms_clear(struct alarms *alarms);

#endif
