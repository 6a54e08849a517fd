/* SPDX-License-Identifier: MIT */
/* report: one line for each change. */
#include "report.h"

#include "alarms.h"
#include "name_pattern.h"
#include "option.h"
#include "refusal.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"
#include "collectd/core/utils/common/common.h"

static void report_source(const struct source_note *note) {
  if (note->is_error)
    ERROR("bpf_stats: %s; reading by system calls instead", note->text);
  else if (note->text[0] != '\0')
    INFO("bpf_stats: %s", note->text);
}

static void report_watch(struct report *report, const struct reading *reading) {
  const char *reason = reading->unwatched_reason;
  const enum report_watch before = report->watch;
  report->watch = reason[0] == '\0' ? REPORT_WATCHED : REPORT_UNWATCHED;
  if (report->watch == before || !reading->wants_watch)
    return;
  if (report->watch == REPORT_UNWATCHED && before == REPORT_WATCH_NEW)
    INFO("bpf_stats: unloads are not watched: %s. What a program counts after "
         "its last read is not seen.",
         reason);
  else if (report->watch == REPORT_UNWATCHED)
    WARNING("bpf_stats: unloads are not watched any more: %s", reason);
  else if (before == REPORT_UNWATCHED)
    NOTICE("bpf_stats: unloads are watched now");
}

/* What is allowed does not change by itself: it is told once, as a
 * piece of information. */
static void report_maps(struct report *report, const struct reading *reading) {
  const int error = reading->maps_error;
  if (error == report->maps_error)
    return;
  if (error != 0)
    INFO("bpf_stats: maps cannot be read, so there are no series of them: %s",
         reading->maps_reason);
  else
    NOTICE("bpf_stats: maps can be read now");
  report->maps_error = error;
}

static void report_stolen(struct report *report,
                          const struct unloads *unloads) {
  if (unloads == NULL || unloads->stolen == 0 || report->stolen)
    return;
  WARNING("bpf_stats: another process takes records of unloaded programs out "
          "of the ring, which has one reader: pin a watch for each collectd, "
          "or set \"WatchUnload false\" in all but one. unwatched_unloads "
          "counts what is missing.");
  report->stolen = true;
}

static void report_folding(struct report *report, const struct host *host) {
  if (host->folded_programs > 0) {
    if (report->folding_reads == 0)
      WARNING(
          "bpf_stats: all MaxInstances places for groups are taken: further "
          "programs are counted under \"_other\"; folded_programs tells how "
          "many. A place is free again when its group had no program for an "
          "hour.");
    report->folding_reads = REPORT_FOLDING_READS;
  } else if (report->folding_reads > 0 && --report->folding_reads == 0) {
    NOTICE("bpf_stats: no program is counted under \"_other\" any more");
  }
}

/* Tells once which programs seem to cost nothing. */
static void report_elsewhere(struct report *report,
                             const struct prog_snapshot *snapshot) {
  char names[300] = "";
  size_t len = 0;
  size_t num = 0;
  for (size_t i = 0; i < snapshot->samples_num && !report->elsewhere; i++) {
    const struct prog_sample *sample = &snapshot->samples[i];
    if (!sample->is_elsewhere)
      continue;
    char text[OPTION_TEXT_SIZE];
    option_quote(text, sample->name);
    if (len + strlen(text) + 2 < sizeof(names))
      len += (size_t)snprintf(names + len, sizeof(names) - len, " %s", text);
    else
      num++;
  }
  if (len == 0)
    return;
  report->elsewhere = true;
  char more[32] = "";
  if (num > 0)
    snprintf(more, sizeof(more), " and %zu more", num);
  INFO("bpf_stats: what these programs cost stands at those that call them or "
       "that they replace a part of, as the kernel does not count freplace "
       "programs and tail calls:%s%s. uncounted_programs tells how many.",
       names, more);
}

static void report_full(bool *was_full, bool is_full, const char *what) {
  if (is_full && !*was_full)
    WARNING("bpf_stats: %d %s; there is no notification about further ones",
            ALARMS_MAX, what);
  *was_full = is_full;
}

void report_alarms(struct report *report, bool groups_full, bool maps_full) {
  report_full(&report->alarms_full, groups_full,
              "groups are above MissRateThreshold");
  report_full(&report->map_alarms_full, maps_full,
              "names of maps are above MapFillThreshold");
}

