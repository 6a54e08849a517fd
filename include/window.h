/* SPDX-License-Identifier: MIT */
/* window: one window in each interval, and a thread that opens and ends it.
 *
 * The interval is divided into equal parts no longer than the window asked for;
 * in one of them is the window. Which one is random, but each comes as often as
 * any other, so that a load that follows the interval, or any other period, is
 * not taken for more or less than it is.
 *
 * The thread works between window_resume() and the return of window_close(),
 * and at no other time, so that nothing that its work uses needs a lock. */
#ifndef BPF_STATS_WINDOW_H
#define BPF_STATS_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window;

struct window_work {
  /* Returns the shortest time for which the window may be open, in ns, even if
   * a shorter one was asked for; or 0 when it could not be opened. */
  uint64_t (*open)(void *context);
  /* After each open() that has not returned 0. */
  void (*end)(void *context);
  void *context;
};

/* Starts the thread. WINDOW_NS is at most INTERVAL_NS, and not 0. WORK is
 * copied. Returns 0 or -errno. */
int window_new(uint64_t interval_ns, uint64_t window_ns,
               const struct window_work *work, struct window **ret_window);

/* From the next window_resume() on each window is that long; at most
 * INTERVAL_NS, and not 0. Only after window_close(). */
void window_set_length(struct window *window, uint64_t window_ns);

/* Ends the thread, a window that is open at once. Accepts NULL. */
void window_free(struct window *window);

/* An interval has begun at BEGIN_NS of CLOCK_MONOTONIC: plans its one window.
 * Only after window_close(). */
void window_resume(struct window *window, uint64_t begin_ns);

/* The interval is over: a window that is still ahead is cancelled, and one that
 * is open ends now. Waits only for work that has begun. */
void window_close(struct window *window);

/* How the places of windows follow each other: visits each of NUM places once
 * in a round, from a random one on, by a random step. */
struct window_places {
  uint64_t num;
  uint64_t visited; /* in this round */
  uint64_t next;
  uint64_t step; /* has no divisor in common with NUM */
};

/* Returns the next place, less than NUM, which is not 0. */
uint64_t window_next_place(struct window_places *places);

#endif
