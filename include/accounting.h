/* SPDX-License-Identifier: MIT */
/* accounting: turns the kernel's run-time statistics on while the plugin runs,
 * and knows since when they are on.
 *
 * The kernel counts invocations and run time only while somebody holds a
 * BPF_ENABLE_STATS file descriptor or kernel.bpf_stats_enabled is 1. The
 * descriptor ends with its process, however that ends; so the sysctl is only
 * ever read. Not thread-safe. */
#ifndef BPF_STATS_ACCOUNTING_H
#define BPF_STATS_ACCOUNTING_H

#include "prog_snapshot.h"

#include <stdbool.h>
#include <stdint.h>

struct accounting {
  bool hold;                /* wanted: hold the descriptor all the time */
  int fd;                   /* -1: not held */
  int error;                /* -errno of the last attempt to get it, or 0 */
  bool on;                  /* known to be on */
  bool seen;                /* so the last snapshot says */
  uint64_t on_since_ns;     /* CLOCK_BOOTTIME; while on */
  uint64_t window_begin_ns; /* CLOCK_MONOTONIC */
};

/* HOLD: turn statistics on, and keep them on until accounting_clear(), which
 * needs CAP_SYS_ADMIN. Otherwise only watch whether the sysctl is set. */
void accounting_init(struct accounting *accounting, bool hold);

/* Turns statistics on where that is wanted and not done, and looks whether they
 * are on. To be called before each snapshot; NOW_NS is of CLOCK_BOOTTIME. */
void accounting_update(struct accounting *accounting, uint64_t now_ns);

/* What a snapshot at TIME_NS of CLOCK_BOOTTIME has seen. */
void accounting_see(struct accounting *accounting, enum statistics statistics,
                    uint64_t time_ns);

/* Share of the interval of ELAPSED_NS up to NOW_NS in which statistics are
 * known to have been on, 0..1: a lower bound, as another process may hold a
 * descriptor, which does not show anywhere. */
double accounting_coverage(const struct accounting *accounting, uint64_t now_ns,
                           uint64_t elapsed_ns);

/* Turns statistics on for a window, where they are not held all the time. Tells
 * in ERROR whether that went well. */
void accounting_begin_window(struct accounting *accounting);

/* Turns them off again, unless somebody else has them on as well. Returns for
 * how long they were on, in ns of CLOCK_MONOTONIC; 0: there was no window. */
uint64_t accounting_end_window(struct accounting *accounting);

/* Lets go of the descriptor. To be called only after accounting_init(); once
 * more does nothing. */
void accounting_clear(struct accounting *accounting);

#endif
