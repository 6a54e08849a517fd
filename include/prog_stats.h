/* SPDX-License-Identifier: MIT */
/* prog_stats: the run-time statistics of one BPF program, or of a sum of them.
 *
 * The kernel keeps them per CPU (struct bpf_prog_stats, include/linux/filter.h)
 * and bpf_prog_info reports their sum as run_cnt, run_time_ns and
 * recursion_misses. Everything here is a pure function. */
#ifndef BPF_STATS_PROG_STATS_H
#define BPF_STATS_PROG_STATS_H

#include <stddef.h>
#include <stdint.h>

struct prog_stats {
  uint64_t cnt;    /* invocations */
  uint64_t nsecs;  /* run time, ns */
  uint64_t misses; /* runs that the recursion guard skipped */
};

/* Mean run time of one invocation, in ns. 0.0 when it never ran; always finite.
 */
double prog_stats_ns_per_call(struct prog_stats stats);

/* Share of the attempted runs that were skipped, 0..1. 0.0 when there was no
 * attempt; always finite. cnt + misses saturates at UINT64_MAX. */
double prog_stats_miss_rate(struct prog_stats stats);

/* a + b, each field saturating at UINT64_MAX. */
struct prog_stats prog_stats_add(struct prog_stats a, struct prog_stats b);

/* later - earlier, each field on its own; a field that decreased gives 0. */
struct prog_stats prog_stats_sub(struct prog_stats later,
                                 struct prog_stats earlier);

/* Writes one human-readable line, without a newline, into BUF of SIZE bytes:
 * name, the three counters, then ns/call and miss rate, each of the two only
 * when it is defined. Returns what snprintf returns: the length of the whole
 * line, which was cut if it is SIZE or more. */
int prog_stats_format(char *buf, size_t size, const char *name,
                      struct prog_stats stats);

#endif
