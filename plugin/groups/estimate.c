/* SPDX-License-Identifier: MIT */
/* estimate: fixed-point arithmetic with 32 bits behind the point. */
#include "estimate.h"

static uint64_t saturate(unsigned __int128 value) {
  return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

/* Adds INSIDE * interval / window - INSIDE - OUTSIDE, if that is positive. */
static void add(uint64_t *value, uint32_t *rest, uint64_t inside,
                uint64_t outside, uint64_t interval_ns, uint64_t window_ns) {
  /* The product has 128 bits; there is no room for 32 more. */
  unsigned __int128 product = (unsigned __int128)inside * interval_ns;
  unsigned __int128 whole = product / window_ns;
  uint64_t left = (uint64_t)(product % window_ns);
  uint64_t fraction =
      (uint64_t)(((unsigned __int128)left << 32) / window_ns) + *rest;
  unsigned __int128 counted = (unsigned __int128)inside + outside;
  whole += fraction >> 32;
  if (whole < counted)
    return;
  *value = saturate(whole - counted + *value);
  *rest = (uint32_t)fraction;
}

void estimate_add(struct estimate *estimate, struct prog_stats inside,
                  struct prog_stats outside, uint64_t interval_ns,
                  uint64_t window_ns) {
  if (window_ns == 0 || window_ns > interval_ns)
    return;
  add(&estimate->cnt, &estimate->cnt_rest, inside.cnt, outside.cnt, interval_ns,
      window_ns);
  add(&estimate->nsecs, &estimate->nsecs_rest, inside.nsecs, outside.nsecs,
      interval_ns, window_ns);
}

struct prog_stats estimate_total(const struct estimate *estimate,
                                 struct prog_stats total) {
  return prog_stats_add(total, (struct prog_stats){.cnt = estimate->cnt,
                                                   .nsecs = estimate->nsecs});
}
