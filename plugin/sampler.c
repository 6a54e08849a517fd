/* SPDX-License-Identifier: MIT */
/* sampler: a thread that sleeps until the window begins, and until it ends. */
#include "sampler.h"

#include "clocks.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>

/* Where the window of the interval is. */
enum state { STATE_NONE, STATE_AHEAD, STATE_OVER };

struct sampler {
  struct sampler_work work;
  uint64_t part_ns; /* the window, and each other place for it */
  struct sampler_places places;
  pthread_t thread;
  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t changed;
  enum state state;
  bool stop;
  uint64_t begin_ns; /* of the interval, CLOCK_MONOTONIC */
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

uint64_t sampler_next_place(struct sampler_places *places) {
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

/* With the lock held: until then, or until the sampler is to stop. */
static void sleep_until(struct sampler *sampler, uint64_t time_ns) {
  struct timespec until = {.tv_sec = (time_t)(time_ns / 1000000000),
                           .tv_nsec = (long)(time_ns % 1000000000)};
  while (!sampler->stop &&
         pthread_cond_timedwait(&sampler->changed, &sampler->lock, &until) == 0)
    ;
}

/* With the lock held, which it gives up while the work is done. */
static void do_window(struct sampler *sampler) {
  uint64_t place = sampler_next_place(&sampler->places);
  sleep_until(sampler, sampler->begin_ns + place * sampler->part_ns);
  if (sampler->stop)
    return;
  pthread_mutex_unlock(&sampler->lock);
  sampler->work.begin_window();
  /* As long as it is to be, also where it began late. */
  uint64_t end_ns = monotonic_ns() + sampler->part_ns;
  pthread_mutex_lock(&sampler->lock);
  sleep_until(sampler, end_ns);
  pthread_mutex_unlock(&sampler->lock);
  sampler->work.end_window();
  pthread_mutex_lock(&sampler->lock);
}

static void *run(void *context) {
  struct sampler *sampler = context;
  pthread_mutex_lock(&sampler->lock);
  while (!sampler->stop) {
    if (sampler->state != STATE_AHEAD) {
      pthread_cond_wait(&sampler->changed, &sampler->lock);
      continue;
    }
    do_window(sampler);
    sampler->state = STATE_OVER;
    pthread_cond_broadcast(&sampler->changed);
  }
  pthread_mutex_unlock(&sampler->lock);
  return NULL;
}

/* Signals are for the daemon's own threads. */
static int start_thread(struct sampler *sampler) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&sampler->thread, NULL, run, sampler);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return -error;
}

int sampler_new(uint64_t interval_ns, uint64_t window_ns,
                const struct sampler_work *work, struct sampler **ret_sampler) {
  struct sampler *sampler = calloc(1, sizeof(*sampler));
  if (sampler == NULL)
    return -ENOMEM;
  sampler->work = *work;
  /* A millionth too much, as of a time that was converted, is not one more. */
  sampler->places.num =
      (interval_ns - interval_ns / 1000000 + window_ns - 1) / window_ns;
  sampler->part_ns = interval_ns / sampler->places.num;
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&sampler->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_mutex_init(&sampler->lock, NULL);
  int rc = start_thread(sampler);
  if (rc != 0) {
    pthread_cond_destroy(&sampler->changed);
    pthread_mutex_destroy(&sampler->lock);
    free(sampler);
    return rc;
  }
  *ret_sampler = sampler;
  return 0;
}

void sampler_free(struct sampler *sampler) {
  if (sampler == NULL)
    return;
  pthread_mutex_lock(&sampler->lock);
  sampler->stop = true;
  pthread_cond_broadcast(&sampler->changed);
  pthread_mutex_unlock(&sampler->lock);
  pthread_join(sampler->thread, NULL);
  pthread_cond_destroy(&sampler->changed);
  pthread_mutex_destroy(&sampler->lock);
  free(sampler);
}

void sampler_begin_interval(struct sampler *sampler, uint64_t begin_ns) {
  pthread_mutex_lock(&sampler->lock);
  sampler->begin_ns = begin_ns;
  sampler->state = STATE_AHEAD;
  pthread_cond_broadcast(&sampler->changed);
  pthread_mutex_unlock(&sampler->lock);
}

bool sampler_wait(struct sampler *sampler) {
  pthread_mutex_lock(&sampler->lock);
  while (sampler->state == STATE_AHEAD)
    pthread_cond_wait(&sampler->changed, &sampler->lock);
  bool over = sampler->state == STATE_OVER;
  pthread_mutex_unlock(&sampler->lock);
  return over;
}
