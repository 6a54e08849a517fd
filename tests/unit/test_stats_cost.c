/* SPDX-License-Identifier: MIT */
/* Unit tests of stats_cost: when it measures, and what it leaves behind; and of
 * which CPUs a check leaves alone. */
#include "../open_fds.h"
#include "suites.h"

#include "cpu_list.h"
#include "fake_libbpf.h"
#include "stats_cost.h"

#include <errno.h>

static struct stats_switch stats_switch;
static struct stats_cost cost;
static int fds_at_start;

static void setup(void) {
  fake_libbpf_reset();
  fake_libbpf.cost_ns = 83;
  fds_at_start = count_open_fds();
  stats_switch_init(&stats_switch, true);
  stats_cost_init(&cost);
}

static void teardown(void) {
  stats_cost_clear(&cost);
  stats_switch_clear(&stats_switch);
  ck_assert_int_eq(count_open_fds(), fds_at_start);
}

static bool update(void) { return stats_cost_update(&cost, &stats_switch); }

START_TEST(update__statistics_off__measures_once_and_leaves_nothing) {
  ck_assert_double_eq(cost.ns, STATS_COST_DEFAULT_NS);
  ck_assert(!update());
  ck_assert_double_eq(cost.ns, 83);
  ck_assert_int_eq(count_open_fds(), fds_at_start);
  ck_assert(!fake_libbpf_is_counted());
  const unsigned enabled_num = fake_libbpf.enabled_num;
  ck_assert(!update());
  ck_assert_uint_eq(fake_libbpf.enabled_num, enabled_num);
}
END_TEST

START_TEST(update__others_have_them_on__has_the_default_and_measures_later) {
  fake_libbpf.statistics_on = true;
  for (int i = 0; i < 20; i++)
    ck_assert(!update());
  ck_assert_double_eq(cost.ns, STATS_COST_DEFAULT_NS);
  ck_assert_uint_eq(fake_libbpf.enabled_num, 0);
  fake_libbpf.statistics_on = false;
  for (int i = 0; i < 20; i++)
    ck_assert(!update());
  ck_assert_double_eq(cost.ns, 83);
}
END_TEST

START_TEST(update__held__are_held_again_and_it_says_so) {
  fake_libbpf.statistics_on = true;
  ck_assert(!update());
  stats_switch_update(&stats_switch);
  fake_libbpf.statistics_on = false;
  ck_assert(update());
  ck_assert_double_eq(cost.ns, 83);
  ck_assert_int_ge(stats_switch.fd, 0);
  ck_assert(fake_libbpf_is_counted());
}
END_TEST

START_TEST(update__held_and_others_as_well__were_never_off) {
  fake_libbpf.statistics_on = true;
  stats_switch_update(&stats_switch);
  ck_assert(!update());
  ck_assert_int_ge(stats_switch.fd, 0);
}
END_TEST

START_TEST(update__refused__has_the_default_and_is_not_tried_again) {
  fake_libbpf.enable_stats_error = -EPERM;
  ck_assert(!update());
  fake_libbpf.enable_stats_error = 0;
  for (int i = 0; i < 20; i++)
    ck_assert(!update());
  ck_assert_double_eq(cost.ns, STATS_COST_DEFAULT_NS);
  ck_assert_uint_eq(fake_libbpf.enabled_num, 0);
}
END_TEST

START_TEST(update__no_difference__is_no_measurement) {
  fake_libbpf.cost_ns = 0;
  ck_assert(!update());
  ck_assert_double_eq(cost.ns, STATS_COST_DEFAULT_NS);
}
END_TEST

START_TEST(cpu_list_has__lists_of_the_kernel__knows_each_cpu) {
  static const char list[] = "1,3-5,64-127\n";
  for (int cpu = 0; cpu < 200; cpu++)
    ck_assert_int_eq(cpu_list_has(list, cpu), cpu == 1 ||
                                                  (cpu >= 3 && cpu <= 5) ||
                                                  (cpu >= 64 && cpu <= 127));
}
END_TEST

START_TEST(cpu_list_has__no_list__has_none) {
  ck_assert(!cpu_list_has("", 0));
  ck_assert(!cpu_list_has("\n", 0));
  ck_assert(!cpu_list_has("all", 0));
  ck_assert(!cpu_list_has("2-", 2));
  ck_assert(!cpu_list_has("2,", 0));
}
END_TEST

Suite *stats_cost_suite(void) {
  Suite *suite = suite_create("stats_cost");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core,
                 update__statistics_off__measures_once_and_leaves_nothing);
  tcase_add_test(
      core, update__others_have_them_on__has_the_default_and_measures_later);
  tcase_add_test(core, update__held__are_held_again_and_it_says_so);
  tcase_add_test(core, update__held_and_others_as_well__were_never_off);
  tcase_add_test(core, update__refused__has_the_default_and_is_not_tried_again);
  tcase_add_test(core, update__no_difference__is_no_measurement);
  tcase_add_test(core, cpu_list_has__lists_of_the_kernel__knows_each_cpu);
  tcase_add_test(core, cpu_list_has__no_list__has_none);
  suite_add_tcase(suite, core);
  return suite;
}
