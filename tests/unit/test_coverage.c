/* SPDX-License-Identifier: MIT */
/* Unit tests of coverage: what is known of an interval, and what is not. */
#include "suites.h"

#include "coverage.h"

static const uint64_t second_ns = 1000000000;
static struct coverage_facts facts;

/* Ten seconds, with statistics off, in which nothing was counted. */
static void setup(void) {
  facts = (struct coverage_facts){.begin_ns = 90 * second_ns,
                                  .end_ns = 100 * second_ns,
                                  .at_begin = STATISTICS_OFF,
                                  .throughout = STATISTICS_OFF,
                                  .delta_ns = 10 * second_ns};
}

static void setup_window(void) {
  setup();
  facts.delta_ns = second_ns;
  facts.is_window = true;
  facts.has_counted = true;
}

static void on(void) {
  facts.at_begin = facts.throughout = STATISTICS_ON;
  facts.has_counted = true;
}

static void check(double share, bool is_whole, uint64_t measured_ns) {
  struct coverage coverage = coverage_find(&facts);
  ck_assert_double_eq_tol(coverage.share, share, 1e-12);
  ck_assert_int_eq(coverage.is_whole, is_whole);
  ck_assert_uint_eq(coverage.measured_ns, measured_ns);
}

START_TEST(interval__held_all_the_time__is_measured) {
  facts.throughout = STATISTICS_ON;
  facts.held_since_ns = 90 * second_ns;
  check(1, true, 10 * second_ns);
}
END_TEST

START_TEST(interval__held_meanwhile__is_that_share) {
  facts.throughout = STATISTICS_UNKNOWN;
  facts.held_since_ns = 97 * second_ns;
  facts.has_counted = true;
  check(0.3, false, 0);
  facts.at_begin = STATISTICS_UNKNOWN; /* others may have had them on */
  check(-1, false, 0);
}
END_TEST

START_TEST(interval__on_at_each_look__is_measured) {
  on();
  check(1, true, 10 * second_ns);
}
END_TEST

START_TEST(interval__off_and_nothing_counted__is_none) { check(0, false, 0); }
END_TEST

START_TEST(interval__off_but_counted__nobody_knows) {
  facts.has_counted = true;
  check(-1, false, 0);
}
END_TEST

/* Others have turned them on or off, or nobody could look. */
START_TEST(interval__no_evidence__nobody_knows) {
  facts.throughout = STATISTICS_UNKNOWN;
  check(-1, false, 0);
  facts.at_begin = STATISTICS_UNKNOWN;
  check(-1, false, 0);
  facts.at_begin = STATISTICS_ON;
  check(-1, false, 0);
}
END_TEST

START_TEST(interval__first_read__nobody_knows) {
  on();
  facts.begin_ns = 0;
  check(-1, false, 0);
}
END_TEST

START_TEST(window__ordinary__is_its_share) { check(0.1, false, second_ns); }
END_TEST

START_TEST(window__others_on_all_the_time__is_whole) {
  on();
  check(1, true, second_ns);
}
END_TEST

/* What is measured in the window is true, whoever else is at work. */
START_TEST(window__others_on_for_a_part__is_measured_but_no_share_known) {
  facts.throughout = STATISTICS_UNKNOWN;
  check(-1, false, second_ns);
  facts.at_begin = STATISTICS_ON;
  check(-1, false, second_ns);
}
END_TEST

START_TEST(window__lost__measures_nothing) {
  facts.delta_ns = 0;
  facts.throughout = STATISTICS_UNKNOWN;
  check(-1, false, 0);
}
END_TEST

Suite *coverage_suite(void) {
  Suite *suite = suite_create("coverage");
  TCase *interval = tcase_create("interval");
  tcase_add_checked_fixture(interval, setup, NULL);
  tcase_add_test(interval, interval__held_all_the_time__is_measured);
  tcase_add_test(interval, interval__held_meanwhile__is_that_share);
  tcase_add_test(interval, interval__on_at_each_look__is_measured);
  tcase_add_test(interval, interval__off_and_nothing_counted__is_none);
  tcase_add_test(interval, interval__off_but_counted__nobody_knows);
  tcase_add_test(interval, interval__no_evidence__nobody_knows);
  tcase_add_test(interval, interval__first_read__nobody_knows);
  suite_add_tcase(suite, interval);
  TCase *window = tcase_create("window");
  tcase_add_checked_fixture(window, setup_window, NULL);
  tcase_add_test(window, window__ordinary__is_its_share);
  tcase_add_test(window, window__others_on_all_the_time__is_whole);
  tcase_add_test(window,
                 window__others_on_for_a_part__is_measured_but_no_share_known);
  tcase_add_test(window, window__lost__measures_nothing);
  suite_add_tcase(suite, window);
  return suite;
}
