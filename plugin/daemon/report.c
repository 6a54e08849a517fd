/* SPDX-License-Identifier: MIT */
/* report: one line for each change. */
#include "report.h"

#include "name_pattern.h"
#include "option.h"
#include "refusal.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"
#include "collectd/core/utils/common/common.h"

void report_accounting(struct report *report, int error) {
  if (error == report->accounting_error)
    return;
  report->accounting_error = error;
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

void report_statistics(struct report *report, bool off) {
  if (off && !report->statistics_off)
    NOTICE(
        "bpf_stats: run-time statistics are off, so all counters stand still. "
        "Set \"EnableStats true\", or kernel.bpf_stats_enabled=1 with sysctl.");
  if (!off && report->statistics_off)
    NOTICE("bpf_stats: run-time statistics are on now");
  report->statistics_off = off;
}

void report_failure(struct report *report, int error, const char *reason) {
  if (error != report->read_error)
    ERROR("bpf_stats: reading BPF programs failed: %s. It is tried again at "
          "each read.",
          reason);
  report->read_error = error;
}

void report_read(struct report *report, struct source *source,
                 const struct prog_snapshot *snapshot) {
  if (report->read_error != 0)
    NOTICE("bpf_stats: reading BPF programs works now");
  report->read_error = 0;
  bool partial = !snapshot->complete || snapshot->read_errors > 0;
  if (partial && !report->partial)
    WARNING("bpf_stats: %zu of %zu BPF programs could not be read%s: %s. The "
            "others are dispatched.",
            snapshot->read_errors, snapshot->samples_num,
            snapshot->complete ? "" : ", and the walk was cut short",
            source_explain(source, snapshot->error));
  if (!partial && report->partial)
    NOTICE("bpf_stats: all BPF programs can be read again");
  report->partial = partial;
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

void report_watch(struct report *report, bool lost, const char *reason) {
  if (lost && !report->watch_lost)
    WARNING("bpf_stats: unloads are not watched any more: %s", reason);
  if (!lost && report->watch_lost)
    NOTICE("bpf_stats: unloads are watched now");
  report->watch_lost = lost;
}

void report_stolen(struct report *report) {
  if (!report->stolen)
    WARNING("bpf_stats: another process takes records of unloaded programs out "
            "of the ring, which has one reader: pin a watch for each collectd, "
            "or set \"WatchUnload false\" in all but one. unwatched_unloads "
            "counts what is missing.");
  report->stolen = true;
}
