/* SPDX-License-Identifier: MIT */
/* alarms: those that are raised, in the order of their names. */
#include "alarms.h"

#include <stdlib.h>
#include <string.h>

struct raised_alarm {
  unsigned calm_intervals;       /* since it was last above */
  unsigned unmeasured_intervals; /* in a row */
  bool checked;                  /* in this interval */
  bool over;                     /* and its end is told */
  char name[];
};

/* Returns the place of that name in the list, whether it is there or not. */
static size_t find_place(const struct alarms *alarms, const char *name) {
  size_t begin = 0;
  size_t end = alarms->num;
  while (begin < end) {
    const size_t middle = begin + (end - begin) / 2;
    if (strcmp(alarms->raised[middle]->name, name) < 0)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin;
}

static struct raised_alarm *find(const struct alarms *alarms,
                                 const char *name) {
  const size_t place = find_place(alarms, name);
  return place < alarms->num && strcmp(alarms->raised[place]->name, name) == 0
             ? alarms->raised[place]
             : NULL;
}

static struct raised_alarm *add(struct alarms *alarms, const char *name) {
  alarms->is_full = alarms->num == ALARMS_MAX;
  if (alarms->is_full)
    return NULL;
  const size_t size = strlen(name) + 1;
  struct raised_alarm *alarm = calloc(1, sizeof(*alarm) + size);
  if (alarm == NULL)
    return NULL;
  memcpy(alarm->name, name, size);
  const size_t place = find_place(alarms, name);
  for (size_t i = alarms->num++; i > place; i--)
    alarms->raised[i] = alarms->raised[i - 1];
  alarms->raised[place] = alarm;
  return alarm;
}

/* Takes in an interval that was not above, for that reason. */
static void take_calm(const struct alarms *alarms, struct raised_alarm *alarm,
                      enum alarm_change reason, const struct group *group,
                      alarms_tell tell) {
  if (reason == ALARM_CALM || reason == ALARM_GONE) {
    alarm->calm_intervals++;
    alarm->unmeasured_intervals = 0;
  } else {
    alarm->unmeasured_intervals++;
  }
  alarm->over = reason == ALARM_REPLACED ||
                alarm->calm_intervals >= ALARMS_INTERVALS ||
                alarm->unmeasured_intervals >= ALARMS_INTERVALS;
  if (alarm->over)
    tell(alarms->context, alarm->name, group, reason);
}

void alarms_take(struct alarms *alarms, const struct group *group,
                 enum alarm_change found, alarms_tell tell) {
  struct raised_alarm *alarm = find(alarms, group->name);
  if (found == ALARM_RAISED && alarm == NULL) {
    alarm = add(alarms, group->name);
    if (alarm != NULL)
      tell(alarms->context, group->name, group, ALARM_RAISED);
  }
  if (alarm == NULL)
    return;
  alarm->checked = true;
  if (found == ALARM_RAISED || found == ALARM_HELD)
    alarm->calm_intervals = alarm->unmeasured_intervals = 0;
  else
    take_calm(alarms, alarm, found, group, tell);
}

/* What an interval says of the group's miss rate. */
static enum alarm_change judge(const struct group *group, double threshold) {
  const struct prog_stats interval = group->skipping;
  const bool above = prog_stats_miss_rate(interval) > threshold;
  const bool enough = interval.cnt >= ALARMS_ATTEMPTS_MIN ||
                      interval.misses >= ALARMS_ATTEMPTS_MIN - interval.cnt;
  if (!group_counts_misses(group))
    return ALARM_UNCOUNTED;
  if (above)
    return enough ? ALARM_RAISED : ALARM_HELD;
  /* What only some programs counted can raise an alarm, but is not calm. */
  return group->unmeasured == 0 ? ALARM_CALM : ALARM_UNREADABLE;
}

void alarms_check(struct alarms *alarms, const struct group *group,
                  double threshold, alarms_tell tell) {
  alarms_take(alarms, group, judge(group, threshold), tell);
}

void alarms_settle(struct alarms *alarms, enum alarm_change unchecked,
                   alarms_tell tell) {
  size_t num = 0;
  for (size_t i = 0; i < alarms->num; i++) {
    struct raised_alarm *alarm = alarms->raised[i];
    if (!alarm->checked)
      take_calm(alarms, alarm, unchecked, NULL, tell);
    alarm->checked = false;
    if (alarm->over)
      free(alarm);
    else
      alarms->raised[num++] = alarm;
  }
  alarms->num = num;
}

void alarms_stop(struct alarms *alarms, alarms_tell tell) {
  for (size_t i = 0; i < alarms->num; i++) {
    tell(alarms->context, alarms->raised[i]->name, NULL, ALARM_STOPPED);
    free(alarms->raised[i]);
  }
  alarms->num = 0;
}

static void tell_nobody(const void *context, const char *name,
                        const struct group *group, enum alarm_change change) {
  (void)context;
  (void)name;
  (void)group;
  (void)change;
}

void alarms_clear(struct alarms *alarms) {
  alarms_stop(alarms, tell_nobody);
  *alarms = (struct alarms){0};
}
