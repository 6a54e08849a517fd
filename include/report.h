/* SPDX-License-Identifier: MIT */
/* report: tells the log what has changed from one read to the next, and nothing
 * while all stays as it is. */
#ifndef BPF_STATS_REPORT_H
#define BPF_STATS_REPORT_H

#include "reading.h"
#include "selector.h"

#include <stdbool.h>

/* So many reads in a row without a folded program end the folding. */
enum { REPORT_FOLDING_READS = 10 };

/* The number of reads after which the log tells which filters have selected
 * nothing. */
enum { REPORT_SELECTING_READS = 10 };

enum report_watch { REPORT_WATCH_NEW, REPORT_WATCHED, REPORT_UNWATCHED };

/* What was logged last. Zeroed at the start: all is well. */
struct report {
  int read_error;
  int statistics_error;
  bool partial;
  enum report_watch watch;
  int maps_error;
  bool stolen;
  bool elsewhere;         /* it was told which programs are not counted */
  unsigned folding_reads; /* before it is told that nothing is folded */
  bool alarms_full;
  bool map_alarms_full;
  bool statistics_off;
  bool limited;             /* it was told that OverheadLimit sets windows, */
  bool limited_no_more;     /* and that they are over */
  bool limit_not_kept;      /* likewise, that OverheadLimit is not kept */
  unsigned selecting_reads; /* at most REPORT_SELECTING_READS */
};

/* Nothing could be opened or read, with ERROR, a -errno, for REASON. */
void report_failure(struct report *report, int error, const char *reason);

/* Logs what is new about the source and the watch on unloads. */
void report_opened(struct report *report, const struct reading *reading);

/* Logs all that is new in a reading. ENABLE_STATS: the plugin turns statistics
 * on itself. */
void report_changes(struct report *report, const struct reading *reading,
                    bool enable_stats);

/* GROUPS_FULL, MAPS_FULL: no further alarm of these can be raised. */
void report_alarms(struct report *report, bool groups_full, bool maps_full);

/* Call it after each read that went well. It tells once which filters have
 * selected nothing, each as it arrived: that shows what collectd's parser has
 * made of it. */
void report_selector(struct report *report, const struct selector *selector);

#endif
