/* SPDX-License-Identifier: MIT */
/* measurement: the rules of coverage. */
#include "measurement.h"

static struct measurement measure(const struct accounting *accounting,
                                  const struct host *host, uint64_t now_ns,
                                  uint64_t interval_ns, bool counted) {
  struct measurement measurement = {.coverage = -1.0};
  if (interval_ns == 0)
    return measurement;
  double share = accounting_coverage(accounting, now_ns, interval_ns);
  /* Counters that moved although nothing is known to have turned statistics on:
   * somebody else did, for an unknown share of the interval. */
  if (share > 0.0 || !counted)
    measurement.coverage = share;
  if (share >= 1.0)
    measurement.measured_ns = host->elapsed_ns;
  return measurement;
}

struct measurement measurement_of_interval(const struct accounting *accounting,
                                           const struct host *host,
                                           uint64_t now_ns) {
  return measure(accounting, host, now_ns, host->elapsed_ns,
                 host->group.delta.cnt != 0);
}

/* Whether somebody else had statistics on in the rest of the interval. Where
 * the snapshots do not say: what was still running at the end of a window is
 * counted after it; that is little. With statistics on all the time the rest,
 * which is at least as long as the window, counts about as much as that, or
 * more. */
static bool counted_outside(const struct host *host, enum statistics outside) {
  if (outside != STATISTICS_UNKNOWN)
    return outside == STATISTICS_ON;
  return host->group.outside.cnt > host->group.delta.cnt / 4;
}

struct measurement measurement_of_window(const struct accounting *accounting,
                                         const struct host *host,
                                         uint64_t now_ns, uint64_t interval_ns,
                                         uint64_t window_ns,
                                         enum statistics statistics) {
  bool outside = counted_outside(host, statistics);
  struct measurement measurement =
      measure(accounting, host, now_ns, interval_ns,
              outside || (window_ns == 0 && host->group.delta.cnt != 0));
  if (window_ns == 0 || interval_ns < window_ns)
    return measurement;
  measurement.measured_ns = window_ns;
  if (measurement.coverage >= 1.0 || outside)
    return measurement;
  measurement.coverage = (double)window_ns / (double)interval_ns;
  measurement.extrapolate = true;
  return measurement;
}
