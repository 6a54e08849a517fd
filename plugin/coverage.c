/* SPDX-License-Identifier: MIT */
/* coverage: no evidence is no evidence.
 *
 * What another process does between two looks cannot be seen: where all looks
 * find statistics on they are taken to have been on throughout, and where all
 * find them off and nothing was counted, off throughout. */
#include "coverage.h"

/* Without a window and not on throughout, as far as that is known. */
static double share_of(const struct coverage_facts *facts) {
  const bool held =
      facts->held_since_ns != 0 && facts->held_since_ns < facts->end_ns;
  if (!held || facts->at_begin != STATISTICS_OFF)
    return -1.0;
  return (double)(facts->end_ns - facts->held_since_ns) /
         (double)(facts->end_ns - facts->begin_ns);
}

static struct coverage of_window(const struct coverage_facts *facts) {
  struct coverage coverage = {.share = -1.0, .measured_ns = facts->delta_ns};
  if (facts->throughout == STATISTICS_OFF)
    coverage.share =
        (double)facts->delta_ns / (double)(facts->end_ns - facts->begin_ns);
  return coverage;
}

struct coverage coverage_find(const struct coverage_facts *facts) {
  if (facts->begin_ns == 0 || facts->end_ns <= facts->begin_ns)
    return (struct coverage){.share = -1.0};
  const bool held =
      facts->held_since_ns != 0 && facts->held_since_ns <= facts->begin_ns;
  if (held || facts->throughout == STATISTICS_ON)
    return (struct coverage){
        .share = 1.0, .is_whole = true, .measured_ns = facts->delta_ns};
  if (facts->is_window)
    return of_window(facts);
  if (facts->throughout == STATISTICS_OFF && !facts->has_counted)
    return (struct coverage){.share = 0.0};
  return (struct coverage){.share = share_of(facts)};
}
