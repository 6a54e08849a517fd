/* SPDX-License-Identifier: MIT */
/* sampler: a window in each interval, and a thread that begins and ends it.
 *
 * The interval is divided into equal parts no longer than the window asked for;
 * one of them is the window. Which one is random, but each comes as often as
 * any other, so that a load that follows the interval, or any other period, is
 * not taken for more or less than it is.
 *
 * What the work does is its own: the thread does it between
 * sampler_begin_interval() and the return of sampler_wait(), and at no other
 * time, so that nothing needs a lock. */
#ifndef BPF_STATS_SAMPLER_H
#define BPF_STATS_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

struct sampler;

struct sampler_work {
  void (*begin_window)(void);
  void (*end_window)(void); /* also when the sampler is freed meanwhile */
};

/* Starts the thread. WINDOW_NS is at most INTERVAL_NS, and not 0. WORK is
 * copied. Returns 0 or -errno. */
int sampler_new(uint64_t interval_ns, uint64_t window_ns,
                const struct sampler_work *work, struct sampler **ret_sampler);

/* Ends the thread, a window that is open at once. Accepts NULL. */
void sampler_free(struct sampler *sampler);

/* An interval has begun at BEGIN_NS of CLOCK_MONOTONIC: one window is to come.
 * Not before that of the last interval is over. */
void sampler_begin_interval(struct sampler *sampler, uint64_t begin_ns);

/* Waits until the window of the interval is over. Returns whether there was
 * one: not before the first sampler_begin_interval(). */
bool sampler_wait(struct sampler *sampler);

/* How the places of windows follow each other: visits each of NUM places once
 * in a round, from a random one on, by a random step. */
struct sampler_places {
  uint64_t num;
  uint64_t visited; /* in this round */
  uint64_t next;
  uint64_t step; /* has no divisor in common with NUM */
};

/* Returns the next place, less than NUM, which is not 0. */
uint64_t sampler_next_place(struct sampler_places *places);

#endif
