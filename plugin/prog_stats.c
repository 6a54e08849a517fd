/* SPDX-License-Identifier: MIT */
/* prog_stats: arithmetic on the run-time statistics of BPF programs. */
#include "prog_stats.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t add_saturating(uint64_t a, uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t sub_to_zero(uint64_t later, uint64_t earlier) {
  return later > earlier ? later - earlier : 0;
}

double prog_stats_ns_per_call(struct prog_stats stats) {
  return stats.cnt == 0 ? 0.0 : (double)stats.nsecs / (double)stats.cnt;
}

double prog_stats_miss_rate(struct prog_stats stats) {
  uint64_t attempts = add_saturating(stats.cnt, stats.misses);
  return attempts == 0 ? 0.0 : (double)stats.misses / (double)attempts;
}

struct prog_stats prog_stats_add(struct prog_stats a, struct prog_stats b) {
  return (struct prog_stats){
      .cnt = add_saturating(a.cnt, b.cnt),
      .nsecs = add_saturating(a.nsecs, b.nsecs),
      .misses = add_saturating(a.misses, b.misses),
  };
}

struct prog_stats prog_stats_sub(struct prog_stats later,
                                 struct prog_stats earlier) {
  return (struct prog_stats){
      .cnt = sub_to_zero(later.cnt, earlier.cnt),
      .nsecs = sub_to_zero(later.nsecs, earlier.nsecs),
      .misses = sub_to_zero(later.misses, earlier.misses),
  };
}

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
