/* SPDX-License-Identifier: MIT */
/* bpf_stats: collectd plugin that reads the run-time statistics of all loaded
 * BPF programs. This file is the glue: it registers with collectd, runs the
 * pipeline once an interval, and logs. */
#include "accounting.h"
#include "alarms.h"
#include "clocks.h"
#include "dispatch.h"
#include "groups.h"
#include "prog_type.h"
#include "report.h"
#include "sampler.h"
#include "self_check.h"
#include "settings.h"
#include "source_choice.h"
#include "watch.h"

#include "collectd/core/utils/common/common.h"

#include <errno.h>
#include <pthread.h>

static struct plugin {
  struct settings settings;
  struct source_choice choice;
  struct groups *groups;
  struct accounting accounting;
  struct watch watch;
  struct alarms alarms;
  struct report report;
  struct sampler *sampler; /* NULL: statistics are on all the time */
  bool watch_started;
  pthread_t main_thread; /* of collectd */

  /* Of the read, or with a sampler of the window that its thread works at. */
  struct prog_snapshot snapshot;
  struct unloads unloads; /* of the snapshot */
  int error;              /* -errno, or 0 */
  uint64_t window_ns;
  enum statistics outside; /* of the window */
  uint64_t last_read_ns;   /* CLOCK_MONOTONIC; 0: none yet */
} plugin = {.accounting = {.fd = -1}};

static int take_in(enum part part) {
  plugin.snapshot.unloads =
      watch_end(&plugin.watch, &plugin.unloads, &plugin.report);
  return groups_update(plugin.groups, part, &plugin.snapshot);
}

