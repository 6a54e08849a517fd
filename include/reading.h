/* SPDX-License-Identifier: MIT */
/* reading: what one read has found. */
#ifndef BPF_STATS_READING_H
#define BPF_STATS_READING_H

#include "coverage.h"
#include "host.h"
#include "map_bill.h"
#include "prog_snapshot.h"
#include "source_choice.h"

#include <stdbool.h>

struct reading {
  int error; /* -errno when nothing could be read; 0 */
  /* Why, or why the snapshot is not whole: a part of a sentence. */
  char reason[400];
  struct source_note note; /* what has changed about the source */

  /* After a read without an error, which owns them. */
  const struct host *host;
  const struct prog_snapshot *snapshot;
  struct coverage coverage;
  /* What maps took when they were last read, which is done every so many
   * reads. NULL: they could not be read then, or are not wanted. */
  const struct map_bill *map_bill;
  const struct map_snapshot *maps; /* NULL: they were not read this time */
  int maps_error;                  /* -errno of the last time, or 0 */
  char maps_reason[300];           /* a part of a sentence */
  int statistics_error;            /* -errno of turning statistics on, or 0 */
  double statistics_cost_ns;       /* what they cost each run */
  /* What it costs to turn them on and off once in each interval, in
   * percent of one CPU; and whether that is done. */
  double windows_percent;
  bool is_sampled;
  /* What they would have cost, had they been on all the time, and the limit, in
   * percent of one CPU; and whether they are on in windows because of that. */
  double overhead_percent;
  double overhead_limit_percent;
  bool is_limited;
  bool is_limit_kept; /* as far as windows can */
  bool wants_owners;  /* who loaded each program is looked for */
  bool wants_watch;   /* on unloads */
  const char
      *unwatched_reason; /* why nobody watches; "": unloads are watched */
};

#endif
