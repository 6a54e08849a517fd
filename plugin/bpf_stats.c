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
#include "report.h"
#include "self_check.h"
#include "settings.h"
#include "source.h"
#include "unload_watch.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"
#include "collectd/core/utils/common/common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(GROUP_NAME_SIZE == DATA_MAX_NAME_LEN,
               "a group name must fill collectd's buffer and no more");

static struct plugin {
  struct settings settings;
  struct source *source;
  struct groups *groups;
  struct accounting accounting;
  struct unload_watch *watch; /* NULL: unloads are not watched */
  struct report report;
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

static void close_watch(void) {
  unload_watch_free(plugin.watch);
  plugin.watch = NULL;
}

/* Opens the watch that is pinned beside the iterator, or loads one and checks
 * it. Returns 0; or -errno, and writes into REASON why. */
static int open_watch(char *reason, size_t reason_size) {
  const char *pin = plugin.settings.iterator_pin;
  char *dir = NULL;
  if (pin != NULL) {
    dir = strndup(pin, (size_t)(strrchr(pin, '/') - pin));
    if (dir == NULL)
      return -ENOMEM;
  }
  int rc = unload_watch_new(dir, UNLOAD_RING_SIZE_BYTES, &plugin.watch, reason,
                            reason_size);
  free(dir);
  if (rc == 0 && pin == NULL)
    rc = self_check_watch(plugin.watch, reason, reason_size);
  if (rc == 0)
    rc = unload_watch_begin(plugin.watch);
  if (rc != 0)
    close_watch();
  return rc;
}

/* Just before a snapshot. A watch that was pinned may have gone, or be pinned
 * anew. */
static void begin_watch(void) {
  const bool was_watching = plugin.watch != NULL;
  int rc = was_watching ? unload_watch_begin(plugin.watch) : -ENOENT;
  if (rc == 0 || !plugin.settings.watch_unload)
    return;
  close_watch();
  char reason[300];
  snprintf(reason, sizeof(reason), "%s", STRERROR(-rc));
  if (plugin.settings.iterator_pin != NULL)
    rc = open_watch(reason, sizeof(reason));
  if (was_watching || rc == 0)
    report_watch(&plugin.report, rc != 0, reason);
}

static int bpf_stats_read(void) {
  cdtime_t time = cdtime();
  accounting_update(&plugin.accounting, boottime_ns());
  report_accounting(&plugin.report, plugin.accounting.error);

  struct prog_snapshot snapshot = {0};
  struct unloads unloads;
  begin_watch();
  int rc = source_snapshot(plugin.source, &snapshot);
  if (rc == 0 && plugin.watch != NULL)
    unload_watch_end(plugin.watch, &unloads);
  if (rc == 0)
    rc = groups_update(plugin.groups, &snapshot,
                       plugin.watch != NULL ? &unloads : NULL);
  report_read(&plugin.report, rc, &snapshot);
  if (rc != 0)
    return -1;
  if (plugin.watch != NULL)
    unload_watch_taken(plugin.watch);

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

/* A host without it is none the worse for that: it is polled. */
static void start_watch(void) {
  char reason[300] = "out of memory";
  if (!plugin.settings.watch_unload || open_watch(reason, sizeof(reason)) == 0)
    return;
  INFO(
      "bpf_stats: unloads are not watched: %s. What a program counts after its "
      "last read is not seen.",
      reason);
  plugin.report.watch_lost = true;
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
  start_watch();
  plugin_register_read("bpf_stats", bpf_stats_read);
  return 0;
}

static int bpf_stats_shutdown(void) {
  groups_free(plugin.groups);
  source_free(plugin.source);
  close_watch();
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
