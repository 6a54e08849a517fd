/* SPDX-License-Identifier: MIT */
/* prog_stats: the run-time statistics of one BPF program, or of a sum of them.
 *
 * The kernel keeps them per CPU (struct bpf_prog_stats, include/linux/filter.h)
 * and bpf_prog_info reports their sum as run_cnt, run_time_ns and
 * recursion_misses. Everything here is a pure function; the small ones are
 * inline, as a read calls them several times for each program. */
#ifndef BPF_STATS_PROG_STATS_H
#define BPF_STATS_PROG_STATS_H

#include <stddef.h>
#include <stdint.h>

struct prog_stats {
  uint64_t cnt;    /* invocations */
  uint64_t nsecs;  /* run time, ns */
  uint64_t misses; /* runs that the recursion guard skipped */
};

static inline uint64_t prog_stats_add_saturating(uint64_t a, uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static inline uint64_t prog_stats_sub_to_zero(uint64_t later,
                                              uint64_t earlier) {
  return later > earlier ? later - earlier : 0;
}

/* Mean run time of one invocation, in ns. 0.0 when it never ran; always finite.
 */
static inline double prog_stats_ns_per_call(struct prog_stats stats) {
  return stats.cnt == 0 ? 0.0 : (double)stats.nsecs / (double)stats.cnt;
}

/* Share of the attempted runs that were skipped, 0..1. 0.0 when there was no
 * attempt; always finite. cnt + misses saturates at UINT64_MAX. */
static inline double prog_stats_miss_rate(struct prog_stats stats) {
  uint64_t attempts = prog_stats_add_saturating(stats.cnt, stats.misses);
  return attempts == 0 ? 0.0 : (double)stats.misses / (double)attempts;
}

/* a + b, each field saturating at UINT64_MAX. */
static inline struct prog_stats prog_stats_add(struct prog_stats a,
                                               struct prog_stats b) {
  return (struct prog_stats){
      .cnt = prog_stats_add_saturating(a.cnt, b.cnt),
      .nsecs = prog_stats_add_saturating(a.nsecs, b.nsecs),
      .misses = prog_stats_add_saturating(a.misses, b.misses),
  };
}

/* later - earlier, each field on its own; a field that decreased gives 0. */
static inline struct prog_stats prog_stats_sub(struct prog_stats later,
                                               struct prog_stats earlier) {
  return (struct prog_stats){
      .cnt = prog_stats_sub_to_zero(later.cnt, earlier.cnt),
      .nsecs = prog_stats_sub_to_zero(later.nsecs, earlier.nsecs),
      .misses = prog_stats_sub_to_zero(later.misses, earlier.misses),
  };
}

/* Writes one human-readable line, without a newline, into BUF of SIZE bytes:
 * name, the three counters, then ns/call and miss rate, each of the two only
 * when it is defined. Returns what snprintf returns: the length of the whole
 * line, which was cut if it is SIZE or more. */
int prog_stats_format(char *buf, size_t size, const char *name,
                      struct prog_stats stats);

#endif