/* Tells whether statistics could be turned on. */
static void report_switch(struct report *report, int error) {
  if (error == report->statistics_error)
    return;
  report->statistics_error = error;
  if (error == 0) {
    NOTICE("bpf_stats: run-time statistics are on now");
    return;
  }
  char why[REFUSAL_TEXT_SIZE];
  const char *remedy = "";
  if (refusal_explain(error, PRIVILEGE_SYS_ADMIN, why, sizeof(why)) ==
      REFUSAL_CAPABILITY)
    remedy = " As root, set kernel.bpf_stats_enabled=1 with sysctl and "
             "\"EnableStats false\" here, or give collectd CAP_SYS_ADMIN.";
  WARNING("bpf_stats: EnableStats cannot turn run-time statistics on: %s.%s",
          why, remedy);
}

/* Tells whether others have turned statistics on, as far as that is known. */
static void report_statistics(struct report *report,
                              const struct reading *reading) {
  const double share = reading->coverage.share;
  const bool off = share == 0.0;
  const bool on = share > 0.0 || reading->host->group.delta.cnt != 0;
  if (off && !report->statistics_off)
    NOTICE(
        "bpf_stats: run-time statistics are off, so all counters stand still. "
        "Set \"EnableStats true\", or kernel.bpf_stats_enabled=1 with sysctl.");
  if (on && report->statistics_off)
    NOTICE("bpf_stats: run-time statistics are on now");
  report->statistics_off = off || (report->statistics_off && !on);
}

/* Tells once that statistics are on in windows as they cost too much, and once
 * that they are on all the time again; coverage shows whenever they are. */
static void report_limit(struct report *report, const struct reading *reading) {
  if (reading->is_limited && !report->limited) {
    INFO("bpf_stats: programs run so often that run-time statistics would cost "
         "%.3g %% of one CPU, and OverheadLimit is %g: they are on in a window "
         "of each interval, and counters are estimated. coverage tells how "
         "much was counted.",
         reading->overhead_percent, reading->overhead_limit_percent);
    report->limited = true;
  } else if (!reading->is_limited && report->limited &&
             !report->limited_no_more) {
    INFO("bpf_stats: run-time statistics cost less than OverheadLimit again: "
         "they are on all the time");
    report->limited_no_more = true;
  }
  if (!reading->is_limit_kept && !report->limit_not_kept) {
    WARNING(
        "bpf_stats: OverheadLimit %g cannot be kept: run-time statistics "
        "would cost %.3g %% of one CPU, and turning them on and off in each "
        "interval %.3g %%. With a longer Interval windows cost less.",
        reading->overhead_limit_percent, reading->overhead_percent,
        reading->windows_percent);
    report->limit_not_kept = true;
  }
}

void report_failure(struct report *report, int error, const char *reason) {
  if (error != report->read_error)
    ERROR("bpf_stats: reading BPF programs failed: %s. It is tried again at "
          "each read.",
          reason);
  report->read_error = error;
}

static void report_snapshot(struct report *report,
                            const struct reading *reading) {
  const struct prog_snapshot *snapshot = reading->snapshot;
  if (report->read_error != 0)
    NOTICE("bpf_stats: reading BPF programs works now");
  report->read_error = 0;
  bool partial = !snapshot->complete || snapshot->read_errors > 0;
  if (partial && !report->partial)
    WARNING("bpf_stats: %zu of %zu BPF programs could not be read%s: %s. The "
            "others are dispatched.",
            snapshot->read_errors, snapshot->samples_num,
            snapshot->complete ? "" : ", and the walk was cut short",
            reading->reason);
  if (!partial && report->partial)
    NOTICE("bpf_stats: all BPF programs can be read again");
  report->partial = partial;
}

void report_opened(struct report *report, const struct reading *reading) {
  report_source(&reading->note);
  report_watch(report, reading);
}

void report_changes(struct report *report, const struct reading *reading,
                    bool enable_stats) {
  if (reading->error != 0) {
    report_failure(report, reading->error, reading->reason);
    return;
  }
  report_opened(report, reading);
  report_switch(report, reading->statistics_error);
  report_limit(report, reading);
  report_snapshot(report, reading);
  report_stolen(report, reading->snapshot->unloads);
  report_maps(report, reading);
  report_folding(report, reading->host);
  report_elsewhere(report, reading->snapshot);
  if (!enable_stats)
    report_statistics(report, reading);
}

static void tell_unused(const char *option, const char *entry) {
  char text[OPTION_TEXT_SIZE];
  option_quote(text, entry);
  INFO("bpf_stats: option %s, value %s: has selected no program in %d reads%s",
       option, text, REPORT_SELECTING_READS,
       name_pattern_is_regex(entry)
           ? "; write two backslashes for one, as collectd takes one away"
           : "");
}

void report_selector(struct report *report, const struct selector *selector) {
  if (report->selecting_reads < REPORT_SELECTING_READS &&
      ++report->selecting_reads == REPORT_SELECTING_READS)
    selector_tell_unused(selector, tell_unused);
}
