/* SPDX-License-Identifier: MIT */
/* prog_stats: run-time statistics of BPF programs, as a line of text. */
#include "prog_stats.h"

#include <inttypes.h>
#include <stdio.h>

int prog_stats_format(char *buf, size_t size, const char *name,
                      struct prog_stats stats) {
  char ns_per_call[64] = "";
  char miss_rate[64] = "";
  if (stats.cnt != 0)
    snprintf(ns_per_call, sizeof(ns_per_call), ", %.3f ns/call",
             prog_stats_ns_per_call(stats));
  if (stats.cnt != 0 || stats.misses != 0)
    snprintf(miss_rate, sizeof(miss_rate), ", miss rate %.6f",
             prog_stats_miss_rate(stats));
  return snprintf(buf, size,
                  "%s: %" PRIu64 " invocations, %" PRIu64 " ns, %" PRIu64
                  " recursion misses%s%s",
                  name, stats.cnt, stats.nsecs, stats.misses, ns_per_call,
                  miss_rate);
}
