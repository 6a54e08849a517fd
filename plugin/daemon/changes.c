/* SPDX-License-Identifier: MIT */
/* changes: one line or notification for each thing that has changed. */
#include "changes.h"

#include "clocks.h"
#include "dispatch.h"
#include "groups.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* --- deploys ---------------------------------------------------------------
 */

/* "tag b", or "tag a -> b". */
static void format_tags(char *text, size_t size,
                        const struct versions *versions) {
  if (versions->replaced == NULL)
    snprintf(text, size, "tag %016" PRIx64, versions->deployed->tag);
  else
    snprintf(text, size, "tag %016" PRIx64 " -> %016" PRIx64,
             versions->replaced->tag, versions->deployed->tag);
}

/* Of the wall clock, in UTC, as the log of a deploy has it. */
static void format_load_time(char *text, size_t size, uint64_t load_time_ns) {
  const int64_t age_ns = (int64_t)(boottime_ns() - load_time_ns);
  const time_t load_time =
      (time_t)(((int64_t)clock_ns(CLOCK_REALTIME) - age_ns) / 1000000000);
  struct tm parts = {0};
  if (gmtime_r(&load_time, &parts) == NULL ||
      strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    text[0] = '\0';
}

static void notify_of_deploys(const struct group *group,
                              const struct versions *versions) {
  const struct version *deployed = versions->deployed;
  const bool is_by_owner = deployed->owner[0] != '\0';
  char tags[64];
  char load_time[32];
  char before[64];
  char message[DISPATCH_MESSAGE_SIZE];
  format_tags(tags, sizeof(tags), versions);
  format_load_time(load_time, sizeof(load_time), deployed->load_time_ns);
  snprintf(before, sizeof(before), "%s",
           versions->replaced == NULL ? "first load, " : "");
  if (versions->told_deploys > 1)
    snprintf(before, sizeof(before),
             "%zu deploys, the last: ", versions->told_deploys);
  snprintf(message, sizeof(message), "%s: %s%s, loaded %s%s%s, %zu program%s",
           group->name, before, tags, load_time, is_by_owner ? " by " : "",
           deployed->owner, deployed->sum.programs,
           deployed->sum.programs == 1 ? "" : "s");
  dispatch_notification(NOTIF_OKAY, group->name, "derive", "loads", message);
}

static void check_deploys(struct changes *changes, const struct group *group,
                          const struct versions *versions) {
  if (versions->told_deploys == 0)
    return;
  if (changes->told_deploys++ < CHANGES_DEPLOYS_MAX)
    notify_of_deploys(group, versions);
}

static void settle_deploys(const struct changes *changes) {
  if (changes->told_deploys <= CHANGES_DEPLOYS_MAX)
    return;
  char message[DISPATCH_MESSAGE_SIZE];
  snprintf(message, sizeof(message),
           "deploys in %zu groups at once, of which %d are told one by one",
           changes->told_deploys, CHANGES_DEPLOYS_MAX);
  dispatch_notification(NOTIF_OKAY, "", "derive", "loads", message);
}

/* --- what they cost --------------------------------------------------------
 */

static double percent_above(double value, double base) {
  return base > 0.0 ? (value / base - 1.0) * 100.0 : 0.0;
}

static void format_count(char *text, size_t size, uint64_t count) {
  static const char *const units[] = {"", " k", " M", " G", " T", " P", " E"};
  double value = (double)count;
  size_t i = 0;
  while (value >= 999.95 && i + 1 < sizeof(units) / sizeof(units[0])) {
    value /= 1000.0;
    i++;
  }
  snprintf(text, size, "%.*f%s", i == 0 ? 0 : 1, value, units[i]);
}

static void tell_price(const struct settings *settings,
                       const struct group *group,
                       const struct versions *versions) {
  const struct version *versions_of[] = {versions->replaced,
                                         versions->deployed};
  char tags[64];
  char runs[2][16];
  char message[DISPATCH_MESSAGE_SIZE];
  double ns[2];
  format_tags(tags, sizeof(tags), versions);
  for (size_t i = 0; i < 2; i++) {
    ns[i] = version_ns_per_call(versions_of[i]);
    format_count(runs[i], sizeof(runs[i]),
                 group_estimated_total(&versions_of[i]->sum).cnt);
  }
  snprintf(message, sizeof(message),
           "%s: %s: %.0f -> %.0f ns a run (%+.0f %%), %s and %s runs",
           group->name, tags, ns[0], ns[1], percent_above(ns[1], ns[0]),
           runs[0], runs[1]);
  INFO("bpf_stats: %s", message);
  if (settings->notify_changes)
    dispatch_notification(NOTIF_OKAY, group->name, "gauge", "ns_per_call",
                          message);
}

static void tell_regression(const void *context, const char *name,
                            const struct group *group,
                            enum alarm_change change) {
  char message[DISPATCH_MESSAGE_SIZE];
  (void)context;
  if (change == ALARM_RAISED || change == ALARM_CALM) {
    const struct versions *versions = groups_versions(group);
    const struct version *replaced = versions->replaced;
    const struct version *deployed = versions->deployed;
    const double old_ns = version_median_ns(replaced, VERSION_MEANS_NUM);
    const double new_ns = version_median_ns(deployed, VERSIONS_NEW_INTERVALS);
    char tags[64];
    format_tags(tags, sizeof(tags), versions);
    snprintf(message, sizeof(message),
             "%s: %s: %.0f -> %.0f ns a run (%+.0f %%), medians of %zu and %zu "
             "intervals",
             name, tags, old_ns, new_ns, percent_above(new_ns, old_ns),
             version_intervals(replaced, VERSION_MEANS_NUM),
             version_intervals(deployed, VERSIONS_NEW_INTERVALS));
  } else if (change == ALARM_REPLACED) {
    snprintf(message, sizeof(message), "%s: replaced by tag %016" PRIx64, name,
             groups_versions(group)->deployed->tag);
  } else if (change == ALARM_GONE && group != NULL) {
    snprintf(message, sizeof(message),
             "%s: tag %016" PRIx64 " is loaded no more", name,
             groups_versions(group)->deployed->tag);
  } else {
    snprintf(message, sizeof(message), "%s: %s", name, dispatch_reason(change));
  }
  dispatch_notification(change == ALARM_RAISED ? NOTIF_WARNING : NOTIF_OKAY,
                        name, "gauge", "ns_per_call", message);
}

/* What an interval says of the last deploy. A version that did not run in it
 * has shown nothing. */
static enum alarm_change judge(const struct versions *versions,
                               double percent) {
  const struct version *deployed = versions->deployed;
  if (versions->is_deployed)
    return ALARM_REPLACED;
  if (deployed == NULL || deployed->sum.programs == 0)
    return ALARM_GONE;
  const double share = versions_share_above(versions, percent);
  if (!versions->is_looked)
    return ALARM_HELD;
  if (share >= VERSIONS_SHARE_RAISED && versions->looks <= VERSIONS_LOOKS)
    return ALARM_RAISED;
  return share > VERSIONS_SHARE_CALM ? ALARM_HELD : ALARM_CALM;
}

/* --- what the host pays ----------------------------------------------------
 */

static void take_dearest(struct changes *changes, const struct group *group) {
  for (size_t i = 0; i < CHANGES_DEAREST_NUM; i++) {
    const struct group *other = changes->dearest[i];
    if (other != NULL && other->delta.nsecs >= group->delta.nsecs)
      continue;
    changes->dearest[i] = group;
    if (other == NULL)
      return;
    group = other;
  }
}

static double cpu_percent(const struct changes *changes,
                          const struct group *group) {
  return (double)group->delta.nsecs / (double)changes->measured_ns * 100.0;
}

static void tell_cost(const void *context, const char *name,
                      const struct group *group, enum alarm_change change) {
  const struct changes *changes = context;
  char message[DISPATCH_MESSAGE_SIZE];
  int len = 0;
  if (change == ALARM_RAISED || change == ALARM_CALM)
    len = snprintf(message, sizeof(message),
                   "BPF programs cost %.1f %% of one CPU",
                   cpu_percent(changes, group));
  else
    snprintf(message, sizeof(message), "what BPF programs cost %s",
             dispatch_reason(change));
  for (size_t i = 0; change == ALARM_RAISED && i < CHANGES_DEAREST_NUM &&
                     changes->dearest[i] != NULL;
       i++)
    len += snprintf(message + len, sizeof(message) - (size_t)len,
                    "%s %.55s %.1f %%", i == 0 ? ":" : ",",
                    changes->dearest[i]->name,
                    cpu_percent(changes, changes->dearest[i]));
  dispatch_notification(change == ALARM_RAISED ? NOTIF_WARNING : NOTIF_OKAY,
                        name, "gauge", "cpu_percent", message);
}

static void check_cost(struct changes *changes, double percent,
                       const struct group *host) {
  enum alarm_change found = ALARM_HELD;
  if (cpu_percent(changes, host) > percent) {
    if (++changes->costly_intervals >= CHANGES_COSTLY_INTERVALS)
      found = ALARM_RAISED;
  } else {
    /* What only some programs cost can raise an alarm, but is not calm. */
    found = host->unmeasured == 0 ? ALARM_CALM : ALARM_UNREADABLE;
    changes->costly_intervals = 0;
  }
  changes->costs.context = changes;
  alarms_take(&changes->costs, host, found, tell_cost);
}

/* ---------------------------------------------------------------------------
 */

void changes_check(struct changes *changes, const struct settings *settings,
                   const struct reading *reading, const struct group *group) {
  const struct versions *versions = groups_versions(group);
  if (settings->cost_threshold > 0.0)
    take_dearest(changes, group);
  if (versions == NULL)
    return;
  if (settings->notify_changes)
    check_deploys(changes, group, versions);
  if (versions->is_looked && versions->looks == 1)
    tell_price(settings, group, versions);
  if (settings->regression_threshold > 0.0 &&
      (versions->is_deployed || reading->coverage.measured_ns != 0))
    alarms_take(&changes->regressions, group,
                judge(versions, settings->regression_threshold),
                tell_regression);
}

void changes_settle(struct changes *changes, const struct settings *settings,
                    const struct reading *reading) {
  changes->measured_ns = reading->coverage.measured_ns;
  const enum alarm_change unchecked =
      changes->measured_ns != 0 ? ALARM_GONE : ALARM_STATISTICS_OFF;
  if (settings->cost_threshold > 0.0 && changes->measured_ns != 0)
    check_cost(changes, settings->cost_threshold, &reading->host->group);
  settle_deploys(changes);
  alarms_settle(&changes->regressions, unchecked, tell_regression);
  alarms_settle(&changes->costs, unchecked, tell_cost);
  changes->told_deploys = 0;
  for (size_t i = 0; i < CHANGES_DEAREST_NUM; i++)
    changes->dearest[i] = NULL;
}

void changes_miss(struct changes *changes) {
  alarms_settle(&changes->regressions, ALARM_UNREADABLE, tell_regression);
  alarms_settle(&changes->costs, ALARM_UNREADABLE, tell_cost);
}

void changes_stop(struct changes *changes) {
  alarms_stop(&changes->regressions, tell_regression);
  alarms_stop(&changes->costs, tell_cost);
}

void changes_clear(struct changes *changes) {
  alarms_clear(&changes->regressions);
  alarms_clear(&changes->costs);
  *changes = (struct changes){0};
}
