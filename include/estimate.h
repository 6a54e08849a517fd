/* SPDX-License-Identifier: MIT */
/* estimate: what a group did in the whole time, while statistics were on in
 * windows alone.
 *
 * Runs and run time are taken to have gone on in the rest of the time as in the
 * window; what the kernel has counted there anyway, for others, is part of the
 * estimate. Recursion misses need none: the kernel always counts them. */
#ifndef BPF_STATS_ESTIMATE_H
#define BPF_STATS_ESTIMATE_H

#include "prog_stats.h"

#include <stdint.h>

/* Zeroed at the start. */
struct estimate {
  uint64_t cnt;   /* runs that nobody counted; never falls */
  uint64_t nsecs; /* their run time, ns; never falls */
  /* What was expected less what was counted, as far as it is not part of the
   * above: a fraction of one, or below 0 when more was counted than a window
   * let expect. The next windows make up for it, so that errors of single
   * windows do not add up. */
  double cnt_balance;
  double nsecs_balance;
};

/* Adds what SINCE_NS have had beyond what was counted in them, COUNTED, as far
 * as the window tells: DELTA was counted in DELTA_NS of them. Nothing is known
 * when DELTA_NS is 0. Saturates at UINT64_MAX. */
void estimate_add(struct estimate *estimate, struct prog_stats delta,
                  uint64_t delta_ns, struct prog_stats counted,
                  uint64_t since_ns);

/* TOTAL, which was counted, with what was not. */
struct prog_stats estimate_total(const struct estimate *estimate,
                                 struct prog_stats total);

#endif
