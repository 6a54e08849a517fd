/* SPDX-License-Identifier: MIT */
/* bpf_stats: collectd plugin that reads the run-time statistics of all loaded
 * BPF programs. This file is the glue: it registers with collectd, runs the
 * pipeline once an interval, and logs. */
#include "alarms.h"
#include "bpf_load.h"
#include "changes.h"
#include "clocks.h"
#include "dispatch.h"
#include "fullest.h"
#include "prog_type.h"
#include "reader.h"
#include "report.h"
#include "settings.h"

#include "collectd/core/utils/common/common.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static struct plugin {
  struct settings settings;
  struct reader *reader; /* NULL: not started */
  struct alarms alarms;
  struct changes changes;
  struct fullest fullest;
  struct report report;
  uint64_t
      last_ns; /* CLOCK_MONOTONIC of the last reading, and the time of its */
  cdtime_t last_time;    /* values */
  pthread_t main_thread; /* of collectd */
} plugin;

static void log_stats(const struct group *group) {
  char line[256 + GROUP_NAME_SIZE];
  prog_stats_format(line, sizeof(line),
                    group->name[0] != '\0' ? group->name : "all programs",
                    group_estimated_total(group));
  INFO("bpf_stats: %s", line);
}

static void check_alarm(const struct group *group) {
  const double threshold = plugin.settings.miss_rate_threshold;
  if (threshold > 0.0)
    alarms_check(&plugin.alarms, group, threshold, dispatch_alarm);
}

/* When the group's counters were 0, mostly the time of the last reading's
 * values; 0: nobody knows. */
static cdtime_t zero_time_of(const struct reading *reading,
                             const struct group *group, cdtime_t time) {
  if (group->zero_ns == 0)
    return 0;
  return group->zero_ns == plugin.last_ns
             ? plugin.last_time
             : time -
                   NS_TO_CDTIME_T(reading->snapshot->awake_ns - group->zero_ns);
}

/* For how long a read waits at most, in which a group begins; mostly for hardly
 * any time. */
static const uint64_t ZEROS_MAX_NS = 500000000;
/* Then collectd has not handed them all on yet. */
static const struct timespec ZEROS_WRITTEN = {.tv_nsec = 10000000};

/* Of groups that begin, the zeros go before all other values. */
static void dispatch_beginnings(const struct reading *reading, cdtime_t time) {
  const metric_set set = plugin.settings.group_metrics;
  const uint64_t end_ns = monotonic_ns() + ZEROS_MAX_NS;
  const struct group *group = NULL;
  size_t num = 0;
  while ((group = reader_next_group(plugin.reader, group)) != NULL) {
    const cdtime_t zero_time = zero_time_of(reading, group, time);
    if (zero_time == 0)
      continue;
    dispatch_zeros(reading, group, set, zero_time);
    num++;
  }
  if (num == 0)
    return;
  while ((group = reader_next_group(plugin.reader, group)) != NULL)
    if (group->zero_ns != 0)
      dispatch_await_zeros(reading, group, set, end_ns);
  nanosleep(&ZEROS_WRITTEN, NULL);
}

static void dispatch_all(const struct reading *reading, cdtime_t time) {
  const struct settings *settings = &plugin.settings;
  const bool measured = reading->coverage.measured_ns != 0;
  dispatch_beginnings(reading, time);
  dispatch_group(reading, &reading->host->group, metrics_host(), time);
  fullest_dispatch(&plugin.fullest, settings, reading, time);
  if (settings->log_stats)
    log_stats(&reading->host->group);
  for (const struct group *group = reader_next_group(plugin.reader, NULL);
       group != NULL; group = reader_next_group(plugin.reader, group)) {
    dispatch_group(reading, group, settings->group_metrics, time);
    if (measured)
      check_alarm(group);
    changes_check(&plugin.changes, settings, reading, group);
    if (settings->log_stats)
      log_stats(group);
  }
  plugin.last_ns = reading->snapshot->awake_ns;
  plugin.last_time = time;
  alarms_settle(&plugin.alarms, measured ? ALARM_GONE : ALARM_STATISTICS_OFF,
                dispatch_alarm);
  changes_settle(&plugin.changes, settings, reading);
  report_alarms(&plugin.report, plugin.alarms.is_full,
                plugin.fullest.alarms.is_full);
}

/* Never fails: that would stop the whole daemon. */
static int bpf_stats_config(oconfig_item_t *block) {
  settings_parse(&plugin.settings, block);
  return 0;
}

static void log_libbpf(const char *line) { WARNING("bpf_stats: %s", line); }

/* The values' time is that of their snapshot. */
static cdtime_t time_of(const struct reading *reading) {
  return cdtime() - NS_TO_CDTIME_T(boottime_ns() - reading->snapshot->time_ns);
}

