/* SPDX-License-Identifier: MIT */
/* Unit tests of what the plugin tells of deploys, their price, regressions, and
 * a host that costs too much, as collectd drives it. */
#include "suites.h"

#include "changes.h"
#include "clocks.h"
#include "plugin_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TAG_A = 0xaa, TAG_B = 0xbb, TAG_C = 0xcc };

/* What was notified of since the last look. */
static notification_t told[FAKE_NOTIFICATIONS_MAX];
static size_t told_num;

static void setup(void) {
  plugin_setup();
  told_num = 0;
}

static struct fake_prog *prog(void) { return &fake_libbpf.progs[0]; }

static void read_and_keep(void) {
  read_once();
  for (size_t i = 0; i < fake_collectd.notifications_num; i++) {
    ck_assert_uint_lt(told_num, FAKE_NOTIFICATIONS_MAX);
    told[told_num++] = fake_collectd.notifications[i];
  }
}

/* Another program of that name, in the place of the one before. */
static void deploy(uint8_t tag_byte) {
  static uint32_t id = 100;
  const char *name = prog()->name;
  fake_libbpf.progs_num = 0;
  fake_libbpf_add(++id, boottime_ns(), name, 0)->recursion_misses = 0;
  prog()->tag_byte = tag_byte;
}

static void run(int intervals, uint64_t ns_per_run) {
  for (int i = 0; i < intervals; i++) {
    prog()->run_cnt += 500;
    prog()->run_time_ns += 500 * ns_per_run;
    read_and_keep();
  }
}

static void start_with(const char *name) {
  fake_libbpf_add(1, 100, name, 0)->recursion_misses = 0;
  prog()->tag_byte = TAG_A;
  start();
  read_and_keep();
}

/* The notifications since the last call are these, one a line: a sign of the
 * severity, and a part of the message. */
static void expect(const char *lines) {
  const char *line = lines;
  for (size_t i = 0; i < told_num; i++) {
    const int len = (int)strcspn(line, "\n");
    const char sign = told[i].severity == NOTIF_OKAY ? '-' : '+';
    char part[256];
    snprintf(part, sizeof(part), "%.*s", len > 0 ? len - 1 : 0,
             len > 0 ? line + 1 : "");
    ck_assert_msg(len > 0 && sign == line[0] &&
                      strstr(told[i].message, part) != NULL,
                  "notified of %c%s", sign, told[i].message);
    ck_assert_str_eq(told[i].plugin, "bpf_stats");
    line += len + (line[len] == '\n');
  }
  ck_assert_msg(*line == '\0', "not notified of %s", line);
  told_num = 0;
}

START_TEST(changes__by_default__are_a_line_about_the_price_alone) {
  start_with("xdp_firewall");
  run(10, 420);
  deploy(TAG_B);
  run(4, 610);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
  run(1, 610);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_INFO);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: xdp_firewall: tag aaadbeef000102ff -> "
                   "bbadbeef000102ff: 420 -> 610 ns a run (+45 %), 5.0 k and "
                   "2.5 k runs");
  run(5, 610);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
  expect("");
}
END_TEST

START_TEST(changes__notified__are_each_deploy_and_its_price) {
  tree_boolean(tree_option(&tree, "NotifyChanges"), true);
  start_with("a");
  run(10, 400);
  deploy(TAG_B);
  run(1, 200);
  ck_assert_str_eq(told[0].plugin_instance, "a");
  ck_assert_str_eq(told[0].type, "derive");
  ck_assert_str_eq(told[0].type_instance, "loads");
  expect("-a: tag aaadbeef000102ff -> bbadbeef000102ff, loaded 2\n");
  run(10, 200);
  ck_assert_str_eq(told[0].type_instance, "ns_per_call");
  expect("-400 -> 200 ns a run (-50 %)\n");
}
END_TEST

START_TEST(changes__same_tag_or_none__are_not_told) {
  tree_boolean(tree_option(&tree, "NotifyChanges"), true);
  start_with("a");
  run(3, 400);
  deploy(TAG_A);
  run(10, 400);
  expect("");
}
END_TEST

START_TEST(changes__time_of_load__is_that_of_the_wall_clock) {
  tree_boolean(tree_option(&tree, "NotifyChanges"), true);
  start_with("a");
  deploy(TAG_B);
  const time_t before = time(NULL) - 1; /* the clocks need not change at once */
  prog()->load_time_ns = boottime_ns();
  const time_t after = time(NULL) + 1;
  run(1, 400);
  ck_assert_uint_eq(told_num, 1);
  bool is_told = false;
  for (time_t second = before; second <= after; second++) {
    char text[64];
    struct tm parts;
    gmtime_r(&second, &parts);
    strftime(text, sizeof(text), "loaded %Y-%m-%dT%H:%M:%SZ, 1 program",
             &parts);
    is_told |= strstr(told[0].message, text) != NULL;
  }
  ck_assert_msg(is_told, "%s", told[0].message);
}
END_TEST

