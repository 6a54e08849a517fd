/* SPDX-License-Identifier: MIT */
/* Unit tests of window: where windows come, and how its thread keeps to that.
 */
#include "suites.h"

#include "clocks.h"
#include "window.h"

#include <sched.h>

static const uint64_t ms = 1000000;
static const uint64_t hour = 3600000000000;

/* When an interval began that is as late as can be. A time so and so long ago
 * would be below 0 where the host has booted since. */
static const uint64_t long_ago_ns = 0;

/* Written by the thread; read once the window is closed, or open for ever. */
static struct {
  unsigned opened;
  unsigned ended;
  uint64_t open_ns;
  uint64_t end_ns;
  uint64_t least_ns; /* what open() returns */
} work;

static uint64_t open_window(void *context) {
  ck_assert_ptr_eq(context, &work);
  work.open_ns = monotonic_ns();
  __atomic_add_fetch(&work.opened, 1, __ATOMIC_RELEASE);
  return work.least_ns;
}

static void end_window(void *context) {
  ck_assert_ptr_eq(context, &work);
  work.end_ns = monotonic_ns();
  __atomic_add_fetch(&work.ended, 1, __ATOMIC_RELEASE);
}

static struct window *start(uint64_t interval_ns, uint64_t window_ns) {
  static const struct window_work callbacks = {open_window, end_window, &work};
  struct window *window = NULL;
  memset(&work, 0, sizeof(work));
  work.least_ns = 1;
  ck_assert_int_eq(window_new(interval_ns, window_ns, &callbacks, &window), 0);
  return window;
}

static void wait_for(const unsigned *count, unsigned least) {
  while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < least)
    sched_yield();
}

START_TEST(window_next_place__rounds__each_has_every_place_once) {
  for (uint64_t num = 1; num <= 40; num++) {
    struct window_places places = {.num = num};
    for (int round = 0; round < 20; round++) {
      bool seen[40] = {false};
      for (uint64_t i = 0; i < num; i++) {
        uint64_t place = window_next_place(&places);
        ck_assert_uint_lt(place, num);
        ck_assert(!seen[place]);
        seen[place] = true;
      }
    }
  }
}
END_TEST

/* Of 2,000 rounds each of 10 places begins 200, plus or minus 6 standard
 * deviations of 13.4. */
START_TEST(window_next_place__first_of_a_round__is_any_as_often) {
  struct window_places places = {.num = 10};
  unsigned firsts[10] = {0};
  for (int round = 0; round < 2000; round++)
    for (int i = 0; i < 10; i++) {
      uint64_t place = window_next_place(&places);
      firsts[place] += i == 0;
    }
  for (int i = 0; i < 10; i++) {
    ck_assert_uint_gt(firsts[i], 200 - 80);
    ck_assert_uint_lt(firsts[i], 200 + 80);
  }
}
END_TEST

START_TEST(window_resume__intervals__each_has_one_window_inside) {
  struct window *window = start(50 * ms, 10 * ms);
  window_close(window); /* none has begun */
  for (unsigned i = 1; i <= 10; i++) {
    uint64_t begin_ns = monotonic_ns();
    window_resume(window, begin_ns);
    wait_for(&work.ended, i);
    window_close(window);
    ck_assert_uint_eq(work.opened, i);
    ck_assert_uint_eq(work.ended, i);
    ck_assert_uint_ge(work.open_ns, begin_ns);
    ck_assert_uint_ge(work.end_ns - work.open_ns, 10 * ms);
    window_close(window);
  }
  window_free(window);
}
END_TEST

START_TEST(window_resume__late__the_window_is_as_long_as_ever) {
  struct window *window = start(20 * ms, 10 * ms);
  window_resume(window, long_ago_ns);
  wait_for(&work.ended, 1);
  ck_assert_uint_ge(work.end_ns - work.open_ns, 10 * ms);
  window_free(window);
}
END_TEST

START_TEST(window_open__wants_longer__is_longer) {
  struct window *window = start(20 * ms, 10 * ms);
  work.least_ns = 30 * ms;
  window_resume(window, long_ago_ns);
  wait_for(&work.ended, 1);
  ck_assert_uint_ge(work.end_ns - work.open_ns, 30 * ms);
  window_free(window);
}
END_TEST

START_TEST(window_open__refused__has_no_end) {
  struct window *window = start(20 * ms, 10 * ms);
  work.least_ns = 0;
  window_resume(window, long_ago_ns);
  wait_for(&work.opened, 1);
  window_close(window);
  ck_assert_uint_eq(work.ended, 0);
  window_free(window);
}
END_TEST

/* If it waited, this test would not end. */
START_TEST(window_close__ahead__is_cancelled) {
  struct window *window = start(hour, hour);
  window_resume(window, monotonic_ns() + hour);
  window_close(window);
  ck_assert_uint_eq(work.opened, 0);
  /* The next interval has a window of its own, at its own time. */
  window_resume(window, long_ago_ns);
  wait_for(&work.opened, 1);
  window_close(window);
  ck_assert_uint_eq(work.ended, 1);
  window_free(window);
}
END_TEST

START_TEST(window_close__open__ends_it_now) {
  struct window *window = start(hour, hour);
  window_resume(window, long_ago_ns);
  wait_for(&work.opened, 1);
  window_close(window);
  ck_assert_uint_eq(work.ended, 1);
  ck_assert_uint_lt(work.end_ns - work.open_ns, hour);
  window_free(window);
}
END_TEST

START_TEST(window_free__window_ahead_or_open__does_not_wait_for_it) {
  struct window *window = start(hour, hour);
  window_resume(window, monotonic_ns() + hour);
  window_free(window); /* it is ahead */
  ck_assert_uint_eq(work.opened, 0);
  window = start(hour, hour);
  window_resume(window, long_ago_ns);
  wait_for(&work.opened, 1);
  window_free(window); /* it is open, and ends */
  ck_assert_uint_eq(work.ended, 1);
  ck_assert_uint_lt(work.end_ns - work.open_ns, hour);
  window_free(NULL);
}
END_TEST

/* A time of collectd, in units of 2^-30 s, is not a whole number of ns. */
START_TEST(window_new__interval_not_quite_ten_windows__has_ten_places) {
  struct window *window = start(100 * ms + 1, 10 * ms);
  window_resume(window, long_ago_ns);
  wait_for(&work.ended, 1);
  ck_assert_uint_ge(work.end_ns - work.open_ns, 10 * ms);
  window_free(window);
}
END_TEST

Suite *window_suite(void) {
  Suite *suite = suite_create("window");
  TCase *places = tcase_create("places");
  tcase_add_test(places, window_next_place__rounds__each_has_every_place_once);
  tcase_add_test(places, window_next_place__first_of_a_round__is_any_as_often);
  suite_add_tcase(suite, places);
  TCase *thread = tcase_create("thread");
  tcase_add_test(thread, window_resume__intervals__each_has_one_window_inside);
  tcase_add_test(thread, window_resume__late__the_window_is_as_long_as_ever);
  tcase_add_test(thread, window_open__wants_longer__is_longer);
  tcase_add_test(thread, window_open__refused__has_no_end);
  tcase_add_test(thread, window_close__ahead__is_cancelled);
  tcase_add_test(thread, window_close__open__ends_it_now);
  tcase_add_test(thread,
                 window_free__window_ahead_or_open__does_not_wait_for_it);
  tcase_add_test(thread,
                 window_new__interval_not_quite_ten_windows__has_ten_places);
  suite_add_tcase(suite, thread);
  return suite;
}
