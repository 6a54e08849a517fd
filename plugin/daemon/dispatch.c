/* SPDX-License-Identifier: MIT */
/* dispatch: fills in collectd's value lists and notifications. */
#include "dispatch.h"

#include "clocks.h"
#include "group_name.h"

#include "collectd/core/daemon/utils_cache.h"
#include "collectd/core/utils/common/common.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

_Static_assert(GROUP_NAME_SIZE == DATA_MAX_NAME_LEN,
               "a group name must fill collectd's buffer and no more");

/* What all series of a group have in common. A list is nearly 1 kB, so that
 * filling it in takes more time than anything else that a read does here. */
static value_list_t list_of(const struct group *group, value_t *value,
                            cdtime_t time) {
  value_list_t list = {
      .values = value, .values_len = 1, .time = time, .plugin = "bpf_stats"};
  sstrncpy(list.plugin_instance, group->name, sizeof(list.plugin_instance));
  return list;
}

static void dispatch(value_list_t *list, const struct metric *metric,
                     union metric_value value) {
  if (metric->kind == METRIC_DERIVE)
    list->values->derive = value.derive;
  else
    list->values->gauge = value.gauge;
  /* sstrncpy() would fill each up with zeros; these are short. */
  memccpy(list->type, metric->type, '\0', sizeof(list->type));
  memccpy(list->type_instance, metric->type_instance, '\0',
          sizeof(list->type_instance));
  plugin_dispatch_values(list);
}

/* Returns the next metric in SET, after one or from the first on, that GROUP
 * has a value for; or NULL. */
static const struct metric *next_metric(const struct metric *after,
                                        const struct reading *reading,
                                        const struct group *group,
                                        metric_set set,
                                        union metric_value *ret_value) {
  size_t metrics_num = 0;
  const struct metric *metrics = metrics_all(&metrics_num);
  size_t i = after == NULL ? 0 : (size_t)(after - metrics) + 1;
  while (i < metrics_num && ((set >> i & 1) == 0 ||
                             !metrics[i].compute(reading, group, ret_value)))
    i++;
  return i < metrics_num ? &metrics[i] : NULL;
}

void dispatch_group(const struct reading *reading, const struct group *group,
                    metric_set set, cdtime_t time) {
  value_t collectd_value;
  value_list_t list = list_of(group, &collectd_value, time);
  union metric_value value;
  const struct metric *metric = NULL;
  while ((metric = next_metric(metric, reading, group, set, &value)) != NULL)
    dispatch(&list, metric, value);
}

void dispatch_host_gauge(const char *type_instance, double value,
                         cdtime_t time) {
  static const struct group host = {.name = ""};
  value_t collectd_value = {.gauge = value};
  value_list_t list = list_of(&host, &collectd_value, time);
  sstrncpy(list.type, "gauge", sizeof(list.type));
  sstrncpy(list.type_instance, type_instance, sizeof(list.type_instance));
  plugin_dispatch_values(&list);
}

void dispatch_zeros(const struct reading *reading, const struct group *group,
                    metric_set set, cdtime_t time) {
  struct group before = *group;
  before.total = (struct prog_stats){0};
  before.estimate = (struct estimate){0};
  before.loads = group->loads_zero;
  value_t collectd_value;
  value_list_t list = list_of(group, &collectd_value, time);
  union metric_value value;
  const struct metric *metric = NULL;
  while ((metric = next_metric(metric, reading, &before, set, &value)) != NULL)
    if (metric->kind == METRIC_DERIVE)
      dispatch(&list, metric, value);
}

static bool is_taken_in(const struct metric *metric, const char *instance) {
  char identifier[6 * DATA_MAX_NAME_LEN];
  gauge_t *rates = NULL;
  size_t rates_num = 0;
  if (format_name(identifier, sizeof(identifier), hostname_g, "bpf_stats",
                  instance, metric->type, metric->type_instance) != 0 ||
      uc_get_rate_by_name(identifier, &rates, &rates_num) != 0)
    return false;
  free(rates);
  return true;
}

void dispatch_await_zeros(const struct reading *reading,
                          const struct group *group, metric_set set,
                          uint64_t end_ns) {
  const struct timespec poll = {.tv_nsec = 1000000};
  union metric_value value;
  const struct metric *metric = NULL;
  while ((metric = next_metric(metric, reading, group, set, &value)) != NULL)
    while (metric->kind == METRIC_DERIVE && !is_taken_in(metric, group->name) &&
           monotonic_ns() < end_ns)
      nanosleep(&poll, NULL);
}

/* Writes what the group counted, and what its misses are. */
static void format_raised(char *message, size_t size,
                          const struct group *group) {
  const bool of_cpu = (group->misses & 1U << MISSES_OF_CPU) != 0;
  int len = prog_stats_format(message, size, group->name, group->skipping);
  if (len < 0 || (size_t)len >= size)
    return;
  snprintf(message + len, size - (size_t)len, " (%s)",
           of_cpu ? "skipped runs, at least: other programs, or operations on "
                    "maps, were at work on the CPU"
                  : "a hot recursion path");
}

const char *dispatch_reason(enum alarm_change change) {
  static const char *const reasons[] = {
      [ALARM_GONE] = "no program is loaded any more",
      [ALARM_STATISTICS_OFF] =
          "can no longer be measured: run-time statistics are not on",
      [ALARM_UNREADABLE] =
          "can no longer be measured: BPF programs cannot be read",
      [ALARM_UNCOUNTED] =
          "can no longer be measured: not all misses are counted",
      [ALARM_STOPPED] = "can no longer be measured: collectd stops",
  };
  return reasons[change];
}

void dispatch_notification(int severity, const char *instance, const char *type,
                           const char *type_instance, const char *message) {
  notification_t notification = {
      .severity = severity,
      .time = cdtime(),
      .plugin = "bpf_stats",
  };
  sstrncpy(notification.host, hostname_g, sizeof(notification.host));
  sstrncpy(notification.plugin_instance, instance,
           sizeof(notification.plugin_instance));
  sstrncpy(notification.type, type, sizeof(notification.type));
  sstrncpy(notification.type_instance, type_instance,
           sizeof(notification.type_instance));
  sstrncpy(notification.message, message, sizeof(notification.message));
  plugin_dispatch_notification(&notification);
}

void dispatch_alarm(const void *context, const char *name,
                    const struct group *group, enum alarm_change change) {
  (void)context;
  char message[DISPATCH_MESSAGE_SIZE];
  if (change == ALARM_RAISED)
    format_raised(message, sizeof(message), group);
  else if (change == ALARM_CALM)
    prog_stats_format(message, sizeof(message), name, group->skipping);
  else
    snprintf(message, sizeof(message), "%s: %s", name, dispatch_reason(change));
  dispatch_notification(change == ALARM_RAISED ? NOTIF_WARNING : NOTIF_OKAY,
                        name, "gauge", "miss_rate", message);
}

static const uint64_t HANDLED_MAX_NS = 5000000000;
static const struct timespec HANDLED_POLL = {.tv_nsec = 5000000};

/* Returns how many links its directory has: two more than there are threads. */
static nlink_t count_threads(void) {
  struct stat tasks;
  return stat("/proc/self/task", &tasks) == 0 ? tasks.st_nlink : 0;
}

void dispatch_last_alarms(void (*stop_all)(void)) {
  const nlink_t threads = count_threads();
  const uint64_t begin_ns = monotonic_ns();
  stop_all();
  while (count_threads() > threads &&
         monotonic_ns() - begin_ns < HANDLED_MAX_NS)
    nanosleep(&HANDLED_POLL, NULL);
}
