/* SPDX-License-Identifier: MIT */
/* overhead: in what part of each interval statistics are on, so that what they
 * cost stays below a limit. */
#ifndef BPF_STATS_OVERHEAD_H
#define BPF_STATS_OVERHEAD_H

#include <stdbool.h>
#include <stdint.h>

/* So many intervals, at least, pass before statistics are on for longer again,
 * and the most that any of these would have cost decides. */
enum { OVERHEAD_CALM_INTERVALS = 10 };

struct overhead {
  double limit_percent;   /* of one CPU; 0: none */
  double percent;         /* of the last update */
  double windows_percent; /* likewise */
  uint64_t parts;     /* statistics are on in one of so many equal parts of each
                         interval; 1: all the time */
  unsigned intervals; /* since that was looked at */
  double peak_percent;
};

void overhead_init(struct overhead *overhead, double limit_percent);

/* After an interval in which programs ran so often that statistics, had they
 * been on for all of it, would have cost PERCENT of one CPU; to turn them on
 * and off once in each interval costs WINDOWS_PERCENT. Sets the parts of the
 * next: more at once, fewer after some time, and one where windows would cost
 * more. */
void overhead_update(struct overhead *overhead, double percent,
                     double windows_percent);

/* Whether the limit would have been kept in that interval with the parts that
 * the next one has. */
bool overhead_is_kept(const struct overhead *overhead);

#endif
