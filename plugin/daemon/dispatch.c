/* SPDX-License-Identifier: MIT */
/* dispatch: fills in collectd's value lists and notifications. */
#include "dispatch.h"

#include "clocks.h"
#include "group_name.h"

#include "collectd/core/utils/common/common.h"

#include <sys/stat.h>
#include <time.h>

_Static_assert(GROUP_NAME_SIZE == DATA_MAX_NAME_LEN,
               "a group name must fill collectd's buffer and no more");

static void dispatch(const struct metric *metric, union metric_value value,
                     const char *plugin_instance, cdtime_t time) {
  value_t collectd_value = {.gauge = value.gauge};
  if (metric->kind == METRIC_DERIVE)
    collectd_value.derive = value.derive;
  value_list_t vl = {
      .values = &collectd_value,
      .values_len = 1,
      .time = time,
      .plugin = "bpf_stats",
  };
  sstrncpy(vl.plugin_instance, plugin_instance, sizeof(vl.plugin_instance));
  sstrncpy(vl.type, metric->type, sizeof(vl.type));
  sstrncpy(vl.type_instance, metric->type_instance, sizeof(vl.type_instance));
  plugin_dispatch_values(&vl);
}

void dispatch_group(const struct reading *reading, const struct group *group,
                    metric_set set, cdtime_t time) {
  size_t metrics_num = 0;
  const struct metric *metrics = metrics_all(&metrics_num);
  for (size_t i = 0; i < metrics_num; i++) {
    union metric_value value;
    if ((set >> i & 1) != 0 && metrics[i].compute(reading, group, &value))
      dispatch(&metrics[i], value, group->name, time);
  }
}

void dispatch_alarm(const char *name, struct prog_stats interval,
                    enum alarm_change change) {
  static const char unmeasured[] = "can no longer be measured: ";
  notification_t notification = {
      .severity = change == ALARM_RAISED ? NOTIF_WARNING : NOTIF_OKAY,
      .time = cdtime(),
      .plugin = "bpf_stats",
      .type = "gauge",
      .type_instance = "miss_rate",
  };
  char *message = notification.message;
  const size_t size = sizeof(notification.message);
  sstrncpy(notification.host, hostname_g, sizeof(notification.host));
  sstrncpy(notification.plugin_instance, name,
           sizeof(notification.plugin_instance));
  switch (change) {
  case ALARM_RAISED:
  case ALARM_CALM:
    prog_stats_format(message, size, name, interval);
    break;
  case ALARM_GONE:
    snprintf(message, size, "%s: no program is loaded any more", name);
    break;
  case ALARM_STATISTICS_OFF:
    snprintf(message, size, "%s: %srun-time statistics are not on", name,
             unmeasured);
    break;
  case ALARM_UNREADABLE:
    snprintf(message, size, "%s: %sBPF programs cannot be read", name,
             unmeasured);
    break;
  case ALARM_STOPPED:
    snprintf(message, size, "%s: %scollectd stops", name, unmeasured);
    break;
  }
  plugin_dispatch_notification(&notification);
}

static const uint64_t HANDLED_MAX_NS = 5000000000;
static const struct timespec HANDLED_POLL = {.tv_nsec = 5000000};

/* Returns how many links its directory has: two more than there are threads. */
static nlink_t count_threads(void) {
  struct stat tasks;
  return stat("/proc/self/task", &tasks) == 0 ? tasks.st_nlink : 0;
}

void dispatch_last_alarms(struct alarms *alarms) {
  if (alarms->raised == NULL)
    return;
  const nlink_t threads = count_threads();
  const uint64_t begin_ns = monotonic_ns();
  alarms_stop(alarms, dispatch_alarm);
  while (count_threads() > threads &&
         monotonic_ns() - begin_ns < HANDLED_MAX_NS)
    nanosleep(&HANDLED_POLL, NULL);
}
