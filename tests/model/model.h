/* SPDX-License-Identifier: MIT */
/* model: a host whose time passes only when it is told to, and the truth about
 * what its programs do. It stands behind the fake libbpf, and in place of the
 * clocks and of the thread that opens windows. */
#ifndef BPF_STATS_TESTS_MODEL_H
#define BPF_STATS_TESTS_MODEL_H

#include "prog_stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_PROGS = 3 };

/* A program that runs and misses at a constant pace. */
struct model_prog {
  uint64_t period_ns;      /* from one run to the next; 0: it never runs */
  uint64_t miss_period_ns; /* from one miss to the next; 0: it never misses */
  uint64_t ns_per_run;
};

extern struct model {
  uint64_t now_ns; /* of all clocks */
  struct model_prog progs[MODEL_PROGS];
  struct prog_stats truth[MODEL_PROGS]; /* whether it was counted or not */
  uint64_t on_ns;                       /* for how long statistics were on */
  uint64_t walk_ns;      /* what one walk takes; each program a part of it */
  uint64_t walk_more_ns; /* and in addition the next walk alone */
  bool toggles_in_walk;  /* others turn statistics on or off in the next walk */
  /* As the last walk came to them, and began. */
  struct prog_stats read[MODEL_PROGS];
  uint64_t walk_now_ns;
  uint64_t walk_took_ns;
  uint64_t walk_max_ns; /* the longest since this was set */
  uint64_t walk_on_ns;
  /* What somebody who looks now and then can have seen since these were set: on
   * each time, or off each time; and the last time. */
  bool looked_on;
  bool looked_off;
  bool last_on;
  bool last_off;
} model;

/* Makes the programs, with ids and names, in the fake libbpf, which is reset.
 */
void model_start(bool pinned);

/* Whether the next walks can read program number I. */
void model_set_readable(size_t i, bool readable);

/* Lets time pass until then. */
void model_pass_until(uint64_t time_ns);

/* What the reader has asked of its thread. */
bool model_window_is_ahead(void);
uint64_t model_window_ns(void);
bool model_window_is_open(void);

/* The thread comes to open the window that is ahead, or to end the open one. */
void model_open_window(void);
void model_end_window(void);

#endif