START_TEST(changes__many_groups_at_once__are_some_and_one_sum) {
  enum { GROUPS = 40 };
  static char names[GROUPS][8];
  tree_boolean(tree_option(&tree, "NotifyChanges"), true);
  start_with("a");
  for (unsigned i = 0; i < GROUPS; i++) {
    snprintf(names[i], sizeof(names[i]), "g%u", i);
    fake_libbpf_add(10 + i, boottime_ns(), names[i], 5);
  }
  read_and_keep();
  ck_assert_uint_eq(told_num, CHANGES_DEPLOYS_MAX + 1);
  ck_assert_str_eq(told[0].plugin_instance, "g0");
  ck_assert_ptr_nonnull(strstr(told[0].message, "g0: first load, tag de"));
  ck_assert_str_eq(told[CHANGES_DEPLOYS_MAX].plugin_instance, "");
  ck_assert_str_eq(
      told[CHANGES_DEPLOYS_MAX].message,
      "deploys in 40 groups at once, of which 20 are told one by one");
  told_num = 0;
  read_and_keep();
  expect("");
}
END_TEST

START_TEST(changes__deploys_in_each_interval__are_one_and_a_sum) {
  tree_boolean(tree_option(&tree, "NotifyChanges"), true);
  start_with("a");
  for (int i = 0; i < 9; i++) {
    deploy((uint8_t)(i + 1));
    run(1, 400);
  }
  expect("-a: tag aa\n-a: 6 deploys, the last: tag 06\n");
}
END_TEST

/* Up to the alarm of a version that is twice as dear. */
static void raise_alarm(void) {
  tree_number(tree_option(&tree, "RegressionThreshold"), 50);
  start_with("a");
  run(10, 400);
  deploy(TAG_B);
  run(10, 800);
  ck_assert_str_eq(told[0].plugin_instance, "a");
  ck_assert_str_eq(told[0].type_instance, "ns_per_call");
  expect("+a: tag aaadbeef000102ff -> bbadbeef000102ff: 400 -> 800 ns a run "
         "(+100 %), medians of 10 and 5 intervals\n");
}

START_TEST(regression__twice_as_dear__is_one_warning) {
  raise_alarm();
  run(30, 800);
  expect("");
}
END_TEST

START_TEST(regression__replaced__is_one_okay) {
  raise_alarm();
  deploy(TAG_C);
  run(1, 400);
  expect("-a: replaced by tag ccadbeef000102ff\n");
  run(30, 400);
  expect("");
}
END_TEST

START_TEST(regression__replaced_by_a_dearer_one__is_told_again) {
  raise_alarm();
  deploy(TAG_C);
  run(10, 1600);
  expect("-a: replaced by tag cc\n"
         "+a: tag bbadbeef000102ff -> ccadbeef000102ff: 800 -> 1600\n");
}
END_TEST

START_TEST(regression__has_come_down__is_one_okay) {
  raise_alarm();
  run(100, 400);
  expect("-a: tag aaadbeef000102ff -> bbadbeef000102ff: 400 -> 400 ns a run "
         "(+0 %), medians of 10 and 10 intervals\n");
}
END_TEST

START_TEST(regression__unloaded__is_one_okay) {
  raise_alarm();
  fake_libbpf.progs_num = 0;
  read_and_keep();
  expect("");
  read_and_keep();
  expect("-a: no program is loaded any more\n");
}
END_TEST

/* Old and new were there side by side, and the new one goes. */
START_TEST(regression__withdrawn__is_one_okay) {
  tree_number(tree_option(&tree, "RegressionThreshold"), 50);
  start_with("a");
  run(10, 400);
  struct fake_prog *new = fake_libbpf_add(200, boottime_ns(), "a", 0);
  new->tag_byte = TAG_B;
  for (int i = 0; i < 6; i++) {
    new->run_cnt += 500;
    new->run_time_ns += 500 * 800;
    run(1, 400);
  }
  expect("+a: tag aa\n");
  fake_libbpf.progs_num = 1;
  run(5, 400);
  expect("-a: tag bbadbeef000102ff is loaded no more\n");
}
END_TEST

START_TEST(regression__idle__goes_on) {
  raise_alarm();
  for (int i = 0; i < 10; i++)
    read_and_keep();
  expect("");
}
END_TEST

START_TEST(regression__cannot_be_read__is_one_okay) {
  raise_alarm();
  fake_libbpf.next_id_error = -ENOMEM;
  for (int i = 0; i < 3; i++)
    read_and_keep();
  expect("-a: can no longer be measured: BPF programs cannot be read\n");
}
END_TEST

START_TEST(regression__collectd_stops__is_one_okay) {
  raise_alarm();
  ck_assert_int_eq(fake_collectd.flush(0, NULL, NULL), 0);
  ck_assert_uint_eq(fake_collectd.notifications_num, 1);
  ck_assert_str_eq(fake_collectd.notifications[0].message,
                   "a: can no longer be measured: collectd stops");
}
END_TEST

