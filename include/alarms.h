/* SPDX-License-Identifier: MIT */
/* alarms: which groups have a miss rate above the threshold, and when that
 * begins and ends.
 *
 * An alarm is raised in the first interval that is above, with enough attempts
 * to tell. It ends once, whatever becomes of the group: after two intervals
 * that are not above, or two in a row that could not be measured, or when the
 * plugin stops. An interval that was not measured is not calm. Only changes are
 * told. Not thread-safe. */
#ifndef BPF_STATS_ALARMS_H
#define BPF_STATS_ALARMS_H

#include "prog_stats.h"

#include <stdbool.h>

enum {
  ALARMS_ATTEMPTS_MIN = 100, /* runs and misses in an interval, to raise */
  ALARMS_INTERVALS = 2,      /* calm, or not measured, to end */
};

/* That it is raised, or why it ends. */
enum alarm_change {
  ALARM_RAISED,
  ALARM_CALM,           /* not above any more, also as nothing ran */
  ALARM_GONE,           /* no program is loaded any more */
  ALARM_STATISTICS_OFF, /* not measured: statistics are not on */
  ALARM_UNREADABLE,     /* not measured: the programs cannot be read */
  ALARM_STOPPED,        /* nobody measures any more */
};

/* NAME of the group, and what it counted in the interval. */
typedef void (*alarms_tell)(const char *name, struct prog_stats interval,
                            enum alarm_change change);

/* Zeroed at the start. */
struct alarms {
  struct raised_alarm *raised; /* owned */
};

/* Takes in what one group counted in an interval that was measured. WHOLE: all
 * of its programs were; what only some of them counted can raise an alarm, but
 * is not calm. THRESHOLD is a miss rate, 0..1. An alarm for which there is no
 * memory is not raised. */
void alarms_check(struct alarms *alarms, const char *name,
                  struct prog_stats interval, bool whole, double threshold,
                  alarms_tell tell);

/* Ends the interval. UNCHECKED: what that means for an alarm that was not
 * checked in it; ALARM_GONE, or why nothing was measured. */
void alarms_settle(struct alarms *alarms, enum alarm_change unchecked,
                   alarms_tell tell);

/* Ends every alarm that is raised, and tells ALARM_STOPPED of each. */
void alarms_stop(struct alarms *alarms, alarms_tell tell);

/* Forgets all, and tells nothing. */
void alarms_clear(struct alarms *alarms);

#endif
