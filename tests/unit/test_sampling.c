/* SPDX-License-Identifier: MIT */
/* Unit tests of the plugin with SampleWindow and of its notifications, as
 * collectd drives it, over both fakes. Times are real, and so are the windows.
 */
#include "suites.h"

#include "clocks.h"
#include "overhead.h"
#include "plugin_fixture.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <unistd.h>

static struct fake_prog *prog;

static const double interval_s = 0.1;
static const double window_s = 0.02;

static void setup(void) {
  plugin_setup();
  fake_collectd.interval = DOUBLE_TO_CDTIME_T_STATIC(0.1);
  prog = fake_libbpf_add(1, 100, "a", 0);
}

static void start_sampled(void) {
  tree_boolean(tree_option(&tree, "IdleGroups"), true);
  tree_number(tree_option(&tree, "SampleWindow"), window_s);
  start();
}

static void pass_interval(void) { usleep((useconds_t)(interval_s * 1e6)); }

static unsigned walks(void) {
  return __atomic_load_n(&fake_libbpf.walks, __ATOMIC_ACQUIRE);
}

/* Reads, and lets the interval that it begins pass. The window in it is over
 * when this returns: a read walks over the programs once, a window twice. */
static void read_and_pass_window(void) {
  const unsigned end = walks() + 1 + 2;
  read_once();
  pass_interval();
  while (walks() < end)
    usleep(1000);
}

static const value_t *find(const char *type, const char *type_instance) {
  return fake_collectd_value("a", type, type_instance);
}

static const value_t *coverage(void) {
  return fake_collectd_value("", "gauge", "coverage");
}

/* On a busy machine a window comes late or not at all; then the next one that
 * comes tells of that time as well. */
