/* SPDX-License-Identifier: MIT */
/* window: a thread that sleeps until the window opens, and until it ends. */
#include "window.h"

#include "clocks.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>

/* Where the window of the interval is. CLOSED: over, cancelled, or none yet. */
enum state { STATE_CLOSED, STATE_AHEAD, STATE_OPEN };

struct window {
  struct window_work work;
  uint64_t interval_ns;
  uint64_t part_ns; /* how long a window is, and each other place for it */
  struct window_places places;
  pthread_t thread;
  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t changed;
  enum state state;
  bool closing; /* an open window is to end now */
  bool stop;
  uint64_t open_ns; /* when it opens, CLOCK_MONOTONIC */
};

static uint64_t random_below(uint64_t limit) {
  uint64_t number = 0;
  /* Without random numbers windows come in turn, which is nearly as good. */
  if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
    return 0;
  return number % limit; /* the limit is far below 2^64 */
}

static uint64_t common_divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

uint64_t window_next_place(struct window_places *places) {
  if (places->visited == 0) {
    places->next = random_below(places->num);
    places->step = 1 + random_below(places->num);
    while (common_divisor(places->step, places->num) != 1)
      places->step++;
  }
  uint64_t place = places->next;
  places->next = (place + places->step) % places->num;
  places->visited = (places->visited + 1) % places->num;
  return place;
}

/* With the lock held: waits until then, or until something has changed. */
static void wait_until(struct window *window, uint64_t time_ns) {
  struct timespec until = {.tv_sec = (time_t)(time_ns / 1000000000),
                           .tv_nsec = (long)(time_ns % 1000000000)};
  pthread_cond_timedwait(&window->changed, &window->lock, &until);
}

/* With the lock held, which it gives up while the work is done. */
static void do_window(struct window *window) {
  const struct window_work *work = &window->work;
  window->state = STATE_OPEN;
  pthread_mutex_unlock(&window->lock);
  uint64_t length_ns = work->open(work->context);
  const bool is_open = length_ns != 0;
  if (length_ns < window->part_ns)
    length_ns = window->part_ns;
  const uint64_t end_ns = monotonic_ns() + length_ns;
  pthread_mutex_lock(&window->lock);
  if (is_open) {
    while (!window->stop && !window->closing && monotonic_ns() < end_ns)
      wait_until(window, end_ns);
    pthread_mutex_unlock(&window->lock);
    work->end(work->context);
    pthread_mutex_lock(&window->lock);
  }
  window->state = STATE_CLOSED;
  pthread_cond_broadcast(&window->changed);
}

static void *run(void *context) {
  struct window *window = context;
  pthread_mutex_lock(&window->lock);
  while (!window->stop)
    if (window->state != STATE_AHEAD)
      pthread_cond_wait(&window->changed, &window->lock);
    else if (monotonic_ns() < window->open_ns)
      wait_until(window, window->open_ns);
    else
      do_window(window);
  pthread_mutex_unlock(&window->lock);
  return NULL;
}

/* Signals are for the daemon's own threads. */
static int start_thread(struct window *window) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&window->thread, NULL, run, window);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return -error;
}

void window_set_length(struct window *window, uint64_t window_ns) {
  /* A millionth too much, as of a time that was converted, is not one more. */
  const uint64_t interval_ns = window->interval_ns;
  const uint64_t num =
      (interval_ns - interval_ns / 1000000 + window_ns - 1) / window_ns;
  if (num == window->places.num)
    return;
  window->places = (struct window_places){.num = num};
  window->part_ns = interval_ns / num;
}

int window_new(uint64_t interval_ns, uint64_t window_ns,
               const struct window_work *work, struct window **ret_window) {
  struct window *window = calloc(1, sizeof(*window));
  if (window == NULL)
    return -ENOMEM;
  window->work = *work;
  window->interval_ns = interval_ns;
  window_set_length(window, window_ns);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&window->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_mutex_init(&window->lock, NULL);
  int rc = start_thread(window);
  if (rc != 0) {
    pthread_cond_destroy(&window->changed);
    pthread_mutex_destroy(&window->lock);
    free(window);
    return rc;
  }
  *ret_window = window;
  return 0;
}

void window_free(struct window *window) {
  if (window == NULL)
    return;
  pthread_mutex_lock(&window->lock);
  window->stop = true;
  pthread_cond_broadcast(&window->changed);
  pthread_mutex_unlock(&window->lock);
  pthread_join(window->thread, NULL);
  pthread_cond_destroy(&window->changed);
  pthread_mutex_destroy(&window->lock);
  free(window);
}

void window_resume(struct window *window, uint64_t begin_ns) {
  pthread_mutex_lock(&window->lock);
  window->open_ns =
      begin_ns + window_next_place(&window->places) * window->part_ns;
  window->state = STATE_AHEAD;
  pthread_cond_broadcast(&window->changed);
  pthread_mutex_unlock(&window->lock);
}

void window_close(struct window *window) {
  pthread_mutex_lock(&window->lock);
  if (window->state == STATE_AHEAD)
    window->state = STATE_CLOSED;
  window->closing = true;
  pthread_cond_broadcast(&window->changed);
  while (window->state != STATE_CLOSED)
    pthread_cond_wait(&window->changed, &window->lock);
  window->closing = false;
  pthread_mutex_unlock(&window->lock);
}
