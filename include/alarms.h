/* SPDX-License-Identifier: MIT */
/* alarms: which groups are above a threshold, and when that begins and ends.
 *
 * An alarm is raised in the first interval that is above, with enough evidence
 * to tell. It ends once, whatever becomes of the group: after two intervals
 * that are not above, or two in a row that could not be measured, or when the
 * plugin stops. An interval that was not measured is not calm. Only changes are
 * told. Not thread-safe. */
#ifndef BPF_STATS_ALARMS_H
#define BPF_STATS_ALARMS_H

#include "group.h"

#include <stdbool.h>
#include <stddef.h>

enum {
  ALARMS_ATTEMPTS_MIN = 100, /* runs and misses in an interval, to raise */
  ALARMS_INTERVALS = 2,      /* calm, or not measured, to end */
  ALARMS_MAX = 1000,         /* raised at a time; further ones wait */
};

/* What happens to an alarm: it is raised, or ends for a reason. */
enum alarm_change {
  ALARM_RAISED,
  ALARM_CALM,           /* not above any more, also as nothing ran */
  ALARM_GONE,           /* no program is loaded any more */
  ALARM_STATISTICS_OFF, /* not measured: statistics are not on */
  ALARM_UNREADABLE,     /* not measured: the programs cannot be read */
  ALARM_UNCOUNTED, /* not measured: the kernel does not count their misses */
  ALARM_STOPPED,   /* nobody measures any more */
  ALARM_REPLACED,  /* what is loaded now is something else: it ends at once */
  ALARM_HELD,      /* nothing that is told: it is above, but that alone would
                      not raise it */
};

/* CONTEXT of the alarms, and NAME of the group. GROUP: as it is after the
 * interval; NULL: it was not checked. */
typedef void (*alarms_tell)(const void *context, const char *name,
                            const struct group *group,
                            enum alarm_change change);

/* Zeroed at the start. */
struct alarms {
  struct raised_alarm *raised[ALARMS_MAX]; /* owned, in order of their names */
  size_t num;
  const void *context; /* borrowed */
  bool is_full; /* the last one that should have been raised had no room */
};

/* Takes in what was found about a group in an interval: ALARM_RAISED if it is
 * above. An alarm for which there is no memory is not raised. */
void alarms_take(struct alarms *alarms, const struct group *group,
                 enum alarm_change found, alarms_tell tell);

/* Takes in the group's miss rate in an interval that was measured: above
 * THRESHOLD, 0..1, or not. */
void alarms_check(struct alarms *alarms, const struct group *group,
                  double threshold, alarms_tell tell);

/* Ends the interval. UNCHECKED: what that means for an alarm that was not
 * checked in it; ALARM_GONE, or why nothing was measured. */
void alarms_settle(struct alarms *alarms, enum alarm_change unchecked,
                   alarms_tell tell);

/* Ends every alarm that is raised, and tells ALARM_STOPPED of each. */
void alarms_stop(struct alarms *alarms, alarms_tell tell);

/* Forgets all, and tells nothing. */
void alarms_clear(struct alarms *alarms);

#endif
