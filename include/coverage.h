/* SPDX-License-Identifier: MIT */
/* coverage: for which part of the time between two reads statistics were on,
 * and so what the counters tell of it. */
#ifndef BPF_STATS_COVERAGE_H
#define BPF_STATS_COVERAGE_H

#include "prog_snapshot.h"

#include <stdbool.h>
#include <stdint.h>

/* What is known of the time between two reads. Times: CLOCK_MONOTONIC. */
struct coverage_facts {
  uint64_t begin_ns; /* the read before; 0: there was none */
  uint64_t end_ns;
  uint64_t held_since_ns; /* by the plugin, up to the end; 0: not held */
  /* Whether statistics were on at the read before, whoever turned them on; and
   * at each look from then to the end: unknown also when that has changed. */
  enum statistics at_begin;
  enum statistics throughout;
  /* The time that the deltas are of: all of it, or a window; 0: none. */
  uint64_t delta_ns;
  bool is_window;
  bool has_counted; /* anything at all */
};

struct coverage {
  double share;  /* of the time in which statistics were on, 0..1. Negative:
                    nobody knows */
  bool is_whole; /* they were on throughout: the counters tell all there is */
  uint64_t measured_ns; /* delta_ns, if statistics were on throughout that */
};

struct coverage coverage_find(const struct coverage_facts *facts);

#endif