START_TEST(read__windows__counters_are_estimated_and_gauges_measured) {
  start_sampled();
  fake_libbpf.runs_per_window = 1000;
  read_once();
  ck_assert_ptr_null(coverage());
  double expected = (double)find("invocations", "")->derive;
  int measured = 0;
  bool lost = false;
  for (int i = 1; measured < 5 && i <= 100; i++) {
    pass_interval();
    read_once();
    ck_assert_int_eq(find("derive", "recursion_misses")->derive, 0);
    if (find("invocations", "") == NULL) {
      ck_assert_ptr_null(find("derive", "run_time_ns"));
      lost = true;
      continue;
    }
    const double found = (double)find("invocations", "")->derive;
    const double share = coverage()->gauge;
    ck_assert_double_gt(share, 0);
    ck_assert_double_le(share, 1);
    expected += 1000 / share;
    if (!lost)
      ck_assert_double_eq_tol(found, expected, 1);
    ck_assert_double_ge(found, expected - 1);
    ck_assert_double_eq_tol((double)find("derive", "run_time_ns")->derive,
                            10 * found, 10);
    ck_assert_double_eq(find("gauge", "ns_per_call")->gauge, 10);
    ck_assert_double_eq(find("gauge", "miss_rate")->gauge, 0);
    expected = found;
    lost = false;
    measured++;
  }
  ck_assert_int_eq(measured, 5);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

/* Reads once a window has told something: on a busy machine not each does. */
static void read_window(void) {
  int reads = 0;
  do
    read_and_pass_window();
  while (find("invocations", "") == NULL && reads++ < 100);
  ck_assert_ptr_nonnull(find("invocations", ""));
}

START_TEST(read__windows_in_which_nothing_runs__no_ratio_and_no_advance) {
  start_sampled();
  read_and_pass_window();
  prog->recursion_misses += 7; /* after the window */
  for (int i = 0; i < 2; i++) {
    read_window();
    ck_assert_int_eq(find("invocations", "")->derive, 0);
    ck_assert_int_eq(find("derive", "recursion_misses")->derive, 7);
    ck_assert_ptr_null(find("gauge", "miss_rate"));
    ck_assert_ptr_null(find("gauge", "ns_per_call"));
  }
}
END_TEST

/* Somebody else has statistics on at every other read. */
START_TEST(read__counted_outside_the_window__is_not_counted_twice) {
  start_sampled();
  fake_libbpf.runs_per_window = 10;
  for (int i = 0; i < 8; i++) {
    const derive_t counted = (derive_t)prog->run_cnt;
    fake_libbpf.statistics_on = i % 2 == 0;
    read_and_pass_window();
    ck_assert_ptr_null(coverage());
    if (find("invocations", "") != NULL) {
      ck_assert_int_eq(find("invocations", "")->derive, counted);
    }
    prog->run_cnt += 1000; /* after the window, and before the next */
  }
}
END_TEST

START_TEST(read__sysctl_is_set__totals_are_the_kernels) {
  fake_libbpf.sysctl_on = true;
  start_sampled();
  fake_libbpf.runs_per_window = 10;
  read_once();
  for (int i = 0; i < 4; i++) {
    pass_interval();
    fake_libbpf.runs_per_window = i < 2 ? 10 : 0;
    read_once();
  }
  ck_assert_double_eq(coverage()->gauge, 1);
  ck_assert_int_eq(find("invocations", "")->derive, (derive_t)prog->run_cnt);
}
END_TEST

START_TEST(read__window_is_refused__is_one_warning_and_no_value) {
  start_sampled();
  fake_libbpf.enable_stats_error = -EPERM;
  read_once();
  for (int i = 0; i < 3; i++) {
    pass_interval(); /* it is logged meanwhile */
    fake_collectd.dispatched_num = 0;
    ck_assert_int_eq(fake_collectd.read(), 0);
  }
  ck_assert_ptr_null(find("gauge", "miss_rate"));
  ck_assert_uint_eq(fake_collectd_count(LOG_WARNING), 1);
  fake_libbpf.enable_stats_error = 0;
  pass_interval();
  read_once();
  pass_interval();
  read_once();
  ck_assert_double_gt(coverage()->gauge, 0);
}
END_TEST

START_TEST(read__snapshot_of_a_window_fails__has_no_values_and_recovers) {
  start_sampled();
  read_once();
  fake_libbpf.next_id_error = -ENOMEM;
  pass_interval();
  read_in_vain();
  fake_libbpf.next_id_error = 0;
  pass_interval();
  fake_collectd.read(); /* its window may have begun before */
  pass_interval();
  read_once();
  ck_assert_double_gt(coverage()->gauge, 0);
}
END_TEST

/* In an interval so many runs that statistics cost 40 times the limit. */
static void pass_busy_interval(void) {
  pass_interval();
  prog->run_cnt += (uint64_t)(0.4 * interval_s * 1e9 / 80);
}

START_TEST(read__OverheadLimit_exceeded__has_windows_until_it_is_calm) {
  tree_boolean(tree_option(&tree, "IdleGroups"), true);
  start();
  read_once();
  pass_busy_interval();
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_INFO);
  ck_assert_ptr_nonnull(strstr(fake_collectd.lines[0].text, "OverheadLimit"));
  ck_assert_double_eq(coverage()->gauge, 1);
  ck_assert_double_gt(
      fake_collectd_value("", "gauge", "statistics_percent")->gauge, 1);
  int windows = 0;
  for (;;) {
    const unsigned end = walks() + 1 + 2;
    pass_interval();
    read_once();
    if (fake_collectd.lines_num > 0)
      break;
    pass_interval();
    while (walks() < end)
      usleep(1000);
    const value_t *percent =
        fake_collectd_value("", "gauge", "statistics_percent");
    if (percent != NULL) {
      /* Nothing has run: it is what a window costs, if one has come. */
      ck_assert_double_ge(percent->gauge, 0);
      ck_assert_double_lt(percent->gauge, 1);
      ck_assert_double_lt(coverage()->gauge, 0.9);
      windows++;
    }
  }
  ck_assert_int_ge(windows + 1, OVERHEAD_CALM_INTERVALS);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_INFO);
  const derive_t before = find("invocations", "")->derive;
  prog->run_cnt += 7;
  read_once();
  ck_assert_int_eq(find("invocations", "")->derive, before + 7);
  ck_assert_double_eq(coverage()->gauge, 1);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

START_TEST(read__OverheadLimit_zero__is_on_all_the_time) {
  tree_number(tree_option(&tree, "OverheadLimit"), 0);
  start();
  read_once();
  for (int i = 0; i < 3; i++) {
    pass_busy_interval();
    read_once();
    ck_assert_double_eq(coverage()->gauge, 1);
    ck_assert_uint_eq(fake_collectd.lines_num, 0);
  }
}
END_TEST

START_TEST(init__window_too_long__is_one_error_line_and_no_read) {
  tree_number(tree_option(&tree, "SampleWindow"), 0.06);
  start_in_vain();
}
END_TEST

/* If it waited, this test would not end. */
START_TEST(shutdown__window_ahead__does_not_wait_for_it) {
  fake_collectd.interval = TIME_T_TO_CDTIME_T_STATIC(24 * 3600);
  tree_number(tree_option(&tree, "SampleWindow"), 12 * 3600);
  start();
  read_once();
  ck_assert_int_eq(fake_collectd.shutdown(), 0);
  module_register();
}
END_TEST

