/* SPDX-License-Identifier: MIT */
/* Unit tests of accounting: the descriptor, and the share of an interval. */
#include "../open_fds.h"
#include "suites.h"

#include "accounting.h"
#include "clocks.h"
#include "fake_libbpf.h"

#include <errno.h>

static struct accounting accounting;

static void setup(void) { fake_libbpf_reset(); }

START_TEST(accounting_update__hold__holds_one_descriptor_until_clear) {
  int fds = count_open_fds();
  accounting_init(&accounting, true);
  accounting_update(&accounting, 1000);
  accounting_update(&accounting, 2000);
  ck_assert(accounting.on);
  ck_assert_int_eq(count_open_fds(), fds + 1);
  accounting_clear(&accounting);
  ck_assert_int_eq(count_open_fds(), fds);
  ck_assert(!accounting.on);
}
END_TEST

START_TEST(accounting_update__no_hold__follows_the_sysctl) {
  int fds = count_open_fds();
  accounting_init(&accounting, false);
  accounting_update(&accounting, 1000);
  ck_assert(!accounting.on);
  fake_libbpf.sysctl_on = true;
  accounting_update(&accounting, 2000);
  ck_assert(accounting.on);
  fake_libbpf.sysctl_on = false;
  accounting_update(&accounting, 3000);
  ck_assert(!accounting.on);
  ck_assert_int_eq(accounting.error, 0);
  ck_assert_int_eq(count_open_fds(), fds);
}
END_TEST

START_TEST(accounting_update__refused__tells_and_tries_again) {
  accounting_init(&accounting, true);
  fake_libbpf.enable_stats_error = -EPERM;
  accounting_update(&accounting, 1000);
  ck_assert_int_eq(accounting.error, -EPERM);
  ck_assert_int_eq(accounting.fd, -1);
  fake_libbpf.enable_stats_error = 0;
  accounting_update(&accounting, 2000);
  ck_assert_int_eq(accounting.error, 0);
  ck_assert_int_ge(accounting.fd, 0);
  accounting_clear(&accounting);
}
END_TEST

START_TEST(accounting_coverage__on_for_the_whole_interval__is_one) {
  accounting_init(&accounting, true);
  accounting_update(&accounting, 1000);
  ck_assert_double_eq(accounting_coverage(&accounting, 2000, 1000), 1.0);
  ck_assert_double_eq(accounting_coverage(&accounting, 9000, 1000), 1.0);
  accounting_clear(&accounting);
}
END_TEST

START_TEST(accounting_coverage__on_for_a_part__is_that_share) {
  accounting_init(&accounting, true);
  accounting_update(&accounting, 1750);
  ck_assert_double_eq(accounting_coverage(&accounting, 2000, 1000), 0.25);
  accounting_clear(&accounting);
}
END_TEST

START_TEST(accounting_coverage__off_or_no_interval__is_zero) {
  accounting_init(&accounting, true);
  ck_assert_double_eq(accounting_coverage(&accounting, 2000, 1000), 0.0);
  accounting_update(&accounting, 1000);
  ck_assert_double_eq(accounting_coverage(&accounting, 2000, 0), 0.0);
  accounting_clear(&accounting);
  ck_assert_double_eq(accounting_coverage(&accounting, 3000, 1000), 0.0);
}
END_TEST

START_TEST(accounting_see__another_process__is_believed_while_it_is_seen) {
  accounting_init(&accounting, false);
  accounting_update(&accounting, 1000);
  accounting_see(&accounting, STATISTICS_ON, 1001);
  ck_assert_double_eq(accounting_coverage(&accounting, 2001, 1000), 1);
  accounting_update(&accounting, 2000);
  accounting_see(&accounting, STATISTICS_ON, 2001);
  ck_assert_double_eq(accounting_coverage(&accounting, 2001, 1000), 1);
  accounting_update(&accounting, 3000);
  accounting_see(&accounting, STATISTICS_OFF, 3001);
  ck_assert_double_eq(accounting_coverage(&accounting, 3001, 1000), 0);
  accounting_see(&accounting, STATISTICS_UNKNOWN, 4001);
  ck_assert(!accounting.on);
}
END_TEST

START_TEST(accounting_window__is_measured_and_leaves_no_descriptor) {
  int fds = count_open_fds();
  accounting_init(&accounting, false);
  uint64_t before_ns = monotonic_ns();
  accounting_begin_window(&accounting);
  ck_assert_int_eq(accounting.error, 0);
  ck_assert_int_eq(count_open_fds(), fds + 1);
  uint64_t begin_ns = monotonic_ns();
  while (monotonic_ns() < begin_ns + 2000000)
    ;
  uint64_t window_ns = accounting_end_window(&accounting);
  ck_assert_uint_ge(window_ns, 2000000);
  ck_assert_uint_le(window_ns, monotonic_ns() - before_ns);
  ck_assert_int_eq(count_open_fds(), fds);
  ck_assert_uint_eq(accounting_end_window(&accounting), 0);
}
END_TEST

START_TEST(accounting_window__refused__is_none) {
  accounting_init(&accounting, false);
  fake_libbpf.enable_stats_error = -EPERM;
  accounting_begin_window(&accounting);
  ck_assert_int_eq(accounting.error, -EPERM);
  ck_assert_uint_eq(accounting_end_window(&accounting), 0);
}
END_TEST

Suite *accounting_suite(void) {
  Suite *suite = suite_create("accounting");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, NULL);
  tcase_add_test(core,
                 accounting_update__hold__holds_one_descriptor_until_clear);
  tcase_add_test(core, accounting_update__no_hold__follows_the_sysctl);
  tcase_add_test(core, accounting_coverage__on_for_the_whole_interval__is_one);
  tcase_add_test(core,
                 accounting_see__another_process__is_believed_while_it_is_seen);
  tcase_add_test(core, accounting_window__is_measured_and_leaves_no_descriptor);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, NULL);
  tcase_add_test(limits, accounting_update__refused__tells_and_tries_again);
  tcase_add_test(limits, accounting_coverage__on_for_a_part__is_that_share);
  tcase_add_test(limits, accounting_coverage__off_or_no_interval__is_zero);
  tcase_add_test(limits, accounting_window__refused__is_none);
  suite_add_tcase(suite, limits);
  return suite;
}
