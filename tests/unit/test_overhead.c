/* SPDX-License-Identifier: MIT */
/* Unit tests of overhead: how many parts an interval has, and when that
 * changes. */
#include "suites.h"

#include "overhead.h"

static struct overhead overhead;

static double windows_percent;

static void setup(void) {
  overhead_init(&overhead, 1.0);
  windows_percent = 0.0;
}

static void update(double percent) {
  overhead_update(&overhead, percent, windows_percent);
}

static void update_calm(double percent, unsigned intervals) {
  for (unsigned i = 0; i < intervals; i++)
    update(percent);
}

START_TEST(update__below_the_limit__is_on_all_the_time) {
  update_calm(0.999, 100);
  ck_assert_uint_eq(overhead.parts, 1);
}
END_TEST

START_TEST(update__no_limit__is_on_all_the_time) {
  overhead_init(&overhead, 0.0);
  update(1e9);
  ck_assert_uint_eq(overhead.parts, 1);
  ck_assert_double_eq(overhead.percent, 1e9);
}
END_TEST

START_TEST(update__rise__costs_less_than_the_limit_from_the_next_interval_on) {
  for (double percent = 1.001; percent < 1e4; percent *= 1.01) {
    update(percent);
    ck_assert_double_le(percent / (double)overhead.parts, 1.0);
    /* Not for much less than it could be. */
    ck_assert_double_ge(percent / (double)(overhead.parts - 1), 0.8);
  }
}
END_TEST

START_TEST(update__fall__goes_back_after_ten_intervals_at_once) {
  update(40);
  ck_assert_uint_eq(overhead.parts, 51);
  update_calm(0.1, OVERHEAD_CALM_INTERVALS - 1);
  ck_assert_uint_eq(overhead.parts, 51);
  update(0.1);
  ck_assert_uint_eq(overhead.parts, 1);
}
END_TEST

START_TEST(update__bursts__the_highest_of_ten_intervals_decides) {
  update(40);
  for (int i = 0; i < 10; i++) {
    update_calm(0.1, OVERHEAD_CALM_INTERVALS - 1);
    update(20);
    ck_assert_uint_eq(overhead.parts, 26);
  }
}
END_TEST

START_TEST(update__up_and_down_at_the_limit__changes_once) {
  update(1.01);
  ck_assert_uint_eq(overhead.parts, 2);
  for (int i = 0; i < 100; i++)
    update(i % 2 == 0 ? 0.9 : 1.1);
  ck_assert_uint_eq(overhead.parts, 2);
}
END_TEST

START_TEST(update__windows_have_a_price__it_is_kept_with_that) {
  for (windows_percent = 0.01; windows_percent < 0.7; windows_percent += 0.01)
    for (double percent = 1.001; percent < 1e4; percent *= 1.1) {
      update(percent);
      ck_assert(overhead_is_kept(&overhead));
      ck_assert_double_le(percent / (double)overhead.parts + windows_percent,
                          1.0);
    }
}
END_TEST

START_TEST(update__windows_cost_more_than_they_save__there_are_none) {
  windows_percent = 1.5;
  update(1.4);
  ck_assert_uint_eq(overhead.parts, 1);
  ck_assert(!overhead_is_kept(&overhead));
  update(0.9);
  ck_assert(overhead_is_kept(&overhead));
}
END_TEST

START_TEST(update__windows_alone_cost_too_much__they_are_short_and_it_says_so) {
  windows_percent = 1.5;
  update(100);
  ck_assert_uint_ge(overhead.parts, 1000);
  ck_assert(!overhead_is_kept(&overhead));
}
END_TEST

START_TEST(update__any_rate__parts_are_bounded) {
  overhead_init(&overhead, 1e-300);
  update(1e300);
  ck_assert_uint_eq(overhead.parts, 1000000);
}
END_TEST

Suite *overhead_suite(void) {
  Suite *suite = suite_create("overhead");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, NULL);
  tcase_add_test(core, update__below_the_limit__is_on_all_the_time);
  tcase_add_test(core, update__no_limit__is_on_all_the_time);
  tcase_add_test(
      core, update__rise__costs_less_than_the_limit_from_the_next_interval_on);
  tcase_add_test(core, update__fall__goes_back_after_ten_intervals_at_once);
  tcase_add_test(core, update__bursts__the_highest_of_ten_intervals_decides);
  tcase_add_test(core, update__up_and_down_at_the_limit__changes_once);
  tcase_add_test(core, update__windows_have_a_price__it_is_kept_with_that);
  tcase_add_test(core,
                 update__windows_cost_more_than_they_save__there_are_none);
  tcase_add_test(
      core, update__windows_alone_cost_too_much__they_are_short_and_it_says_so);
  tcase_add_test(core, update__any_rate__parts_are_bounded);
  suite_add_tcase(suite, core);
  return suite;
}
