/* SPDX-License-Identifier: MIT */
/* stats_switch: turns the kernel's run-time statistics on, for as long as the
 * plugin runs or for a window, and looks whether they are on.
 *
 * The kernel counts invocations and run time only while somebody holds a
 * BPF_ENABLE_STATS file descriptor or kernel.bpf_stats_enabled is 1. The
 * descriptor ends with its process, however that ends; so the sysctl is never
 * written. Not thread-safe. */
#ifndef BPF_STATS_STATS_SWITCH_H
#define BPF_STATS_STATS_SWITCH_H

#include "prog_snapshot.h"

#include <stdbool.h>
#include <stdint.h>

struct stats_switch {
  bool hold;              /* wanted: on all the time */
  int fd;                 /* -1: not held */
  int error;              /* -errno of the last attempt to turn them on, or 0 */
  uint64_t held_since_ns; /* CLOCK_MONOTONIC; 0: not held */
  int canary_fd;          /* -1: not loaded */
  uint32_t canary_id;     /* of that program; 0: it has not run yet */
  bool canary_refused;    /* by the kernel, once and for all */
  uint64_t canary_cnt;    /* its runs that the kernel has counted */
};

/* HOLD: statistics shall be on until stats_switch_clear(), which needs
 * CAP_SYS_ADMIN. */
void stats_switch_init(struct stats_switch *stats_switch, bool hold);

/* Before each snapshot: turns statistics on if they shall be held and are not
 * yet. ERROR then tells how that went. */
void stats_switch_update(struct stats_switch *stats_switch);

/* Turns statistics on for a window. Returns 0, or -errno as ERROR has it. */
int stats_switch_on(struct stats_switch *stats_switch);

/* Turns them off after a window, unless somebody else has them on as well. */
void stats_switch_off(struct stats_switch *stats_switch);

/* Whether statistics are on just now, whoever turned them on. SEEN: what the
 * last snapshot has seen. Where that does not know, a program of our own is
 * run, which takes some microseconds: the kernel counts that run or does not.
 */
enum statistics stats_switch_look(struct stats_switch *stats_switch,
                                  enum statistics seen);

/* Lets go of everything. Needs stats_switch_init() before; a second call does
 * nothing. */
void stats_switch_clear(struct stats_switch *stats_switch);

#endif