/* Never returns an error: collectd would then leave out the next reads, twice
 * as many each time. */
static int bpf_stats_read(void) {
  const struct reading *reading;
  int rc = reader_read(plugin.reader, &reading);
  report_changes(&plugin.report, reading, plugin.settings.enable_stats);
  if (rc == 0) {
    dispatch_all(reading, time_of(reading));
    report_selector(&plugin.report, plugin.settings.selector);
  } else {
    alarms_settle(&plugin.alarms, ALARM_UNREADABLE, dispatch_alarm);
    changes_miss(&plugin.changes);
    fullest_miss(&plugin.fullest);
  }
  reader_resume(plugin.reader);
  return 0;
}

static struct reader_options find_options(const struct settings *settings) {
  const bool wants_memory = settings_need_memory(settings);
  return (struct reader_options){
      .source = {.kind = settings->source,
                 .iterator_pin = settings->iterator_pin,
                 .memory = wants_memory || settings->memory_every != 0},
      .groups = {.selector = settings->selector,
                 .name_format = settings->instance_format,
                 .groups_max = settings->max_instances,
                 .shows_idle = settings->idle_groups},
      .enable_stats = settings->enable_stats,
      .watch_unload = settings->watch_unload,
      .owners = settings_need_owners(settings),
      .maps_every = settings->memory_every,
      .map_shares = wants_memory,
      .interval_ns = CDTIME_T_TO_NS(plugin_get_interval()),
      .window_ns = (uint64_t)(settings->sample_window_s * 1e9),
      .overhead_limit_percent = settings->overhead_limit_percent,
  };
}

/* Returns whether the plugin works, now or later. */
static bool start_reader(void) {
  const struct reader_options options = find_options(&plugin.settings);
  plugin.reader = reader_new(&options);
  if (plugin.reader == NULL) {
    ERROR("bpf_stats: out of memory. The plugin is not started.");
    return false;
  }
  const struct reading *reading;
  int rc = reader_open(plugin.reader, &reading);
  if (rc == 0) {
    report_opened(&plugin.report, reading);
    return true;
  }
  if (reading->note.may_pass) {
    report_failure(&plugin.report, rc, reading->reason);
    return true;
  }
  ERROR("bpf_stats: %s. The plugin is not started.", reading->reason);
  reader_free(plugin.reader);
  plugin.reader = NULL;
  return false;
}

/* Fails when the settings are wrong, or for what does not pass by itself: so
 * collectd unloads this plugin alone, and "collectd -T" exits with 1. What may
 * pass is tried again at each read. */
static int bpf_stats_init(void) {
  plugin.main_thread = pthread_self();
  struct settings *settings = &plugin.settings;
  if (!settings->wrong)
    settings_check(settings, CDTIME_T_TO_DOUBLE(plugin_get_interval()));
  if (settings->wrong)
    return -1;
  bpf_load_log_to(log_libbpf);
  if (!start_reader())
    return -1;
  plugin_register_read("bpf_stats", bpf_stats_read);
  return 0;
}

static void stop_alarms(void) {
  alarms_stop(&plugin.alarms, dispatch_alarm);
  changes_stop(&plugin.changes);
  fullest_stop(&plugin.fullest);
}

/* When collectd stops it has all plugins flush, and then shuts one after the
 * other down: this is the last moment at which a notification reaches every
 * plugin that handles it; later some would not survive it. It does so in the
 * thread in which it has started; any other thread wants to flush values, which
 * the plugin does not keep. */
static int bpf_stats_flush(cdtime_t timeout, const char *identifier,
                           user_data_t *user_data) {
  (void)timeout;
  (void)identifier;
  (void)user_data;
  if (pthread_equal(pthread_self(), plugin.main_thread))
    dispatch_last_alarms(stop_alarms);
  return 0;
}

static int bpf_stats_shutdown(void) {
  reader_free(plugin.reader);
  alarms_clear(&plugin.alarms);
  changes_clear(&plugin.changes);
  fullest_clear(&plugin.fullest);
  settings_clear(&plugin.settings);
  prog_types_clear();
  plugin = (struct plugin){0};
  return 0;
}

void module_register(void) {
  if (settings_init(&plugin.settings) != 0) {
    ERROR("bpf_stats: out of memory. The plugin is not started.");
    return;
  }
  plugin_register_complex_config("bpf_stats", bpf_stats_config);
  plugin_register_init("bpf_stats", bpf_stats_init);
  plugin_register_flush("bpf_stats", bpf_stats_flush, NULL);
  plugin_register_shutdown("bpf_stats", bpf_stats_shutdown);
}
