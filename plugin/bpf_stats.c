/* SPDX-License-Identifier: MIT */
/* bpf_stats: collectd plugin that reads the run-time statistics of all loaded
 * BPF programs. This file is the glue: it registers with collectd, runs the
 * pipeline once an interval, and logs.
 *
 * Units on the wire: runs, ns, bytes, seconds; shares are 0..1. */
#include "accounting.h"
#include "boottime.h"
#include "groups.h"
#include "metrics.h"
#include "settings.h"
#include "source.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"
#include "collectd/core/utils/common/common.h"

#include <stdio.h>
#include <string.h>

_Static_assert(GROUP_NAME_SIZE == DATA_MAX_NAME_LEN,
               "a group name must fill collectd's buffer and no more");

static struct plugin {
  struct settings settings;
  struct source *source;
  struct groups *groups;
  struct accounting accounting;
  /* What was logged last, to log only changes: -errno or 0. */
  int read_error;
  int accounting_error;
  bool partial;
} plugin = {.accounting = {.fd = -1}};

void module_register(void);

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

static void log_stats(const struct group *group) {
  char line[256 + GROUP_NAME_SIZE];
  prog_stats_format(line, sizeof(line),
                    group->name[0] != '\0' ? group->name : "all programs",
                    group->total);
  INFO("bpf_stats: %s", line);
}

/* Dispatches the series in SET that GROUP has a value for. */
static void dispatch_group(const struct metrics_read *read,
                           const struct group *group, metric_set set,
                           cdtime_t time) {
  size_t metrics_num = 0;
  const struct metric *metrics = metrics_all(&metrics_num);
  for (size_t i = 0; i < metrics_num; i++) {
    union metric_value value;
    if ((set >> i & 1) != 0 && metrics[i].compute(read, group, &value))
      dispatch(&metrics[i], value, group->name, time);
  }
  if (plugin.settings.log_stats)
    log_stats(group);
}

static void dispatch_all(const struct metrics_read *read, cdtime_t time) {
  const struct group *host = &read->host->group;
  dispatch_group(read, host, metrics_host(), time);
  for (const struct group *group = groups_next(plugin.groups, NULL);
       group != NULL; group = groups_next(plugin.groups, group))
    dispatch_group(read, group, plugin.settings.group_metrics, time);
}

/* Logs the state of EnableStats when it has changed. */
static void log_accounting(void) {
  int error = plugin.accounting.error;
  if (error == plugin.accounting_error)
    return;
  plugin.accounting_error = error;
  if (error == 0)
    NOTICE("bpf_stats: run-time statistics are on now");
  else
    WARNING("bpf_stats: EnableStats cannot turn run-time statistics on: %s. "
            "As root, set kernel.bpf_stats_enabled=1 with sysctl and "
            "\"EnableStats false\" here, or give collectd CAP_SYS_ADMIN.",
            STRERROR(-error));
}

/* Logs the state of reading when it has changed. ERROR: -errno of a read that
 * failed as a whole, or 0. */
static void log_read(int error, const struct prog_snapshot *snapshot) {
  if (error != 0 && error != plugin.read_error)
    ERROR("bpf_stats: reading BPF programs failed: %s", STRERROR(-error));
  if (error == 0 && plugin.read_error != 0)
    NOTICE("bpf_stats: reading BPF programs works again");
  plugin.read_error = error;
  if (error != 0)
    return;
  bool partial = !snapshot->complete || snapshot->read_errors > 0;
  if (partial && !plugin.partial)
    WARNING("bpf_stats: %zu of %zu BPF programs could not be read%s; the "
            "others are dispatched",
            snapshot->read_errors, snapshot->samples_num,
            snapshot->complete ? "" : ", and the walk was cut short");
  if (!partial && plugin.partial)
    NOTICE("bpf_stats: all BPF programs can be read again");
  plugin.partial = partial;
}

static int bpf_stats_read(void) {
  cdtime_t time = cdtime();
  accounting_update(&plugin.accounting, boottime_ns());
  log_accounting();

  struct prog_snapshot snapshot = {0};
  int rc = source_snapshot(plugin.source, &snapshot);
  if (rc == 0)
    rc = groups_update(plugin.groups, &snapshot);
  log_read(rc, &snapshot);
  if (rc != 0)
    return -1;

  const struct host *host = groups_host(plugin.groups);
  struct metrics_read read = {
      .host = host,
      .snapshot = &snapshot,
      .coverage = accounting_coverage(&plugin.accounting, snapshot.time_ns,
                                      host->elapsed_ns),
  };
  dispatch_all(&read, time);
  return 0;
}

/* Never fails: that would stop the whole daemon. */
static int bpf_stats_config(oconfig_item_t *block) {
  settings_parse(&plugin.settings, block);
  return 0;
}

static void log_libbpf(const char *line) { WARNING("bpf_stats: %s", line); }

/* Opens the source of the settings, and logs what there is to say about it. */
static int open_source(void) {
  const struct settings *settings = &plugin.settings;
  const struct source_options options = {
      .kind = settings->source,
      .iterator_pin = settings->iterator_pin,
      .memory = (settings->group_metrics & metrics_find("memory")) != 0,
  };
  struct source_note note;
  int rc = source_new(&options, &plugin.source, &note);
  if (rc != 0)
    ERROR("bpf_stats: %s. The plugin is not started.", note.text);
  else if (note.is_error)
    ERROR("bpf_stats: %s; reading by system calls instead", note.text);
  else if (note.text[0] != '\0')
    INFO("bpf_stats: reading by system calls: %s", note.text);
  return rc;
}

/* The read callback is registered only when all is well. Returns 0 also when it
 * is not: then the reason is in the log, and collectd has nothing to add. */
static int bpf_stats_init(void) {
  if (plugin.settings.wrong)
    return 0;
  source_log_libbpf(log_libbpf);
  /* First, so that statistics are on when the source is checked. */
  accounting_init(&plugin.accounting, plugin.settings.enable_stats);
  accounting_update(&plugin.accounting, boottime_ns());
  if (open_source() != 0) {
    accounting_clear(&plugin.accounting);
    return 0;
  }
  struct groups_options groups_options = {
      .selector = plugin.settings.selector,
      .name_format = plugin.settings.instance_format,
      .groups_max = plugin.settings.max_instances,
  };
  plugin.groups = groups_new(&groups_options);
  if (plugin.groups == NULL) {
    ERROR("bpf_stats: out of memory. The plugin is not started.");
    accounting_clear(&plugin.accounting);
    return 0;
  }
  plugin_register_read("bpf_stats", bpf_stats_read);
  return 0;
}

static int bpf_stats_shutdown(void) {
  groups_free(plugin.groups);
  source_free(plugin.source);
  accounting_clear(&plugin.accounting);
  settings_clear(&plugin.settings);
  plugin = (struct plugin){.accounting = {.fd = -1}};
  return 0;
}

void module_register(void) {
  if (settings_init(&plugin.settings) != 0) {
    ERROR("bpf_stats: out of memory. The plugin is not started.");
    return;
  }
  plugin_register_complex_config("bpf_stats", bpf_stats_config);
  plugin_register_init("bpf_stats", bpf_stats_init);
  plugin_register_shutdown("bpf_stats", bpf_stats_shutdown);
}