/* From the kernel to the groups. */
static void take_snapshot(enum part part) {
  watch_begin(&plugin.watch, &plugin.report);
  int rc = source_snapshot(plugin.choice.source, &plugin.snapshot);
  if (rc == 0)
    rc = take_in(part);
  if (rc != 0)
    report_failure(&plugin.report, rc,
                   source_explain(plugin.choice.source, rc));
  else
    report_read(&plugin.report, plugin.choice.source, &plugin.snapshot);
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

static void check_alarm(const struct group *group) {
  const double threshold = plugin.settings.miss_rate_threshold;
  if (threshold > 0.0)
    alarms_check(&plugin.alarms, group->name, group->delta,
                 group->unmeasured == 0, threshold, dispatch_alarm);
}

static void dispatch_all(const struct metrics_read *read, cdtime_t time) {
  const struct settings *settings = &plugin.settings;
  const bool measured = read->measurement.measured_ns != 0;
  dispatch_group(read, &read->host->group, metrics_host(), time);
  if (settings->log_stats)
    log_stats(&read->host->group);
  for (const struct group *group = groups_next(plugin.groups, NULL);
       group != NULL; group = groups_next(plugin.groups, group)) {
    dispatch_group(read, group, settings->group_metrics, time);
    if (measured)
      check_alarm(group);
    if (settings->log_stats)
      log_stats(group);
  }
  alarms_settle(&plugin.alarms, measured ? ALARM_GONE : ALARM_STATISTICS_OFF,
                dispatch_alarm);
}

/* Returns 0; or -errno of a read that failed. */
static int read_and_dispatch(uint64_t interval_ns) {
  cdtime_t time = cdtime();
  const bool sampled = plugin.sampler != NULL && sampler_wait(plugin.sampler);
  struct measurement measurement =
      sampled ? read_window(interval_ns) : read_whole_interval();
  if (plugin.error != 0)
    return plugin.error;
  if (!plugin.settings.enable_stats)
    report_statistics(&plugin.report, measurement.coverage == 0.0);
  struct metrics_read read = {
      .host = groups_host(plugin.groups),
      .snapshot = &plugin.snapshot,
      .measurement = measurement,
  };
  dispatch_all(&read, time);
  report_selector(&plugin.report, plugin.settings.selector);
  return 0;
}

/* Never fails: that would stop the whole daemon. */
static int bpf_stats_config(oconfig_item_t *block) {
  settings_parse(&plugin.settings, block);
  return 0;
}

static void log_libbpf(const char *line) { WARNING("bpf_stats: %s", line); }

static void log_note(const struct source_note *note) {
  if (note->is_error)
    ERROR("bpf_stats: %s; reading by system calls instead", note->text);
  else if (note->text[0] != '\0')
    INFO("bpf_stats: %s", note->text);
}

/* Returns 0 or -errno. */
static int start_groups(void) {
  struct groups_options options = {
      .selector = plugin.settings.selector,
      .name_format = plugin.settings.instance_format,
      .groups_max = plugin.settings.max_instances,
  };
  plugin.groups = groups_new(&options);
  if (plugin.groups == NULL)
    return -ENOMEM;
  /* Our own tries of what this kernel allows must not count as loads. Where no
   * program can be loaded there were none. */
  uint32_t id = 0;
  uint64_t load_time_ns = 0;
  if (plugin.watch.unloads == NULL && plugin.settings.iterator_pin == NULL &&
      self_check_newest_id(&id, &load_time_ns) == 0)
    groups_begin_after(plugin.groups, id, load_time_ns);
  return 0;
}

static int start_sampler(void) {
  const struct sampler_work work = {.begin_window = begin_window,
                                    .end_window = end_window};
  return sampler_new(CDTIME_T_TO_NS(plugin_get_interval()),
                     (uint64_t)(plugin.settings.sample_window_s * 1e9), &work,
                     &plugin.sampler);
}

static int open_watch_and_groups(void) {
  const struct settings *settings = &plugin.settings;
  if (!plugin.watch_started)
    watch_start(&plugin.watch, settings->watch_unload, settings->iterator_pin,
                &plugin.report);
  plugin.watch_started = true;
  int rc = plugin.groups == NULL ? start_groups() : 0;
  if (rc == 0 && plugin.sampler == NULL && settings->sample_window_s != 0.0)
    rc = start_sampler();
  return rc;
}

/* Starts what has not been started yet, the source first: without it the rest
 * is of no use. Returns 0; or -errno, and *RET_NOTE says why. */
static int start(struct source_note *ret_note) {
  /* Statistics have to be on while the source and the watch are checked. */
  const bool is_window =
      plugin.settings.sample_window_s != 0.0 && plugin.choice.source == NULL;
  if (is_window)
    accounting_begin_window(&plugin.accounting);
  int rc = source_choice_update(&plugin.choice, ret_note);
  if (rc == 0) {
    log_note(ret_note);
    rc = open_watch_and_groups();
    if (rc != 0)
      *ret_note = (struct source_note){.text = "memory or a thread is missing",
                                       .may_pass = true};
  }
  if (is_window)
    accounting_end_window(&plugin.accounting);
  return rc;
}

/* Never returns an error: collectd would then leave out the next reads, twice
 * as many each time. */
static int bpf_stats_read(void) {
  uint64_t now_ns = monotonic_ns();
  struct source_note note;
  int rc = start(&note);
  if (rc != 0)
    report_failure(&plugin.report, rc, note.text);
  else
    rc = read_and_dispatch(now_ns - plugin.last_read_ns);
  if (rc != 0)
    alarms_settle(&plugin.alarms, ALARM_UNREADABLE, dispatch_alarm);
  plugin.last_read_ns = now_ns;
  if (plugin.sampler != NULL)
    sampler_begin_interval(plugin.sampler, now_ns);
  return 0;
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
  source_log_libbpf(log_libbpf);
  plugin.choice.options = (struct source_options){
      .kind = settings->source,
      .iterator_pin = settings->iterator_pin,
      .memory = (settings->group_metrics & metrics_find("memory")) != 0,
  };
  /* First, so that statistics are on when the source is checked. */
  accounting_init(&plugin.accounting,
                  settings->enable_stats && settings->sample_window_s == 0.0);
  update_accounting();
  struct source_note note;
  int rc = start(&note);
  if (rc != 0 && !note.may_pass) {
    ERROR("bpf_stats: %s. The plugin is not started.", note.text);
    accounting_clear(&plugin.accounting);
    return -1;
  }
  if (rc != 0)
    report_failure(&plugin.report, rc, note.text);
  plugin_register_read("bpf_stats", bpf_stats_read);
  return 0;
}

/* When collectd stops it has all plugins flush, and then shuts one after the
 * other down: this is the last moment at which a notification reaches all that
 * handle it, and later some could not bear it. It does so in the thread in
 * which it has started; any other thread wants to flush values, which the
 * plugin does not keep. */
static int bpf_stats_flush(cdtime_t timeout, const char *identifier,
                           user_data_t *user_data) {
  (void)timeout;
  (void)identifier;
  (void)user_data;
  if (pthread_equal(pthread_self(), plugin.main_thread))
    dispatch_last_alarms(&plugin.alarms);
  return 0;
}

static int bpf_stats_shutdown(void) {
  sampler_free(plugin.sampler); /* its thread uses all the others */
  groups_free(plugin.groups);
  source_choice_clear(&plugin.choice);
  watch_stop(&plugin.watch);
  alarms_clear(&plugin.alarms);
  accounting_clear(&plugin.accounting);
  settings_clear(&plugin.settings);
  prog_types_clear();
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
  plugin_register_flush("bpf_stats", bpf_stats_flush, NULL);
  plugin_register_shutdown("bpf_stats", bpf_stats_shutdown);
}
