/* SPDX-License-Identifier: MIT */
/* report: tells the log what has changed from one read to the next, and nothing
 * while all stays as it is. */
#ifndef BPF_STATS_REPORT_H
#define BPF_STATS_REPORT_H

#include "selector.h"
#include "source.h"

#include <stdbool.h>

/* After so many reads it is told which filters have selected nothing. */
enum { REPORT_SELECTING_READS = 10 };

/* What was logged last. Zeroed at the start: all is well. */
struct report {
  int read_error;
  int accounting_error;
  bool partial;
  bool watch_lost;
  bool stolen;
  bool statistics_off;
  unsigned selecting_reads; /* at most REPORT_SELECTING_READS */
};

/* ERROR: -errno of turning statistics on, or 0. */
void report_accounting(struct report *report, int error);

/* OFF: nobody has turned statistics on, and the plugin is not to. */
void report_statistics(struct report *report, bool off);

/* Nothing could be read, with ERROR, a -errno, for REASON. */
void report_failure(struct report *report, int error, const char *reason);

/* SNAPSHOT was read from SOURCE. */
void report_read(struct report *report, struct source *source,
                 const struct prog_snapshot *snapshot);

/* To be called after each read that went well. Tells once, and not at the
 * first, what has selected nothing: as it arrived, it shows what collectd's
 * parser has made of it. */
void report_selector(struct report *report, const struct selector *selector);

/* LOST: unloads are not watched any more, for REASON; else they are now. */
void report_watch(struct report *report, bool lost, const char *reason);

/* Records of unloads were taken by somebody else. */
void report_stolen(struct report *report);

#endif
