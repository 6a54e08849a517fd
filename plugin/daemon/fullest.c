/* SPDX-License-Identifier: MIT */
/* fullest: one series and at most one alarm for each name. */
#include "fullest.h"

#include "dispatch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The type instance of a map's series. */
static void format_instance(char instance[DATA_MAX_NAME_LEN],
                            const char *name) {
  snprintf(instance, DATA_MAX_NAME_LEN, "map_fill-%s", name);
}

static const struct map_fill *find(const struct map_fills *fills,
                                   const char *name) {
  for (size_t i = 0; i < fills->fills_num; i++)
    if (strcmp(fills->fills[i].name, name) == 0)
      return &fills->fills[i];
  return NULL;
}

static void tell(const void *context, const char *name,
                 const struct group *group, enum alarm_change change) {
  const struct map_fill *fill = find(context, name);
  char instance[DATA_MAX_NAME_LEN];
  char message[DISPATCH_MESSAGE_SIZE];
  (void)group;
  if (fill != NULL && (change == ALARM_RAISED || change == ALARM_CALM))
    snprintf(message, sizeof(message),
             "map %s: %.1f %% full, %" PRIu64 " of %" PRIu64 " %s", name,
             fill->fill * 100.0, fill->used, fill->capacity,
             fill->is_ring ? "bytes are not consumed" : "entries");
  else if (change == ALARM_GONE)
    snprintf(message, sizeof(message), "map %s: there is none any more", name);
  else
    snprintf(message, sizeof(message), "map %s: %s", name,
             change == ALARM_STOPPED ? dispatch_reason(change)
                                     : "maps cannot be read any more");
  format_instance(instance, name);
  dispatch_notification(change == ALARM_RAISED ? NOTIF_WARNING : NOTIF_OKAY, "",
                        "gauge", instance, message);
}

static void check_alarms(struct fullest *fullest, double threshold_percent) {
  const struct map_fills *fills = &fullest->fills;
  fullest->alarms.context = fills;
  for (size_t i = 0; i < fills->fills_num; i++) {
    const bool above = fills->fills[i].fill * 100.0 > threshold_percent;
    const struct group group = {.name = fills->fills[i].name};
    alarms_take(&fullest->alarms, &group, above ? ALARM_RAISED : ALARM_CALM,
                tell);
  }
  alarms_settle(&fullest->alarms, ALARM_GONE, tell);
}

/* Returns whether maps were read. */
static bool take_in(struct fullest *fullest, const struct settings *settings,
                    const struct reading *reading) {
  struct map_fills *fills = &fullest->fills;
  fills->top = settings->map_fill_top;
  fills->places_max = settings->max_instances;
  if (reading->map_bill == NULL)
    fills->fills_num = 0;
  return reading->maps != NULL &&
         map_fills_update(fills, reading->maps, reading->snapshot->awake_ns) ==
             0;
}

void fullest_dispatch(struct fullest *fullest, const struct settings *settings,
                      const struct reading *reading, cdtime_t time) {
  const bool is_read = take_in(fullest, settings, reading);
  const struct map_fills *fills = &fullest->fills;
  for (size_t i = 0; i < fills->fills_num; i++) {
    if (!fills->fills[i].is_shown)
      continue;
    char instance[DATA_MAX_NAME_LEN];
    format_instance(instance, fills->fills[i].name);
    dispatch_host_gauge(instance, fills->fills[i].fill, time);
  }
  if (settings->map_fill_threshold == 0.0)
    return;
  if (is_read)
    check_alarms(fullest, settings->map_fill_threshold);
  else if (reading->map_bill == NULL)
    fullest_miss(fullest);
}

void fullest_miss(struct fullest *fullest) {
  alarms_settle(&fullest->alarms, ALARM_UNREADABLE, tell);
}

void fullest_stop(struct fullest *fullest) {
  alarms_stop(&fullest->alarms, tell);
}

void fullest_clear(struct fullest *fullest) {
  alarms_clear(&fullest->alarms);
  map_fills_clear(&fullest->fills);
}
