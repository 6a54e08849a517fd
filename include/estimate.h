/* SPDX-License-Identifier: MIT */
/* estimate: what a group has counted in whole intervals, of which statistics
 * were on for a window alone.
 *
 * Runs and run time are taken to have gone on in the rest of the interval as in
 * the window. Recursion misses need no estimate: the kernel counts them always.
 */
#ifndef BPF_STATS_ESTIMATE_H
#define BPF_STATS_ESTIMATE_H

#include "prog_stats.h"

#include <stdint.h>

/* Zeroed at the start. */
struct estimate {
  uint64_t cnt;   /* runs that nobody counted; never falls */
  uint64_t nsecs; /* the same of the run time, ns */
  /* What is left of the division, in units of 2^-32, so that rounding does not
   * add up over the years. */
  uint32_t cnt_rest;
  uint32_t nsecs_rest;
};

/* Adds what an interval of INTERVAL_NS has had beyond what was counted: INSIDE,
 * in its window of WINDOW_NS, and OUTSIDE, in the rest of it. Nothing is added
 * when more was counted than the window lets expect, or when WINDOW_NS is 0 or
 * longer than the interval. Saturates at UINT64_MAX. */
void estimate_add(struct estimate *estimate, struct prog_stats inside,
                  struct prog_stats outside, uint64_t interval_ns,
                  uint64_t window_ns);

/* TOTAL, which was counted, with what was not. */
struct prog_stats estimate_total(const struct estimate *estimate,
                                 struct prog_stats total);

#endif
