/* SPDX-License-Identifier: MIT */
/* bpf_stats: collectd plugin that reads the run-time statistics of all loaded
 * BPF programs. This file is the glue: it registers with collectd, runs the
 * pipeline once an interval, and logs. */
#include "accounting.h"
#include "alarms.h"
#include "clocks.h"
#include "dispatch.h"
#include "groups.h"
#include "report.h"
#include "sampler.h"
#include "settings.h"
#include "source_choice.h"
#include "watch.h"

#include "collectd/core/utils/common/common.h"

#include <errno.h>

static struct plugin {
  struct settings settings;
  struct source *source;
  struct groups *groups;
  struct accounting accounting;
  struct watch watch;
  struct alarms alarms;
  struct report report;
  struct sampler *sampler; /* NULL: statistics are on all the time */

  /* Of the read, or with a sampler of the window that its thread works at. */
  struct prog_snapshot snapshot;
  int error; /* -errno, or 0 */
  uint64_t window_ns;
  enum statistics outside; /* of the window */
  uint64_t last_read_ns;   /* CLOCK_MONOTONIC; 0: none yet */
} plugin = {.accounting = {.fd = -1}};

/* From the kernel to the groups. */
static void take_snapshot(enum part part) {
  struct unloads unloads;
  watch_begin(&plugin.watch, &plugin.report);
  int rc = source_snapshot(plugin.source, &plugin.snapshot);
  if (rc == 0)
    rc = groups_update(plugin.groups, part, &plugin.snapshot,
                       watch_end(&plugin.watch, &unloads));
  report_read(&plugin.report, rc, &plugin.snapshot);
  if (rc == 0) {
    watch_taken(&plugin.watch);
    accounting_see(&plugin.accounting, plugin.snapshot.statistics,
                   plugin.snapshot.time_ns);
  }
  plugin.error = rc;
}

static void update_accounting(void) {
  accounting_update(&plugin.accounting, boottime_ns());
}

static void see_outside(void) {
  if (plugin.outside != STATISTICS_ON)
    plugin.outside = plugin.snapshot.statistics;
}

/* Statistics are off while the snapshots of a window are taken, so that what
 * counts between the two is the window and nothing else. */
static void begin_window(void) {
  update_accounting();
  take_snapshot(PART_FIRST);
  plugin.outside = plugin.snapshot.statistics;
  accounting_begin_window(&plugin.accounting);
}

static void end_window(void) {
  plugin.window_ns = accounting_end_window(&plugin.accounting);
  report_accounting(&plugin.report, plugin.accounting.error);
  update_accounting();
  if (plugin.error == 0)
    take_snapshot(PART_WINDOW);
  see_outside();
}

static struct measurement read_whole_interval(void) {
  update_accounting();
  if (plugin.sampler == NULL)
    report_accounting(&plugin.report, plugin.accounting.error);
  take_snapshot(PART_FIRST);
  return measurement_of_interval(&plugin.accounting, groups_host(plugin.groups),
                                 plugin.snapshot.time_ns);
}

/* Takes a snapshot once more, so that the values, and above all the misses that
 * the kernel always counts, are of the time that they are given. */
static struct measurement read_window(uint64_t interval_ns) {
  if (plugin.error == 0)
    take_snapshot(PART_LAST);
  see_outside();
  struct measurement measurement = measurement_of_window(
      &plugin.accounting, groups_host(plugin.groups), boottime_ns(),
      interval_ns, plugin.window_ns, plugin.outside);
  if (measurement.extrapolate)
    groups_extrapolate(plugin.groups, interval_ns, plugin.window_ns);
  return measurement;
}

static void log_stats(const struct group *group) {
  char line[256 + GROUP_NAME_SIZE];
  prog_stats_format(line, sizeof(line),
                    group->name[0] != '\0' ? group->name : "all programs",
                    group_estimated_total(group));
  INFO("bpf_stats: %s", line);
}