/* Lets the program run and miss so often, and reads. */
static void read_with(uint64_t runs, uint64_t misses) {
  prog->run_cnt += runs;
  prog->run_time_ns += 10 * runs;
  prog->recursion_misses += misses;
  read_once();
}

START_TEST(read__miss_rate_above_the_threshold__notifies_of_the_changes) {
  start();
  read_once();
  read_with(150, 50);
  ck_assert_uint_eq(fake_collectd.notifications_num, 1);
  const notification_t *notification = &fake_collectd.notifications[0];
  ck_assert_int_eq(notification->severity, NOTIF_WARNING);
  ck_assert_str_eq(notification->host, "fake-host");
  ck_assert_str_eq(notification->plugin, "bpf_stats");
  ck_assert_str_eq(notification->plugin_instance, "a");
  ck_assert_str_eq(notification->type, "gauge");
  ck_assert_str_eq(notification->type_instance, "miss_rate");
  ck_assert_str_eq(notification->message,
                   "a: 150 invocations, 1500 ns, 50 recursion misses, 10.000 "
                   "ns/call, miss rate 0.250000 (a hot recursion path)");
  read_with(150, 50);
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
  read_with(150, 0);
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
  read_with(150, 0);
  ck_assert_uint_eq(fake_collectd.notifications_num, 1);
  ck_assert_int_eq(fake_collectd.notifications[0].severity, NOTIF_OKAY);
  read_with(150, 0);
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
}
END_TEST

/* Raises the alarm of the program, and forgets the notification. */
static void raise_alarm(void) {
  read_once();
  read_with(150, 50);
  ck_assert_uint_eq(fake_collectd.notifications_num, 1);
  ck_assert_int_eq(fake_collectd.notifications[0].severity, NOTIF_WARNING);
  fake_collectd_clear();
}

/* Demands that the alarm has just ended, for that reason. */
static void check_end(const char *reason) {
  ck_assert_uint_eq(fake_collectd.notifications_num, 1);
  const notification_t *notification = &fake_collectd.notifications[0];
  ck_assert_int_eq(notification->severity, NOTIF_OKAY);
  ck_assert_str_eq(notification->plugin_instance, "a");
  ck_assert_str_eq(notification->type_instance, "miss_rate");
  ck_assert_str_eq(notification->message, reason);
  fake_collectd_clear();
}

START_TEST(read__raised_and_statistics_go_off__ends_and_says_so) {
  tree_boolean(tree_option(&tree, "EnableStats"), false);
  fake_libbpf.sysctl_on = true;
  start();
  raise_alarm();
  fake_libbpf.sysctl_on = false;
  read_with(0, 50);
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
  fake_libbpf.progs_num = 0; /* unloaded meanwhile: nobody can tell */
  read_once();
  check_end("a: can no longer be measured: run-time statistics are not on");
  read_once();
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
}
END_TEST

START_TEST(read__raised_and_unloaded__ends_and_says_so) {
  start();
  raise_alarm();
  fake_libbpf.progs_num = 0;
  read_once();
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
  read_once();
  check_end("a: no program is loaded any more");
}
END_TEST

START_TEST(read__raised_and_reads_fail__ends_and_says_so) {
  start();
  raise_alarm();
  fake_libbpf.next_id_error = -ENOMEM;
  fake_collectd.read();
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
  fake_collectd.read();
  check_end("a: can no longer be measured: BPF programs cannot be read");
  fake_libbpf.next_id_error = 0;
  read_once();
  read_with(150, 50); /* as before: again, and once */
  ck_assert_uint_eq(fake_collectd.notifications_num, 1);
  ck_assert_int_eq(fake_collectd.notifications[0].severity, NOTIF_WARNING);
}
END_TEST

START_TEST(read__raised_and_program_unreadable__ends_and_says_so) {
  start();
  raise_alarm();
  fake_libbpf_add(2, 100, "b", 0);
  prog->fd_error = -EMFILE;
  read_once();
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
  read_once();
  check_end("a: can no longer be measured: BPF programs cannot be read");
}
END_TEST

START_TEST(read__raised_and_window_refused__is_not_calm_and_ends) {
  start_sampled();
  read_once();
  fake_libbpf.runs_per_window = 100;
  fake_libbpf.misses_per_window = 100;
  for (int i = 0; i < 40 && fake_collectd.notifications_num == 0; i++) {
    pass_interval();
    read_once();
  }
  ck_assert_uint_eq(fake_collectd.notifications_num, 1);
  fake_libbpf.enable_stats_error = -EPERM;
  for (int i = 0; i < 40; i++) {
    pass_interval();
    fake_collectd_clear();
    ck_assert_int_eq(fake_collectd.read(), 0);
    if (fake_collectd.notifications_num > 0)
      break;
  }
  check_end("a: can no longer be measured: run-time statistics are not on");
}
END_TEST

