/* SPDX-License-Identifier: MIT */
/* Unit tests of stats_switch: the descriptor, and whether statistics are on. */
#include "../open_fds.h"
#include "suites.h"

#include "clocks.h"
#include "fake_libbpf.h"
#include "stats_switch.h"

#include <errno.h>

static struct stats_switch stats_switch;

static void setup(void) {
  fake_libbpf_reset();
  stats_switch_init(&stats_switch, false);
}

static void teardown(void) { stats_switch_clear(&stats_switch); }

static enum statistics look(void) {
  return stats_switch_look(&stats_switch, STATISTICS_UNKNOWN);
}

START_TEST(update__hold__holds_one_descriptor_until_clear) {
  int fds = count_open_fds();
  stats_switch_init(&stats_switch, true);
  const uint64_t before_ns = monotonic_ns();
  stats_switch_update(&stats_switch);
  stats_switch_update(&stats_switch);
  ck_assert_int_eq(count_open_fds(), fds + 1);
  ck_assert_uint_ge(stats_switch.held_since_ns, before_ns);
  ck_assert_uint_le(stats_switch.held_since_ns, monotonic_ns());
  stats_switch_clear(&stats_switch);
  ck_assert_int_eq(count_open_fds(), fds);
  ck_assert_uint_eq(stats_switch.held_since_ns, 0);
}
END_TEST

START_TEST(update__no_hold__holds_nothing) {
  int fds = count_open_fds();
  stats_switch_update(&stats_switch);
  ck_assert_int_eq(count_open_fds(), fds);
  ck_assert_int_eq(stats_switch.error, 0);
}
END_TEST

START_TEST(update__refused__tells_and_tries_again) {
  stats_switch_init(&stats_switch, true);
  fake_libbpf.enable_stats_error = -EPERM;
  stats_switch_update(&stats_switch);
  ck_assert_int_eq(stats_switch.error, -EPERM);
  ck_assert_int_eq(stats_switch.fd, -1);
  fake_libbpf.enable_stats_error = 0;
  stats_switch_update(&stats_switch);
  ck_assert_int_eq(stats_switch.error, 0);
  ck_assert_int_ge(stats_switch.fd, 0);
}
END_TEST

START_TEST(on_and_off__window__leaves_no_descriptor) {
  int fds = count_open_fds();
  ck_assert_int_eq(stats_switch_on(&stats_switch), 0);
  ck_assert_int_eq(count_open_fds(), fds + 1);
  stats_switch_off(&stats_switch);
  ck_assert_int_eq(count_open_fds(), fds);
  fake_libbpf.enable_stats_error = -EPERM;
  ck_assert_int_eq(stats_switch_on(&stats_switch), -EPERM);
  ck_assert_int_eq(stats_switch.error, -EPERM);
  stats_switch_off(&stats_switch);
}
END_TEST

START_TEST(look__others__are_seen_by_what_the_kernel_counts) {
  ck_assert_int_eq(look(), STATISTICS_OFF);
  fake_libbpf.sysctl_on = true;
  ck_assert_int_eq(look(), STATISTICS_ON);
  ck_assert_int_eq(look(), STATISTICS_ON);
  fake_libbpf.sysctl_on = false;
  ck_assert_int_eq(look(), STATISTICS_OFF);
  fake_libbpf.statistics_on = true;
  ck_assert_int_eq(look(), STATISTICS_ON);
}
END_TEST

START_TEST(look__snapshot_knows__is_believed_and_nothing_is_loaded) {
  int fds = count_open_fds();
  ck_assert_int_eq(stats_switch_look(&stats_switch, STATISTICS_ON),
                   STATISTICS_ON);
  ck_assert_int_eq(stats_switch_look(&stats_switch, STATISTICS_OFF),
                   STATISTICS_OFF);
  ck_assert_int_eq(count_open_fds(), fds);
}
END_TEST

START_TEST(look__held__is_on_and_nothing_is_loaded) {
  stats_switch_on(&stats_switch);
  int fds = count_open_fds();
  ck_assert_int_eq(look(), STATISTICS_ON);
  ck_assert_int_eq(count_open_fds(), fds);
}
END_TEST

START_TEST(look__no_program_can_be_loaded__nobody_knows) {
  fake_libbpf.sysctl_on = true;
  fake_libbpf.load_error = -EMFILE;
  ck_assert_int_eq(look(), STATISTICS_UNKNOWN);
  fake_libbpf.load_error = 0; /* that has passed */
  ck_assert_int_eq(look(), STATISTICS_ON);
  stats_switch_clear(&stats_switch);
  stats_switch_init(&stats_switch, false);
  fake_libbpf.load_error = -EPERM;
  ck_assert_int_eq(look(), STATISTICS_UNKNOWN);
  fake_libbpf.load_error = 0; /* that does not pass: it is not tried again */
  ck_assert_int_eq(look(), STATISTICS_UNKNOWN);
}
END_TEST

Suite *stats_switch_suite(void) {
  Suite *suite = suite_create("stats_switch");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, update__hold__holds_one_descriptor_until_clear);
  tcase_add_test(core, update__no_hold__holds_nothing);
  tcase_add_test(core, on_and_off__window__leaves_no_descriptor);
  tcase_add_test(core, look__others__are_seen_by_what_the_kernel_counts);
  tcase_add_test(core, look__snapshot_knows__is_believed_and_nothing_is_loaded);
  tcase_add_test(core, look__held__is_on_and_nothing_is_loaded);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits, update__refused__tells_and_tries_again);
  tcase_add_test(limits, look__no_program_can_be_loaded__nobody_knows);
  suite_add_tcase(suite, limits);
  return suite;
}
