/* SPDX-License-Identifier: MIT */
/* measurement: for which part of an interval the kernel's statistics were on,
 * and so what its numbers tell. */
#ifndef BPF_STATS_MEASUREMENT_H
#define BPF_STATS_MEASUREMENT_H

#include "accounting.h"
#include "groups.h"

#include <stdbool.h>
#include <stdint.h>

struct measurement {
  /* Share of the interval in which statistics were on, 0..1. A lower bound, as
   * another process may have had them on, which shows nowhere. Negative: nobody
   * knows, or there was no interval. */
  double coverage;
  /* The time that the groups' deltas are of; 0 unless statistics were on
   * throughout. */
  uint64_t measured_ns;
  /* What was counted is of the window alone, and the rest is to be estimated.
   */
  bool extrapolate;
};

/* Without windows: after an update with a snapshot at NOW_NS of
 * CLOCK_BOOTTIME. */
struct measurement measurement_of_interval(const struct accounting *accounting,
                                           const struct host *host,
                                           uint64_t now_ns);

/* After the last part of an interval: statistics were on for WINDOW_NS of the
 * INTERVAL_NS up to NOW_NS of CLOCK_BOOTTIME; 0: they could not be turned on.
 * STATISTICS: whether they were on in the rest of it, as far as snapshots saw.
 */
struct measurement measurement_of_window(const struct accounting *accounting,
                                         const struct host *host,
                                         uint64_t now_ns, uint64_t interval_ns,
                                         uint64_t window_ns,
                                         enum statistics statistics);

#endif
