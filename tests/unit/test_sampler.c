/* SPDX-License-Identifier: MIT */
/* Unit tests of sampler: where windows come, and how its thread keeps to that.
 */
#include "suites.h"

#include "clocks.h"
#include "sampler.h"

#include <sched.h>

static const uint64_t ms = 1000000;
static const uint64_t hour = 3600000000000;

/* When an interval began that is as late as can be. A time so and so long ago
 * would be below 0 where the host has booted since. */
static const uint64_t long_ago_ns = 0;

/* Written by the thread of the sampler; read once the window is over. */
static struct {
  unsigned begun;
  unsigned ended;
  uint64_t begin_ns;
  uint64_t end_ns;
} work;

static void begin_window(void) {
  work.begun++;
  work.begin_ns = monotonic_ns();
}

static void end_window(void) {
  work.ended++;
  work.end_ns = monotonic_ns();
}

static struct sampler *start(uint64_t interval_ns, uint64_t window_ns) {
  static const struct sampler_work callbacks = {begin_window, end_window};
  struct sampler *sampler = NULL;
  memset(&work, 0, sizeof(work));
  ck_assert_int_eq(sampler_new(interval_ns, window_ns, &callbacks, &sampler),
                   0);
  return sampler;
}

START_TEST(sampler_next_place__rounds__each_has_every_place_once) {
  for (uint64_t num = 1; num <= 40; num++) {
    struct sampler_places places = {.num = num};
    for (int round = 0; round < 20; round++) {
      bool seen[40] = {false};
      for (uint64_t i = 0; i < num; i++) {
        uint64_t place = sampler_next_place(&places);
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
START_TEST(sampler_next_place__first_of_a_round__is_any_as_often) {
  struct sampler_places places = {.num = 10};
  unsigned firsts[10] = {0};
  for (int round = 0; round < 2000; round++)
    for (int i = 0; i < 10; i++) {
      uint64_t place = sampler_next_place(&places);
      firsts[place] += i == 0;
    }
  for (int i = 0; i < 10; i++) {
    ck_assert_uint_gt(firsts[i], 200 - 80);
    ck_assert_uint_lt(firsts[i], 200 + 80);
  }
}
END_TEST

START_TEST(sampler_wait__intervals__each_has_one_window_inside) {
  struct sampler *sampler = start(50 * ms, 10 * ms);
  ck_assert(!sampler_wait(sampler)); /* none has begun */
  uint64_t begin_ns = monotonic_ns();
  for (unsigned i = 1; i <= 10; i++) {
    sampler_begin_interval(sampler, begin_ns);
    ck_assert(sampler_wait(sampler));
    ck_assert_uint_eq(work.begun, i);
    ck_assert_uint_eq(work.ended, i);
    ck_assert_uint_ge(work.begin_ns, begin_ns);
    ck_assert_uint_ge(work.end_ns - work.begin_ns, 10 * ms);
    ck_assert(sampler_wait(sampler)); /* it is still over */
    begin_ns += 50 * ms;
  }
  sampler_free(sampler);
}
END_TEST

START_TEST(sampler_begin_interval__late__the_window_is_as_long_as_ever) {
  struct sampler *sampler = start(20 * ms, 10 * ms);
  sampler_begin_interval(sampler, long_ago_ns);
  ck_assert(sampler_wait(sampler));
  ck_assert_uint_ge(work.end_ns - work.begin_ns, 10 * ms);
  sampler_free(sampler);
}
END_TEST

/* If it waited, this test would not end. */
START_TEST(sampler_free__window_ahead_or_open__does_not_wait_for_it) {
  struct sampler *sampler = start(hour, hour);
  sampler_begin_interval(sampler, monotonic_ns() + hour);
  sampler_free(sampler); /* it is ahead */
  ck_assert_uint_eq(work.begun, 0);
  sampler = start(hour, hour);
  sampler_begin_interval(sampler, long_ago_ns);
  while (__atomic_load_n(&work.begun, __ATOMIC_ACQUIRE) == 0)
    sched_yield();
  sampler_free(sampler); /* it is open, and closed */
  ck_assert_uint_eq(work.ended, 1);
  ck_assert_uint_lt(work.end_ns - work.begin_ns, hour);
  sampler_free(NULL);
}
END_TEST

/* A time of collectd, in units of 2^-30 s, is not a whole number of ns. */
START_TEST(sampler_new__interval_not_quite_ten_windows__has_ten_places) {
  struct sampler *sampler = start(100 * ms + 1, 10 * ms);
  sampler_begin_interval(sampler, long_ago_ns);
  ck_assert(sampler_wait(sampler));
  ck_assert_uint_ge(work.end_ns - work.begin_ns, 10 * ms);
  sampler_free(sampler);
}
END_TEST

Suite *sampler_suite(void) {
  Suite *suite = suite_create("sampler");
  TCase *places = tcase_create("places");
  tcase_add_test(places, sampler_next_place__rounds__each_has_every_place_once);
  tcase_add_test(places, sampler_next_place__first_of_a_round__is_any_as_often);
  suite_add_tcase(suite, places);
  TCase *thread = tcase_create("thread");
  tcase_add_test(thread, sampler_wait__intervals__each_has_one_window_inside);
  tcase_add_test(thread,
                 sampler_begin_interval__late__the_window_is_as_long_as_ever);
  tcase_add_test(thread,
                 sampler_free__window_ahead_or_open__does_not_wait_for_it);
  tcase_add_test(thread,
                 sampler_new__interval_not_quite_ten_windows__has_ten_places);
  suite_add_tcase(suite, thread);
  return suite;
}
