/* SPDX-License-Identifier: MIT */
/* clocks: the two clocks of this plugin, in ns. */
#ifndef BPF_STATS_CLOCKS_H
#define BPF_STATS_CLOCKS_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t id) {
  struct timespec now = {0};
  clock_gettime(id, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* CLOCK_BOOTTIME of snapshots: the kernel takes bpf_prog_info.load_time from
 * it, so the two compare. That is the clock of the first time namespace,
 * whichever one this process is in. Call it once before there are other
 * threads. */
uint64_t boottime_ns(void);

/* Of windows: it stands still while the host sleeps, as BPF programs do. */
static inline uint64_t monotonic_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

#endif
