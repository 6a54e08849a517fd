/* SPDX-License-Identifier: MIT */
/* Unit tests of measurement: what is known of an interval, and what is not. */
#include "suites.h"

#include "measurement.h"

static const uint64_t second_ns = 1000000000;
static struct accounting accounting;
static struct host host;
static enum statistics outside;

/* Ten seconds, of which the accounting knows that statistics were on since. */
static void setup(void) {
  accounting = (struct accounting){.fd = -1};
  outside = STATISTICS_UNKNOWN;
  host = (struct host){.elapsed_ns = 10 * second_ns,
                       .group.delta = {.cnt = 100, .nsecs = 1000}};
}

static void on_since(uint64_t time_ns) {
  accounting.on = true;
  accounting.on_since_ns = time_ns;
}

static void check(struct measurement measurement, double coverage,
                  uint64_t measured_ns, bool extrapolate) {
  ck_assert_double_eq_tol(measurement.coverage, coverage, 1e-12);
  ck_assert_uint_eq(measurement.measured_ns, measured_ns);
  ck_assert_int_eq(measurement.extrapolate, extrapolate);
}

static struct measurement of_interval(void) {
  return measurement_of_interval(&accounting, &host, 100 * second_ns);
}

static struct measurement of_window(uint64_t window_ns) {
  return measurement_of_window(&accounting, &host, 100 * second_ns,
                               10 * second_ns, window_ns, outside);
}

START_TEST(interval__on_all_the_time__is_measured) {
  on_since(90 * second_ns);
  check(of_interval(), 1, 10 * second_ns, false);
}
END_TEST

START_TEST(interval__switched_on_meanwhile__is_that_share) {
  on_since(97 * second_ns);
  check(of_interval(), 0.3, 0, false);
}
END_TEST

START_TEST(interval__off_and_nothing_counted__is_none) {
  host.group.delta = (struct prog_stats){.misses = 5};
  check(of_interval(), 0, 0, false);
}
END_TEST

START_TEST(interval__off_but_counted__nobody_knows) {
  check(of_interval(), -1, 0, false);
}
END_TEST

START_TEST(interval__first_read__nobody_knows) {
  on_since(0);
  host.elapsed_ns = 0;
  check(of_interval(), -1, 0, false);
}
END_TEST

START_TEST(window__ordinary__is_extrapolated) {
  check(of_window(second_ns), 0.1, second_ns, true);
}
END_TEST

/* What was running when the window ended. */
START_TEST(window__a_little_counted_after_it__is_extrapolated) {
  host.group.outside.cnt = 25;
  check(of_window(second_ns), 0.1, second_ns, true);
}
END_TEST

START_TEST(window__sysctl_is_set__is_measured_as_it_is) {
  on_since(80 * second_ns);
  host.group.outside.cnt = 900;
  check(of_window(second_ns), 1, second_ns, false);
  host.group.outside.cnt = 0;
  check(of_window(second_ns), 1, second_ns, false);
}
END_TEST

START_TEST(window__somebody_else_counts_outside__is_measured_as_it_is) {
  host.group.outside.cnt = 900;
  check(of_window(second_ns), -1, second_ns, false);
  host.group.delta.cnt = 0;
  host.group.outside.cnt = 1;
  check(of_window(second_ns), -1, second_ns, false);
}
END_TEST

START_TEST(window__snapshots_know_what_was_outside__is_believed) {
  outside = STATISTICS_ON;
  check(of_window(second_ns), -1, second_ns, false);
  outside = STATISTICS_OFF;
  host.group.outside.cnt = 900;
  check(of_window(second_ns), 0.1, second_ns, true);
}
END_TEST

START_TEST(window__could_not_be_opened__measures_nothing) {
  host.group.delta = (struct prog_stats){.misses = 5};
  check(of_window(0), 0, 0, false);
  host.group.delta.cnt = 1;
  check(of_window(0), -1, 0, false);
}
END_TEST

/* Between its snapshots, one second apart. */
START_TEST(window__could_not_be_opened_but_sysctl_is_set__is_measured) {
  on_since(80 * second_ns);
  host.elapsed_ns = second_ns;
  check(of_window(0), 1, second_ns, false);
}
END_TEST

Suite *measurement_suite(void) {
  Suite *suite = suite_create("measurement");
  TCase *interval = tcase_create("interval");
  tcase_add_checked_fixture(interval, setup, NULL);
  tcase_add_test(interval, interval__on_all_the_time__is_measured);
  tcase_add_test(interval, interval__switched_on_meanwhile__is_that_share);
  tcase_add_test(interval, interval__off_and_nothing_counted__is_none);
  tcase_add_test(interval, interval__off_but_counted__nobody_knows);
  tcase_add_test(interval, interval__first_read__nobody_knows);
  suite_add_tcase(suite, interval);
  TCase *window = tcase_create("window");
  tcase_add_checked_fixture(window, setup, NULL);
  tcase_add_test(window, window__ordinary__is_extrapolated);
  tcase_add_test(window, window__a_little_counted_after_it__is_extrapolated);
  tcase_add_test(window, window__sysctl_is_set__is_measured_as_it_is);
  tcase_add_test(window,
                 window__somebody_else_counts_outside__is_measured_as_it_is);
  tcase_add_test(window, window__snapshots_know_what_was_outside__is_believed);
  tcase_add_test(window, window__could_not_be_opened__measures_nothing);
  tcase_add_test(window,
                 window__could_not_be_opened_but_sysctl_is_set__is_measured);
  suite_add_tcase(suite, window);
  return suite;
}