START_TEST(regression__no_threshold__is_not_told) {
  start_with("a");
  run(10, 400);
  deploy(TAG_B);
  run(20, 4000);
  expect("");
}
END_TEST

START_TEST(regression__dearer_long_after_the_deploy__is_not_blamed_on_it) {
  tree_number(tree_option(&tree, "RegressionThreshold"), 50);
  start_with("a");
  run(10, 400);
  deploy(TAG_B);
  run(40, 400);
  run(40, 1600);
  expect("");
}
END_TEST

/* Interval of a host with four programs, of which the last costs most. */
static void spend(uint64_t ns) {
  for (size_t i = 0; i < fake_libbpf.progs_num; i++) {
    fake_libbpf.progs[i].run_cnt++;
    fake_libbpf.progs[i].run_time_ns += ns * (i + 1);
  }
  read_and_keep();
}

static void start_spending(void) {
  static const char *const names[] = {"a", "b", "c", "d"};
  tree_number(tree_option(&tree, "CostThreshold"), 200);
  for (uint32_t i = 0; i < 4; i++)
    fake_libbpf_add(i + 1, 100, names[i], 0);
  start();
  read_and_keep();
}

static const uint64_t hour_ns = 3600ULL * 1000000000;

START_TEST(cost__above_for_two_intervals__is_one_warning_with_the_dearest) {
  start_spending();
  spend(hour_ns);
  expect("");
  spend(0);
  spend(hour_ns);
  expect("");
  for (int i = 0; i < 5; i++)
    spend(hour_ns);
  ck_assert_str_eq(told[0].plugin_instance, "");
  ck_assert_str_eq(told[0].type_instance, "cpu_percent");
  double all, d, c, b;
  ck_assert_int_eq(sscanf(told[0].message,
                          "BPF programs cost %lf %% of one CPU: d %lf %%, c "
                          "%lf %%, b %lf %%",
                          &all, &d, &c, &b),
                   4);
  ck_assert_double_eq_tol(d / all, 0.4, 1e-6);
  ck_assert_double_eq_tol(c / all, 0.3, 1e-6);
  ck_assert_double_eq_tol(b / all, 0.2, 1e-6);
  expect("+BPF programs cost\n");
}
END_TEST

START_TEST(cost__below_for_two_intervals__is_one_okay) {
  start_spending();
  spend(hour_ns);
  spend(hour_ns);
  spend(0);
  spend(hour_ns);
  expect("+BPF programs cost\n");
  spend(0);
  expect("");
  spend(0);
  expect("-BPF programs cost 0.0 % of one CPU\n");
}
END_TEST

START_TEST(cost__collectd_stops__is_one_okay) {
  start_spending();
  spend(hour_ns);
  spend(hour_ns);
  fake_collectd_clear();
  ck_assert_int_eq(fake_collectd.flush(0, NULL, NULL), 0);
  ck_assert_uint_eq(fake_collectd.notifications_num, 1);
  ck_assert_str_eq(fake_collectd.notifications[0].message,
                   "what BPF programs cost can no longer be measured: collectd "
                   "stops");
}
END_TEST

Suite *changes_suite(void) {
  Suite *suite = suite_create("changes");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, plugin_teardown);
  tcase_add_test(core, changes__by_default__are_a_line_about_the_price_alone);
  tcase_add_test(core, changes__notified__are_each_deploy_and_its_price);
  tcase_add_test(core, changes__same_tag_or_none__are_not_told);
  tcase_add_test(core, changes__time_of_load__is_that_of_the_wall_clock);
  tcase_add_test(core, regression__twice_as_dear__is_one_warning);
  tcase_add_test(core, regression__replaced__is_one_okay);
  tcase_add_test(core, regression__replaced_by_a_dearer_one__is_told_again);
  tcase_add_test(core, regression__has_come_down__is_one_okay);
  tcase_add_test(
      core, cost__above_for_two_intervals__is_one_warning_with_the_dearest);
  tcase_add_test(core, cost__below_for_two_intervals__is_one_okay);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, plugin_teardown);
  tcase_add_test(limits, changes__many_groups_at_once__are_some_and_one_sum);
  tcase_add_test(limits, changes__deploys_in_each_interval__are_one_and_a_sum);
  tcase_add_test(limits, regression__unloaded__is_one_okay);
  tcase_add_test(limits, regression__withdrawn__is_one_okay);
  tcase_add_test(limits, regression__idle__goes_on);
  tcase_add_test(limits, regression__cannot_be_read__is_one_okay);
  tcase_add_test(limits, regression__collectd_stops__is_one_okay);
  tcase_add_test(limits, regression__no_threshold__is_not_told);
  tcase_add_test(limits,
                 regression__dearer_long_after_the_deploy__is_not_blamed_on_it);
  tcase_add_test(limits, cost__collectd_stops__is_one_okay);
  suite_add_tcase(suite, limits);
  return suite;
}
