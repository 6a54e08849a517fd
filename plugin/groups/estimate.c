/* SPDX-License-Identifier: MIT */
/* estimate: a balance of what was to be expected and what was counted. */
#include "estimate.h"

static const double uint64_max = 18446744073709551616.0; /* the next double */

static uint64_t whole_part(double value) {
  return value < uint64_max ? (uint64_t)value : UINT64_MAX;
}

/* Moves what is whole and positive from the balance to the value. */
static void add(uint64_t *value, double *balance, double expected,
                uint64_t counted) {
  *balance += expected - (double)counted;
  if (*balance < 1.0)
    return;
  uint64_t more = whole_part(*balance);
  *balance -= (double)more;
  *value = more > UINT64_MAX - *value ? UINT64_MAX : *value + more;
}

void estimate_add(struct estimate *estimate, struct prog_stats delta,
                  uint64_t delta_ns, struct prog_stats counted,
                  uint64_t since_ns) {
  if (delta_ns == 0)
    return;
  const double factor = (double)since_ns / (double)delta_ns;
  add(&estimate->cnt, &estimate->cnt_balance, (double)delta.cnt * factor,
      counted.cnt);
  add(&estimate->nsecs, &estimate->nsecs_balance, (double)delta.nsecs * factor,
      counted.nsecs);
}

struct prog_stats estimate_total(const struct estimate *estimate,
                                 struct prog_stats total) {
  return prog_stats_add(total, (struct prog_stats){.cnt = estimate->cnt,
                                                   .nsecs = estimate->nsecs});
}