START_TEST(shutdown__raised__ends_when_collectd_begins_to_stop) {
  start();
  raise_alarm();
  fake_collectd.flush(0, NULL, NULL);
  check_end("a: can no longer be measured: collectd stops");
  fake_collectd.flush(0, NULL, NULL);
  ck_assert_int_eq(fake_collectd.shutdown(), 0);
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
  module_register();
}
END_TEST

static void *flush(void *unused) {
  fake_collectd.flush(0, NULL, NULL);
  return unused;
}

/* As at SIGUSR1, or for a FLUSH at collectd's socket. */
START_TEST(flush__by_another_thread__ends_nothing) {
  start();
  raise_alarm();
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, flush, NULL), 0);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
}
END_TEST

START_TEST(read__first_read__notifies_of_nothing) {
  start();
  read_with(150, 50);
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
}
END_TEST

START_TEST(read__MissRateThreshold_zero__notifies_of_nothing) {
  tree_number(tree_option(&tree, "MissRateThreshold"), 0);
  start();
  read_once();
  read_with(150, 50);
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
}
END_TEST

START_TEST(read__statistics_stay_off__is_one_notice_until_they_are_on) {
  tree_boolean(tree_option(&tree, "EnableStats"), false);
  start();
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_NOTICE);
  ck_assert_ptr_nonnull(
      strstr(fake_collectd.lines[0].text, "kernel.bpf_stats_enabled=1"));
  ck_assert_double_eq(coverage()->gauge, 0);
  read_with(0, 200);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
  ck_assert_uint_eq(fake_collectd.notifications_num, 0);
  ck_assert_ptr_null(find("gauge", "miss_rate"));
  read_with(5, 0); /* somebody has turned them on */
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_ptr_null(coverage());
}
END_TEST

Suite *sampling_suite(void) {
  Suite *suite = suite_create("sampling");
  TCase *windows = tcase_create("windows");
  tcase_add_checked_fixture(windows, setup, plugin_teardown);
  tcase_add_test(windows,
                 read__windows__counters_are_estimated_and_gauges_measured);
  tcase_add_test(windows,
                 read__windows_in_which_nothing_runs__no_ratio_and_no_advance);
  tcase_add_test(windows,
                 read__counted_outside_the_window__is_not_counted_twice);
  tcase_add_test(windows, read__sysctl_is_set__totals_are_the_kernels);
  tcase_add_test(windows, read__window_is_refused__is_one_warning_and_no_value);
  tcase_add_test(windows,
                 read__snapshot_of_a_window_fails__has_no_values_and_recovers);
  tcase_add_test(windows,
                 read__OverheadLimit_exceeded__has_windows_until_it_is_calm);
  tcase_add_test(windows, read__OverheadLimit_zero__is_on_all_the_time);
  tcase_add_test(windows, init__window_too_long__is_one_error_line_and_no_read);
  tcase_add_test(windows, shutdown__window_ahead__does_not_wait_for_it);
  suite_add_tcase(suite, windows);
  TCase *notes = tcase_create("notes");
  tcase_add_checked_fixture(notes, setup, plugin_teardown);
  tcase_add_test(notes,
                 read__miss_rate_above_the_threshold__notifies_of_the_changes);
  tcase_set_timeout(notes, 60);
  tcase_add_test(notes, read__raised_and_statistics_go_off__ends_and_says_so);
  tcase_add_test(notes, read__raised_and_unloaded__ends_and_says_so);
  tcase_add_test(notes, read__raised_and_reads_fail__ends_and_says_so);
  tcase_add_test(notes, read__raised_and_program_unreadable__ends_and_says_so);
  tcase_add_test(notes, read__raised_and_window_refused__is_not_calm_and_ends);
  tcase_add_test(notes, shutdown__raised__ends_when_collectd_begins_to_stop);
  tcase_add_test(notes, flush__by_another_thread__ends_nothing);
  tcase_add_test(notes, read__first_read__notifies_of_nothing);
  tcase_add_test(notes, read__MissRateThreshold_zero__notifies_of_nothing);
  tcase_add_test(notes,
                 read__statistics_stay_off__is_one_notice_until_they_are_on);
  suite_add_tcase(suite, notes);
  return suite;
}
