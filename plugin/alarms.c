/* SPDX-License-Identifier: MIT */
/* alarms: a list of those that are raised; mostly there is none. */
#include "alarms.h"

#include <stdlib.h>
#include <string.h>

struct raised_alarm {
  struct raised_alarm *next;
  unsigned calm_intervals;       /* since it was last above */
  unsigned unmeasured_intervals; /* in a row */
  bool checked;                  /* in this interval */
  bool over;                     /* and its end is told */
  char name[];
};

static struct raised_alarm *find(const struct alarms *alarms,
                                 const char *name) {
  struct raised_alarm *alarm = alarms->raised;
  while (alarm != NULL && strcmp(alarm->name, name) != 0)
    alarm = alarm->next;
  return alarm;
}

static struct raised_alarm *add(struct alarms *alarms, const char *name) {
  size_t size = strlen(name) + 1;
  struct raised_alarm *alarm = calloc(1, sizeof(*alarm) + size);
  if (alarm == NULL)
    return NULL;
  memcpy(alarm->name, name, size);
  alarm->next = alarms->raised;
  alarms->raised = alarm;
  return alarm;
}

/* Takes in an interval that was not above, for that reason. */
static void take_interval(struct raised_alarm *alarm, enum alarm_change reason,
                          struct prog_stats interval, alarms_tell tell) {
  if (reason == ALARM_CALM || reason == ALARM_GONE) {
    alarm->calm_intervals++;
    alarm->unmeasured_intervals = 0;
  } else {
    alarm->unmeasured_intervals++;
  }
  alarm->over = alarm->calm_intervals >= ALARMS_INTERVALS ||
                alarm->unmeasured_intervals >= ALARMS_INTERVALS;
  if (alarm->over)
    tell(alarm->name, interval, reason);
}

void alarms_check(struct alarms *alarms, const char *name,
                  struct prog_stats interval, bool whole, double threshold,
                  alarms_tell tell) {
  struct raised_alarm *alarm = find(alarms, name);
  const bool above = prog_stats_miss_rate(interval) > threshold;
  const bool enough = interval.cnt >= ALARMS_ATTEMPTS_MIN ||
                      interval.misses >= ALARMS_ATTEMPTS_MIN - interval.cnt;
  if (above && enough && alarm == NULL) {
    alarm = add(alarms, name);
    if (alarm != NULL)
      tell(name, interval, ALARM_RAISED);
  }
  if (alarm == NULL)
    return;
  alarm->checked = true;
  if (above)
    alarm->calm_intervals = alarm->unmeasured_intervals = 0;
  else
    take_interval(alarm, whole ? ALARM_CALM : ALARM_UNREADABLE, interval, tell);
}

void alarms_settle(struct alarms *alarms, enum alarm_change unchecked,
                   alarms_tell tell) {
  struct raised_alarm **link = &alarms->raised;
  while (*link != NULL) {
    struct raised_alarm *alarm = *link;
    if (!alarm->checked)
      take_interval(alarm, unchecked, (struct prog_stats){0}, tell);
    alarm->checked = false;
    if (!alarm->over) {
      link = &alarm->next;
      continue;
    }
    *link = alarm->next;
    free(alarm);
  }
}

void alarms_stop(struct alarms *alarms, alarms_tell tell) {
  while (alarms->raised != NULL) {
    struct raised_alarm *alarm = alarms->raised;
    alarms->raised = alarm->next;
    tell(alarm->name, (struct prog_stats){0}, ALARM_STOPPED);
    free(alarm);
  }
}

static void tell_nobody(const char *name, struct prog_stats interval,
                        enum alarm_change change) {
  (void)name;
  (void)interval;
  (void)change;
}

void alarms_clear(struct alarms *alarms) { alarms_stop(alarms, tell_nobody); }
