/* SPDX-License-Identifier: MIT */
/* dispatch: fills in collectd's value lists and notifications. */
#include "dispatch.h"

#include "collectd/core/utils/common/common.h"

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

void dispatch_group(const struct metrics_read *read, const struct group *group,
                    metric_set set, cdtime_t time) {
  size_t metrics_num = 0;
  const struct metric *metrics = metrics_all(&metrics_num);
  for (size_t i = 0; i < metrics_num; i++) {
    union metric_value value;
    if ((set >> i & 1) != 0 && metrics[i].compute(read, group, &value))
      dispatch(&metrics[i], value, group->name, time);
  }
}

void dispatch_alarm(const char *name, struct prog_stats interval, bool raised) {
  notification_t notification = {
      .severity = raised ? NOTIF_WARNING : NOTIF_OKAY,
      .time = cdtime(),
      .plugin = "bpf_stats",
      .type = "gauge",
      .type_instance = "miss_rate",
  };
  sstrncpy(notification.host, hostname_g, sizeof(notification.host));
  sstrncpy(notification.plugin_instance, name,
           sizeof(notification.plugin_instance));
  prog_stats_format(notification.message, sizeof(notification.message), name,
                    interval);
  plugin_dispatch_notification(&notification);
}
