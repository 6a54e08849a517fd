/* SPDX-License-Identifier: MIT */
/* Unit tests of estimate: what a window tells about its interval. */
#include "suites.h"

#include "estimate.h"

static const uint64_t second_ns = 1000000000;

START_TEST(estimate_add__a_tenth__adds_nine_times_as_much) {
  struct estimate estimate = {0};
  struct prog_stats inside = {.cnt = 10, .nsecs = 700, .misses = 3};
  struct prog_stats total = inside;
  estimate_add(&estimate, inside, second_ns, inside, 10 * second_ns);
  total.misses += 27;
  total = estimate_total(&estimate, total);
  ck_assert_uint_eq(total.cnt, 100);
  ck_assert_uint_eq(total.nsecs, 7000);
  ck_assert_uint_eq(total.misses, 30);
}
END_TEST

START_TEST(estimate_add__counted_outside_as_well__is_not_counted_twice) {
  struct estimate estimate = {0};
  struct prog_stats inside = {.cnt = 10, .nsecs = 700};
  struct prog_stats counted = {.cnt = 14, .nsecs = 7000};
  estimate_add(&estimate, inside, second_ns, counted, 10 * second_ns);
  ck_assert_uint_eq(estimate.cnt, 86);
  ck_assert_uint_eq(estimate.nsecs, 0);
  /* More was counted than the window lets expect: that is what counts. */
  counted = (struct prog_stats){.cnt = 101, .nsecs = 7000};
  estimate_add(&estimate, inside, second_ns, counted, 10 * second_ns);
  ck_assert_uint_eq(estimate.cnt, 86);
}
END_TEST

/* Somebody else has statistics on nearly all the time. Windows find too much as
 * often as too little. */
START_TEST(estimate_add__much_counted_outside__errors_do_not_add_up) {
  struct estimate estimate = {0};
  struct prog_stats counted = {.cnt = 100};
  for (int i = 0; i < 1000; i++) {
    struct prog_stats inside = {.cnt = i % 2 == 0 ? 5 : 15};
    estimate_add(&estimate, inside, second_ns, counted, 10 * second_ns);
  }
  ck_assert_uint_le(estimate.cnt, 50);
}
END_TEST

/* Windows of a third: each tells of 1/3 of a run, and of 7/3 ns. */
START_TEST(estimate_add__a_million_odd_intervals__rounding_does_not_add_up) {
  struct estimate estimate = {0};
  struct prog_stats inside = {.cnt = 1, .nsecs = 7};
  const uint64_t num = 1000000;
  for (uint64_t i = 0; i < num; i++)
    estimate_add(&estimate, inside, 3, inside, 4);
  ck_assert_uint_ge(estimate.cnt, num / 3 - 1);
  ck_assert_uint_le(estimate.cnt, num / 3 + 1);
  ck_assert_uint_ge(estimate.nsecs, num * 7 / 3 - 1);
  ck_assert_uint_le(estimate.nsecs, num * 7 / 3 + 1);
}
END_TEST

START_TEST(estimate_add__no_window_or_one_as_long__adds_nothing) {
  struct estimate estimate = {0};
  struct prog_stats inside = {.cnt = 10, .nsecs = 700};
  estimate_add(&estimate, inside, 0, inside, second_ns);
  estimate_add(&estimate, inside, second_ns, inside, second_ns);
  ck_assert_uint_eq(estimate.cnt, 0);
  ck_assert_uint_eq(estimate.nsecs, 0);
}
END_TEST

START_TEST(estimate_add__largest_counts__saturates) {
  struct estimate estimate = {0};
  struct prog_stats inside = {.cnt = UINT64_MAX, .nsecs = UINT64_MAX};
  for (int i = 0; i < 3; i++)
    estimate_add(&estimate, inside, 1, inside, UINT64_MAX);
  ck_assert_uint_eq(estimate.cnt, UINT64_MAX);
  ck_assert_uint_eq(estimate.nsecs, UINT64_MAX);
  struct prog_stats total = estimate_total(&estimate, inside);
  ck_assert_uint_eq(total.cnt, UINT64_MAX);
}
END_TEST

Suite *estimate_suite(void) {
  Suite *suite = suite_create("estimate");
  TCase *core = tcase_create("core");
  tcase_add_test(core, estimate_add__a_tenth__adds_nine_times_as_much);
  tcase_add_test(core,
                 estimate_add__counted_outside_as_well__is_not_counted_twice);
  tcase_add_test(core,
                 estimate_add__much_counted_outside__errors_do_not_add_up);
  tcase_add_test(
      core, estimate_add__a_million_odd_intervals__rounding_does_not_add_up);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_test(limits, estimate_add__no_window_or_one_as_long__adds_nothing);
  tcase_add_test(limits, estimate_add__largest_counts__saturates);
  suite_add_tcase(suite, limits);
  return suite;
}
