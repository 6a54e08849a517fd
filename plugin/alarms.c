/* SPDX-License-Identifier: MIT */
/* alarms: a list of those that are raised; mostly there is none. */
#include "alarms.h"

#include <stdlib.h>
#include <string.h>

struct raised_alarm {
  struct raised_alarm *next;
  unsigned calm_intervals; /* since it was last above */
  bool checked;            /* in this interval */
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

void alarms_check(struct alarms *alarms, const char *name,
                  struct prog_stats interval, double threshold,
                  alarms_tell tell) {
  struct raised_alarm *alarm = find(alarms, name);
  const bool above = prog_stats_miss_rate(interval) > threshold;
  const bool enough = interval.cnt >= ALARMS_ATTEMPTS_MIN ||
                      interval.misses >= ALARMS_ATTEMPTS_MIN - interval.cnt;
  if (above && enough && alarm == NULL) {
    alarm = add(alarms, name);
    if (alarm != NULL)
      tell(name, interval, true);
  }
  if (alarm == NULL)
    return;
  alarm->checked = true;
  if (above)
    alarm->calm_intervals = 0;
  else if (++alarm->calm_intervals >= ALARMS_CALM_INTERVALS)
    tell(name, interval, false);
}

void alarms_settle(struct alarms *alarms, alarms_tell tell) {
  struct raised_alarm **link = &alarms->raised;
  while (*link != NULL) {
    struct raised_alarm *alarm = *link;
    if (!alarm->checked && ++alarm->calm_intervals >= ALARMS_CALM_INTERVALS)
      tell(alarm->name, (struct prog_stats){0}, false);
    alarm->checked = false;
    if (alarm->calm_intervals < ALARMS_CALM_INTERVALS) {
      link = &alarm->next;
      continue;
    }
    *link = alarm->next;
    free(alarm);
  }
}

void alarms_clear(struct alarms *alarms) {
  while (alarms->raised != NULL) {
    struct raised_alarm *alarm = alarms->raised;
    alarms->raised = alarm->next;
    free(alarm);
  }
}