static void dispatch_all(const struct metrics_read *read, cdtime_t time) {
  const struct settings *settings = &plugin.settings;
  const bool measured =
      read->measurement.measured_ns != 0 && settings->miss_rate_threshold > 0.0;
  dispatch_group(read, &read->host->group, metrics_host(), time);
  if (settings->log_stats)
    log_stats(&read->host->group);
  for (const struct group *group = groups_next(plugin.groups, NULL);
       group != NULL; group = groups_next(plugin.groups, group)) {
    dispatch_group(read, group, settings->group_metrics, time);
    if (measured)
      alarms_check(&plugin.alarms, group->name, group->delta,
                   settings->miss_rate_threshold, dispatch_alarm);
    if (settings->log_stats)
      log_stats(group);
  }
  if (measured)
    alarms_settle(&plugin.alarms, dispatch_alarm);
}

static int read_and_dispatch(uint64_t interval_ns) {
  cdtime_t time = cdtime();
  const bool sampled = plugin.sampler != NULL && sampler_wait(plugin.sampler);
  struct measurement measurement =
      sampled ? read_window(interval_ns) : read_whole_interval();
  if (plugin.error != 0)
    return -1;
  if (!plugin.settings.enable_stats)
    report_statistics(&plugin.report, measurement.coverage == 0.0);
  struct metrics_read read = {
      .host = groups_host(plugin.groups),
      .snapshot = &plugin.snapshot,
      .measurement = measurement,
  };
  dispatch_all(&read, time);
  return 0;
}

static int bpf_stats_read(void) {
  uint64_t now_ns = monotonic_ns();
  int rc = read_and_dispatch(now_ns - plugin.last_read_ns);
  plugin.last_read_ns = now_ns;
  if (plugin.sampler != NULL)
    sampler_begin_interval(plugin.sampler, now_ns);
  return rc;
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
  int rc = source_choose(&options, &plugin.source, &note);
  if (rc != 0)
    ERROR("bpf_stats: %s. The plugin is not started.", note.text);
  else if (note.is_error)
    ERROR("bpf_stats: %s; reading by system calls instead", note.text);
  else if (note.text[0] != '\0')
    INFO("bpf_stats: reading by system calls: %s", note.text);
  return rc;
}

/* Returns 0 or -errno. */
static int start_groups(void) {
  struct groups_options options = {
      .selector = plugin.settings.selector,
      .name_format = plugin.settings.instance_format,
      .groups_max = plugin.settings.max_instances,
  };
  plugin.groups = groups_new(&options);
  return plugin.groups == NULL ? -ENOMEM : 0;
}

static int start_sampler(void) {
  const struct sampler_work work = {.begin_window = begin_window,
                                    .end_window = end_window};
  double window_s = plugin.settings.sample_window_s;
  if (window_s == 0.0)
    return 0;
  accounting_clear(&plugin.accounting);
  accounting_init(&plugin.accounting, false);
  return sampler_new(CDTIME_T_TO_NS(plugin_get_interval()),
                     (uint64_t)(window_s * 1e9), &work, &plugin.sampler);
}

/* The read callback is registered only when all is well. Returns 0 also when it
 * is not: then the reason is in the log, and collectd has nothing to add. */
static int bpf_stats_init(void) {
  if (!plugin.settings.wrong)
    settings_check(&plugin.settings, CDTIME_T_TO_DOUBLE(plugin_get_interval()));
  if (plugin.settings.wrong)
    return 0;
  source_log_libbpf(log_libbpf);
  /* First, so that statistics are on when the source is checked. */
  accounting_init(&plugin.accounting, plugin.settings.enable_stats);
  update_accounting();
  if (open_source() != 0) {
    accounting_clear(&plugin.accounting);
    return 0;
  }
  watch_start(&plugin.watch, plugin.settings.watch_unload,
              plugin.settings.iterator_pin, &plugin.report);
  int rc = start_groups();
  if (rc == 0)
    rc = start_sampler();
  if (rc != 0) {
    ERROR("bpf_stats: memory or a thread is missing: %s. The plugin is not "
          "started.",
          STRERROR(-rc));
    accounting_clear(&plugin.accounting);
    return 0;
  }
  plugin_register_read("bpf_stats", bpf_stats_read);
  return 0;
}

static int bpf_stats_shutdown(void) {
  sampler_free(plugin.sampler); /* its thread uses all the others */
  groups_free(plugin.groups);
  source_free(plugin.source);
  watch_stop(&plugin.watch);
  alarms_clear(&plugin.alarms);
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
