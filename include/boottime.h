/* SPDX-License-Identifier: MIT */
/* boottime: the clock of every interval in this plugin, CLOCK_BOOTTIME in ns.
 * The kernel takes bpf_prog_info.load_time from it, so the two compare. */
#ifndef BPF_STATS_BOOTTIME_H
#define BPF_STATS_BOOTTIME_H

#include <stdint.h>
#include <time.h>

static inline uint64_t boottime_ns(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
