/* SPDX-License-Identifier: MIT */
/* stats_cost: what run-time statistics cost each run of a program, here, and
 * what turning them on and off does.
 *
 * The smallest program there is runs with statistics off and on, in turns. That
 * takes some milliseconds, and cannot be done while somebody else has them on:
 * then it is tried again later. Needs CAP_SYS_ADMIN. */
#ifndef BPF_STATS_STATS_COST_H
#define BPF_STATS_STATS_COST_H

#include "backoff.h"
#include "stats_switch.h"

#include <stdbool.h>
#include <stdint.h>

/* Until it is measured. Two reads of a clock take about that. */
static const double STATS_COST_DEFAULT_NS = 100.0;

struct stats_cost {
  double ns;        /* of one run */
  double switch_ns; /* of CPU time, of turning them on and off once; 0 until it
                       is measured */
  bool is_done;     /* measured, or refused once and for all */
  int prog_fd;      /* -1: not loaded */
  uint32_t prog_id; /* 0: not known */
  struct backoff backoff;
};

void stats_cost_init(struct stats_cost *cost);

/* Before a snapshot: measures, if that is not done yet and it is time to try.
 * Turns the switch off meanwhile. Returns whether statistics were off for a
 * moment at which they were on before. */
bool stats_cost_update(struct stats_cost *cost,
                       struct stats_switch *stats_switch);

/* A second call does nothing. */
void stats_cost_clear(struct stats_cost *cost);

#endif
