/* SPDX-License-Identifier: MIT */
/* Unit tests of the glue: the plugin as collectd drives it, over both fakes. */
#include "suites.h"

#include "alarms.h"
#include "clocks.h"
#include "plugin_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_derive(const char *group, const char *type,
                         const char *type_instance, derive_t expected) {
  const value_t *value = fake_collectd_value(group, type, type_instance);
  ck_assert_msg(value != NULL, "no %s %s-%s", group, type, type_instance);
  ck_assert_int_eq(value->derive, expected);
}

START_TEST(read__healthy__dispatches_totals_and_is_silent) {
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  check_derive("a", "invocations", "", 5);
  check_derive("a", "derive", "run_time_ns", 50);
  check_derive("a", "derive", "recursion_misses", 10);
  check_derive("", "invocations", "", 5);
  ck_assert_ptr_null(fake_collectd_value("a", "gauge", "ns_per_call"));
  ck_assert_ptr_null(fake_collectd_value("a", "gauge", "cpu_percent"));
  ck_assert_ptr_null(fake_collectd_value("", "count", "unowned_programs"));
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

START_TEST(read__second__dispatches_gauges_of_the_interval) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  prog->run_cnt += 4;
  prog->run_time_ns += 100;
  prog->recursion_misses += 12;
  read_once();
  ck_assert_double_eq(fake_collectd_value("a", "gauge", "ns_per_call")->gauge,
                      25.0);
  ck_assert_double_eq(fake_collectd_value("a", "gauge", "miss_rate")->gauge,
                      0.75);
  ck_assert_double_eq(fake_collectd_value("a", "count", "programs")->gauge, 1);
  ck_assert_double_eq(fake_collectd_value("", "gauge", "coverage")->gauge, 1);
  ck_assert_double_gt(fake_collectd_value("", "gauge", "cpu_percent")->gauge,
                      0);
}
END_TEST

START_TEST(read__all_values__have_one_time_and_no_identity_twice) {
  fake_libbpf_add(1, 100, "a.b", 5);
  fake_libbpf_add(2, 100, "a_b", 5);
  fake_libbpf_add(3, 100, "c", 5);
  start();
  read_once();
  read_once();
  for (size_t i = 0; i < fake_collectd.dispatched_num; i++) {
    const value_list_t *a = &fake_collectd.dispatched[i].list;
    ck_assert_str_eq(a->plugin, "bpf_stats");
    ck_assert_str_eq(a->host, ""); /* which is this one */
    ck_assert_uint_eq(a->interval, 0);
    ck_assert_ptr_null(a->meta);
    ck_assert_uint_eq(a->time, fake_collectd.dispatched[0].list.time);
    for (size_t j = 0; j < i; j++) {
      const value_list_t *b = &fake_collectd.dispatched[j].list;
      ck_assert(strcmp(a->plugin_instance, b->plugin_instance) != 0 ||
                strcmp(a->type, b->type) != 0 ||
                strcmp(a->type_instance, b->type_instance) != 0);
    }
  }
}
END_TEST

static size_t count_series(const char *group) {
  size_t num = 0;
  for (size_t i = 0; i < fake_collectd.dispatched_num; i++)
    num += strcmp(fake_collectd.dispatched[i].list.plugin_instance, group) == 0;
  return num;
}

START_TEST(read__never_ran__has_programs_alone_until_its_first_run) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "a", 0);
  prog->recursion_misses = 0;
  start();
  for (int i = 0; i < 3; i++) {
    read_once();
    ck_assert_ptr_nonnull(fake_collectd_value("a", "count", "programs"));
    ck_assert_uint_eq(count_series("a"), 1);
  }
  const cdtime_t before = fake_collectd.dispatched[0].list.time;
  prog->run_cnt = 4;
  prog->run_time_ns = 100;
  read_once();
  check_derive("a", "invocations", "", 4);
  ck_assert_uint_eq(count_series("a"), 6 + 3);
  size_t zeros = 0;
  for (size_t i = 0; i < fake_collectd.dispatched_num; i++) {
    const value_list_t *list = &fake_collectd.dispatched[i].list;
    if (list->time != before)
      continue;
    ck_assert_str_eq(list->plugin_instance, "a");
    ck_assert_int_eq(fake_collectd.dispatched[i].value.derive, 0);
    zeros++;
  }
  ck_assert_uint_eq(zeros, 3); /* of invocations, run time and misses */
  read_once();
  ck_assert_uint_eq(count_series("a"), 4); /* nothing ran: no ratio */
}
END_TEST

START_TEST(read__born_in_this_interval__begins_with_a_zero) {
  start();
  read_once();
  read_once();
  const cdtime_t before = fake_collectd.dispatched[0].list.time;
  fake_libbpf_add(2, boottime_ns(), "b", 5);
  read_once();
  size_t zeros = 0;
  for (size_t i = 0; i < fake_collectd.dispatched_num; i++)
    zeros += fake_collectd.dispatched[i].list.time == before;
  ck_assert_uint_eq(zeros, 3);
}
END_TEST

/* The value of a series with that time. */
static derive_t derive_at(const char *group, const char *type_instance,
                          cdtime_t time) {
  for (size_t i = 0; i < fake_collectd.dispatched_num; i++) {
    const value_list_t *list = &fake_collectd.dispatched[i].list;
    if (list->time == time && strcmp(list->plugin_instance, group) == 0 &&
        strcmp(list->type_instance, type_instance) == 0)
      return fake_collectd.dispatched[i].value.derive;
  }
  ck_abort_msg("no %s of %s", type_instance, group);
}

START_TEST(read__loads__begin_with_what_they_were_before) {
  tree_string(tree_option(&tree, "Metrics"), "loads");
  struct fake_prog *old = fake_libbpf_add(1, 100, "old", 0);
  old->recursion_misses = 0;
  start();
  read_once();
  ck_assert_ptr_null(fake_collectd_value("old", "derive", "loads"));
  read_once();
  const cdtime_t before = fake_collectd.dispatched[0].list.time;
  old->run_cnt = 4;
  fake_libbpf_add(2, boottime_ns(), "born", 5);
  read_once();
  ck_assert_int_eq(derive_at("old", "loads", before), 1);
  ck_assert_int_eq(derive_at("born", "loads", before), 0);
  check_derive("old", "derive", "loads", 1); /* the first of both */
  ck_assert_int_eq(
      derive_at(
          "born", "loads",
          fake_collectd.dispatched[fake_collectd.dispatched_num - 1].list.time),
      1);
}
END_TEST

/* collectd takes in values by several threads, and throws away one that is
 * older than what it has. */
START_TEST(read__groups_begin__their_zeros_go_first_and_are_waited_for) {
  for (uint32_t id = 1; id <= 2; id++)
    fake_libbpf_add(id, 100, id == 1 ? "a" : "b", 0)->recursion_misses = 0;
  start();
  read_once();
  read_once();
  const cdtime_t before = fake_collectd.dispatched[0].list.time;
  for (int i = 0; i < 2; i++)
    fake_libbpf.progs[i].run_cnt = 4;
  fake_collectd.cache_lag = 5;
  ck_assert_uint_eq(fake_collectd.cache_asked, 0);
  read_once();
  for (size_t i = 0; i < fake_collectd.dispatched_num; i++)
    ck_assert((fake_collectd.dispatched[i].list.time == before) == (i < 6));
  ck_assert_uint_eq(fake_collectd.cache_asked, 5 + 6);
  read_once();
  ck_assert_uint_eq(fake_collectd.cache_asked, 5 + 6);
}
END_TEST

/* As where a filter of collectd drops them. */
START_TEST(read__zeros_are_never_taken_in__waits_for_a_moment_alone) {
  fake_libbpf_add(1, 100, "a", 0)->recursion_misses = 0;
  start();
  read_once();
  fake_libbpf.progs[0].run_cnt = 4;
  fake_collectd.cache_lag = UINT_MAX;
  const uint64_t begin_ns = monotonic_ns();
  read_once();
  ck_assert_uint_ge(monotonic_ns() - begin_ns, 500000000);
  check_derive("a", "invocations", "", 4);
}
END_TEST

/* What it counted before the plugin began is of an unknown time. */
START_TEST(read__ran_before_the_start__begins_without_a_zero) {
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  ck_assert_uint_eq(count_series("a"), 4);
}
END_TEST

START_TEST(read__idle_groups_wanted__has_all_their_series) {
  fake_libbpf_add(1, 100, "a", 0)->recursion_misses = 0;
  tree_boolean(tree_option(&tree, "IdleGroups"), true);
  start();
  read_once();
  check_derive("a", "invocations", "", 0);
  ck_assert_uint_eq(count_series("a"), 4);
}
END_TEST

START_TEST(read__metrics_named__dispatches_these_alone_per_group) {
  oconfig_item_t *metrics = tree_option(&tree, "Metrics");
  tree_string(metrics, "run_time_ns");
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  ck_assert_ptr_null(fake_collectd_value("a", "invocations", ""));
  check_derive("a", "derive", "run_time_ns", 50);
  check_derive("", "invocations", "", 5);
}
END_TEST

START_TEST(read__not_selected__is_in_the_host_alone) {
  tree_string(tree_option(&tree, "Program"), "b");
  fake_libbpf_add(1, 100, "a", 5);
  fake_libbpf_add(2, 100, "b", 6);
  start();
  read_once();
  ck_assert_ptr_null(fake_collectd_value("a", "invocations", ""));
  check_derive("b", "invocations", "", 6);
  check_derive("", "invocations", "", 11);
}
END_TEST

/* The fake kernel shows nobody's owner. */
START_TEST(read__owners_asked_for__tells_how_many_have_none) {
  fake_libbpf_add(1, 100, "a", 5);
  tree_string(tree_option(&tree, "Owner"), "/./");
  start();
  read_once();
  ck_assert_double_eq(
      fake_collectd_value("", "count", "unowned_programs")->gauge, 1);
  check_derive("a", "invocations", "", 5);
}
END_TEST

START_TEST(read__log_stats__logs_a_line_for_each_group) {
  tree_boolean(tree_option(&tree, "LogStats"), 1);
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 2);
  ck_assert_int_eq(fake_collectd.lines[1].severity, LOG_INFO);
  ck_assert_str_eq(fake_collectd.lines[1].text,
                   "bpf_stats: a: 5 invocations, 50 ns, 10 recursion misses, "
                   "10.000 ns/call, miss rate 0.666667");
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: all programs: 5 invocations, 50 ns, 10 "
                   "recursion misses, 10.000 ns/call, miss rate 0.666667");
}
END_TEST

START_TEST(read__filters_that_select_nothing__are_told_once_after_ten_reads) {
  oconfig_item_t *program = tree_option(&tree, "Program");
  tree_string(program, "/^p_d+$/");
  tree_string(program, "a");
  tree_string(program, "late");
  tree_string(tree_option(&tree, "ProgramType"), "raw_tracepoint");
  tree_string(tree_option(&tree, "ProgramType"), "kprobe");
  fake_libbpf_add(1, 100, "a", 5);
  start();
  for (int i = 1; i <= 9; i++) {
    read_once();
    ck_assert_uint_eq(fake_collectd.lines_num, 0);
  }
  fake_libbpf_add(2, 1ULL << 62, "late", 5);
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 2);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_INFO);
  ck_assert_str_eq(
      fake_collectd.lines[0].text,
      "bpf_stats: option Program, value \"/^p_d+$/\": has selected "
      "no program in 10 reads; write two backslashes for one, as collectd "
      "takes one away");
  ck_assert_str_eq(fake_collectd.lines[1].text,
                   "bpf_stats: option ProgramType, value \"kprobe\": has "
                   "selected no program in 10 reads");
  for (int i = 0; i < 20; i++) {
    read_once();
    ck_assert_uint_eq(fake_collectd.lines_num, 0);
  }
}
END_TEST

START_TEST(read__kernel_without_misses__has_no_series_of_them) {
  fake_libbpf.info_len = 208; /* as Linux 5.10 has */
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  read_once();
  check_derive("a", "invocations", "", 5);
  ck_assert_ptr_null(fake_collectd_value("a", "derive", "recursion_misses"));
  ck_assert_ptr_null(fake_collectd_value("", "derive", "recursion_misses"));
}
END_TEST

START_TEST(read__huge_counters__saturate_and_stay_finite) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "a", 0);
  start();
  read_once();
  prog->run_cnt = prog->run_time_ns = prog->recursion_misses = UINT64_MAX;
  read_once();
  check_derive("a", "invocations", "", INT64_MAX);
  for (size_t i = 0; i < fake_collectd.dispatched_num; i++)
    if (strcmp(fake_collectd.dispatched[i].list.type, "gauge") == 0)
      ck_assert(isfinite(fake_collectd.dispatched[i].value.gauge));
}
END_TEST

START_TEST(read__some_unreadable__logs_the_change_and_dispatches_the_rest) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "a", 5);
  fake_libbpf_add(2, 100, "b", 6);
  start();
  read_once();
  prog->fd_error = -EMFILE;
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: 1 of 2 BPF programs could not be read: too many "
                   "files are open; raise LimitNOFILE of the unit. The others "
                   "are dispatched.");
  check_derive("b", "invocations", "", 6);
  check_derive("", "derive", "read_errors", 1);
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
  check_derive("", "derive", "read_errors", 2);
  prog->fd_error = 0;
  prog->run_cnt = 9;
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_NOTICE);
  check_derive("a", "invocations", "", 9);
}
END_TEST

START_TEST(read__nothing_obtained__is_logged_once_and_recovers) {
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  fake_libbpf.next_id_error = -ENOMEM;
  for (int i = 0; i < 3; i++) {
    read_in_vain();
    ck_assert_uint_eq(fake_collectd.lines_num, i == 0 ? 1 : 0);
  }
  fake_libbpf.next_id_error = 0;
  fake_libbpf.progs[0].run_cnt = 8;
  read_once();
  check_derive("a", "invocations", "", 8);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: reading BPF programs works now");
}
END_TEST

START_TEST(read__enable_stats_refused__warns_once_and_works_on) {
  fake_libbpf.enable_stats_error = -EPERM;
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_WARNING);
  ck_assert_ptr_nonnull(
      strstr(fake_collectd.lines[0].text, "kernel.bpf_stats_enabled=1"));
  check_derive("a", "invocations", "", 5);
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

START_TEST(init__without_privilege__is_one_line_and_no_read) {
  fake_libbpf.next_id_error = -EPERM;
  start_in_vain();
  ck_assert_ptr_nonnull(strstr(fake_collectd.lines[0].text, "CAP_SYS_ADMIN"));
}
END_TEST

START_TEST(init__auto_without_privilege__is_one_line_as_well) {
  tree_string(tree_option(&tree, "Source"), "auto");
  fake_libbpf.next_id_error = -EPERM;
  start_in_vain();
  ck_assert_ptr_nonnull(strstr(fake_collectd.lines[0].text, "CAP_SYS_ADMIN"));
}
END_TEST

START_TEST(init__auto_without_iterator__is_one_info_line_and_reads) {
  tree_string(tree_option(&tree, "Source"), "auto");
  fake_libbpf_add(1, 100, "a", 5);
  start();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_INFO);
  const char begin[] = "bpf_stats: reading by system calls: ";
  ck_assert_int_eq(strncmp(fake_collectd.lines[0].text, begin, strlen(begin)),
                   0);
  read_once();
  check_derive("a", "invocations", "", 5);
}
END_TEST

START_TEST(init__pin_is_no_iterator__is_one_error_line_and_no_read) {
  tree_string(tree_option(&tree, "IteratorPin"), "/etc/passwd");
  tree_string(tree_option(&tree, "Source"), "auto");
  start_in_vain();
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: IteratorPin /etc/passwd: it is no file on a "
                   "bpffs, so it cannot be a pinned iterator. The plugin is "
                   "not started.");
}
END_TEST

static void add_iterator_pin(void) {
  tree_string(tree_option(&tree, "IteratorPin"), "/no_such_dir/iterator");
  tree_string(tree_option(&tree, "Source"), "auto");
}

START_TEST(init__pin_is_not_there_yet__is_one_line_and_it_is_read_later) {
  add_iterator_pin();
  fake_libbpf_add(1, 100, "a", 5);
  start();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_ERR);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: reading BPF programs failed: IteratorPin "
                   "/no_such_dir/iterator: there is no such file; pin the "
                   "iterator with bpf_stats_pin. It is tried again at each "
                   "read.");
  for (int i = 0; i < 3; i++) {
    read_in_vain();
    ck_assert_uint_eq(fake_collectd.lines_num, 0);
  }
  fake_libbpf.has_iterator = true;
  read_once();
  check_derive("a", "invocations", "", 5);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: reading BPF programs works now");
}
END_TEST

/* What may pass at start, as it does at any read. */
static const int passing[] = {-EMFILE, -ENFILE, -ENOMEM, -EAGAIN, -EINTR};

START_TEST(init__for_now_without_means__is_one_line_and_it_is_read_later) {
  fake_libbpf_add(1, 100, "a", 5);
  fake_libbpf.next_id_error = passing[_i];
  start();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  read_in_vain();
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
  fake_libbpf.next_id_error = 0;
  read_once();
  check_derive("a", "invocations", "", 5);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
}
END_TEST

START_TEST(init__for_now_without_means_and_windows__has_windows_later) {
  fake_collectd.interval = DOUBLE_TO_CDTIME_T_STATIC(0.1);
  tree_number(tree_option(&tree, "SampleWindow"), 0.02);
  fake_libbpf_add(1, 100, "a", 5);
  fake_libbpf.next_id_error = -EMFILE;
  start();
  read_in_vain();
  fake_libbpf.next_id_error = 0;
  read_once();
  /* On a busy machine a window may not have its turn in each interval. */
  double coverage = 0;
  for (int i = 0; i < 100 && coverage <= 0; i++) {
    usleep(100000);
    read_once();
    coverage = fake_collectd_value("", "gauge", "coverage")->gauge;
  }
  ck_assert_double_gt(coverage, 0);
}
END_TEST

START_TEST(init__kernel_without_bpf__says_so) {
  fake_libbpf.next_id_error = -ENOSYS;
  start_in_vain();
  ck_assert_ptr_nonnull(
      strstr(fake_collectd.lines[0].text, "CONFIG_BPF_SYSCALL"));
}
END_TEST

START_TEST(init__wrong_settings__adds_no_line_and_no_read) {
  tree_number(tree_option(&tree, "MaxInstances"), -1);
  start_in_vain();
}
END_TEST

START_TEST(shutdown__without_init__does_nothing) {
  /* plugin_teardown() shuts down. */
  ck_assert_ptr_null(fake_collectd.read);
}
END_TEST

static char pins[] = "/tmp/bpf_stats_pins_XXXXXX";
static char ring_path[64];

static void pin_watch(void) {
  close(open(ring_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  fake_libbpf.has_pins = true;
}

/* With a watch that is pinned, and a source that needs no pin. */
static void setup_watch(void) {
  memcpy(pins + strlen(pins) - 6, "XXXXXX", 6);
  ck_assert_ptr_nonnull(mkdtemp(pins));
  snprintf(ring_path, sizeof(ring_path), "%s/unload_ring", pins);
  plugin_setup();
  static char iterator[64];
  snprintf(iterator, sizeof(iterator), "%s/iterator", pins);
  tree_string(tree_option(&tree, "IteratorPin"), iterator);
  tree_boolean(tree_option(&tree, "WatchUnload"), true);
  pin_watch();
}

static void teardown_watch(void) {
  plugin_teardown();
  unlink(ring_path);
  ck_assert_int_eq(rmdir(pins), 0);
}

START_TEST(read__watched__shows_what_came_and_went) {
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  check_derive("", "derive", "unwatched_unloads", 0);
  fake_libbpf_unload(2, boottime_ns(), "brief", 777);
  fake_libbpf.counters.loads++;
  read_once();
  check_derive("_brief", "invocations", "", 777);
  check_derive("_brief", "derive", "run_time_ns", 7770);
  ck_assert_double_eq(fake_collectd_value("_brief", "count", "programs")->gauge,
                      0);
  check_derive("", "invocations", "", 782);
  check_derive("", "derive", "programs_loaded", 1);
  check_derive("", "derive", "programs_unloaded", 1);
  check_derive("", "derive", "unwatched_unloads", 0);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
  read_once(); /* it stays, so that its rate is known */
  check_derive("_brief", "invocations", "", 777);
}
END_TEST

/* As collectd without any capability has it, where statistics are on. */
START_TEST(read__nothing_may_be_loaded__the_pinned_iterator_sees_statistics) {
  fake_libbpf.has_iterator = true;
  fake_libbpf.sysctl_on = true;
  fake_libbpf.enable_stats_error = -EPERM;
  fake_libbpf.load_error = -EPERM;
  tree_string(tree_option(&tree, "Source"), "iterator");
  fake_libbpf_add(1, 100, "a", 5);
  fake_libbpf_add(2, 100, "bpf_stats_iter", 0);
  fake_libbpf.iterator_id = 2;
  start();
  for (int i = 0; i < 3; i++)
    read_once();
  const value_t *coverage = fake_collectd_value("", "gauge", "coverage");
  ck_assert_ptr_nonnull(coverage);
  ck_assert_double_eq(coverage->gauge, 1);
}
END_TEST

START_TEST(read__fails__what_was_unloaded_meanwhile_comes_later) {
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  fake_libbpf_unload(2, boottime_ns(), "brief", 777);
  fake_libbpf.next_id_error = -EPERM;
  read_in_vain();
  fake_libbpf.next_id_error = 0;
  read_once();
  check_derive("_brief", "invocations", "", 777);
}
END_TEST

START_TEST(read__pin_gone_and_back__logs_the_changes_and_goes_on) {
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  unlink(ring_path);
  fake_libbpf.has_pins = false;
  for (int i = 0; i < 3; i++) {
    read_once();
    if (i == 0)
      ck_assert_ptr_nonnull(
          strstr(fake_collectd.lines[0].text,
                 "unloads are not watched any more: /tmp/bpf_stats_pins_"));
    check_derive("a", "invocations", "", 5);
    ck_assert_uint_eq(fake_collectd.lines_num, i == 0 ? 1 : 0);
  }
  read_once();
  pin_watch();
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_NOTICE);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: unloads are watched now");
  fake_libbpf_unload(2, boottime_ns(), "brief", 7);
  read_once();
  check_derive("_brief", "invocations", "", 7);
}
END_TEST

START_TEST(read__pinned_anew__takes_in_what_the_old_watch_still_holds) {
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  fake_libbpf_unload(2, boottime_ns(), "brief", 7);
  char other[64];
  snprintf(other, sizeof(other), "%s/other", pins);
  ck_assert_int_eq(rename(ring_path, other), 0);
  pin_watch();
  unlink(other);
  fake_libbpf_pin_anew();
  fake_libbpf_unload(3, boottime_ns(), "brief", 70);
  read_once();
  check_derive("_brief", "invocations", "", 77);
  check_derive("", "derive", "programs_unloaded", 2);
  check_derive("", "derive", "unwatched_unloads", 0);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

START_TEST(read__unpinned__takes_in_the_rest_once) {
  fake_libbpf_add(1, 100, "a", 5);
  start();
  read_once();
  fake_libbpf_unload(2, boottime_ns(), "brief", 7);
  unlink(ring_path);
  fake_libbpf.has_pins = false;
  fake_libbpf.next_id_error = -EPERM;
  read_in_vain();
  fake_libbpf.next_id_error = 0;
  read_once();
  check_derive("_brief", "invocations", "", 7);
  check_derive("", "derive", "programs_unloaded", 1);
  read_once();
  check_derive("_brief", "invocations", "", 7);
  check_derive("", "derive", "programs_unloaded", 1);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

START_TEST(read__somebody_else_takes_records__is_one_warning_and_counted) {
  fake_libbpf_add(1, 100, "a", 5);
  start();
  for (int i = 0; i < 4; i++) {
    read_once();
    fake_libbpf_unload(2, boottime_ns(), "brief", 7);
    fake_libbpf.ring_num = 0;
    ck_assert_uint_eq(fake_collectd.lines_num, i == 2 ? 1 : 0);
  }
  read_once();
  check_derive("", "derive", "unwatched_unloads", 3);
}
END_TEST

static void check_gauge(const char *instance, const char *type,
                        const char *type_instance, double expected) {
  const value_t *value = fake_collectd_value(instance, type, type_instance);
  ck_assert_msg(value != NULL, "no %s-%s", type, type_instance);
  ck_assert_double_eq(value->gauge, expected);
}

/* Reads pinned iterators. */
static void start_with_maps(double memory_every) {
  fake_libbpf_add(1, 100, "a", 5);
  fake_libbpf_add(2, 100, "b", 5);
  fake_libbpf.has_iterator = true;
  for (uint32_t i = 0; i < 3; i++)
    fake_libbpf.maps[i] = (struct fake_map){.id = i + 1,
                                            .name = "map",
                                            .flags = MAP_RECORD_MEASURED,
                                            .bytes = 1000};
  fake_libbpf.maps_num = 3;
  fake_libbpf.maps[2].flags |= MAP_RECORD_UNUSED;
  fake_libbpf.uses[0] = (struct fake_use){1, 1};
  fake_libbpf.uses[1] = (struct fake_use){1, 2};
  fake_libbpf.uses[2] = (struct fake_use){2, 2};
  fake_libbpf.uses_num = 3;
  tree_string(tree_option(&tree, "Source"), "iterator");
  tree_string(tree_option(&tree, "IteratorPin"), "/pins/iterator");
  if (memory_every > 0)
    tree_string(tree_option(&tree, "Metrics"), "memory");
  tree_number(tree_option(&tree, "MemoryEvery"), memory_every);
  start();
}

START_TEST(read__maps__host_has_all_and_groups_their_share) {
  const double page_size = (double)getpagesize();
  start_with_maps(1);
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
  check_gauge("", "memory", "programs", 2 * page_size);
  check_gauge("", "memory", "maps", 3000);
  check_gauge("", "memory", "unused_maps", 1000);
  check_gauge("", "count", "maps", 3);
  check_gauge("", "count", "unused_maps", 1);
  check_gauge("", "count", "unmeasured_maps", 0);
  check_gauge("a", "memory", "", page_size + 1500);
  check_gauge("b", "memory", "", page_size + 500);
}
END_TEST

START_TEST(read__maps_every_third_read__say_in_between_what_was_found) {
  start_with_maps(3);
  for (int i = 0; i < 7; i++) {
    fake_libbpf.maps[0].bytes = 1000 + (uint64_t)i;
    read_once();
    check_gauge("", "memory", "maps", 3000 + i / 3 * 3);
  }
}
END_TEST

static void set_fill(size_t i, const char *name, uint64_t used) {
  fake_libbpf.maps[i].name = name;
  fake_libbpf.maps[i].flags |= MAP_RECORD_FILL;
  fake_libbpf.maps[i].used = used;
  fake_libbpf.maps[i].capacity = 1000;
}

START_TEST(read__fullest_maps__have_series_of_their_own) {
  tree_number(tree_option(&tree, "MapFillTop"), 2);
  start_with_maps(2);
  set_fill(0, "low", 1);
  set_fill(1, "high", 900);
  set_fill(2, "middle", 500);
  for (int i = 0; i < 2; i++) { /* also where they are not read anew */
    read_once();
    check_gauge("", "gauge", "map_fill_max", 0.9);
    check_gauge("", "gauge", "map_fill-high", 0.9);
    check_gauge("", "gauge", "map_fill-middle", 0.5);
    ck_assert_ptr_null(fake_collectd_value("", "gauge", "map_fill-low"));
  }
}
END_TEST

static void check_notification(int severity, const char *message) {
  ck_assert_uint_eq(fake_collectd.notifications_num, 1);
  const notification_t *told = &fake_collectd.notifications[0];
  ck_assert_int_eq(told->severity, severity);
  ck_assert_str_eq(told->plugin_instance, "");
  ck_assert_str_eq(told->type, "gauge");
  ck_assert_str_eq(told->type_instance, "map_fill-tight");
  ck_assert_str_eq(told->message, message);
}

static void check_silence(int reads) {
  for (int i = 0; i < reads; i++) {
    read_once();
    ck_assert_uint_eq(fake_collectd.notifications_num, 0);
  }
}

START_TEST(read__map_too_full__is_one_warning_and_one_okay) {
  start_with_maps(1);
  set_fill(0, "tight", 950); /* not above */
  check_silence(1);
  set_fill(0, "tight", 973);
  read_once();
  check_notification(NOTIF_WARNING,
                     "map tight: 97.3 % full, 973 of 1000 entries");
  check_silence(3);
  set_fill(0, "tight", 100);
  check_silence(1);
  read_once();
  check_notification(NOTIF_OKAY, "map tight: 10.0 % full, 100 of 1000 entries");
  check_silence(3);
}
END_TEST

/* Each warning has its okay, whatever becomes of the map. */
START_TEST(read__full_map_is_no_more__is_one_okay) {
  start_with_maps(1);
  set_fill(0, "tight", 1000);
  read_once();
  ck_assert_uint_eq(fake_collectd.notifications_num, 1);
  const char *message = "map tight: there is none any more";
  if (_i == 0) {
    fake_libbpf.maps_num = 0;
  } else if (_i == 1) { /* an iterator that is none */
    fake_libbpf.uses[0].prog_id = 9;
    message = "map tight: maps cannot be read any more";
  } else { /* no program can be read */
    fake_libbpf.has_iterator = false;
    message = "map tight: maps cannot be read any more";
  }
  check_silence(1);
  if (_i == 2)
    read_in_vain();
  else
    read_once();
  check_notification(NOTIF_OKAY, message);
  check_silence(2);
}
END_TEST

START_TEST(flush__collectd_stops__full_maps_are_okay) {
  start_with_maps(1);
  set_fill(0, "tight", 1000);
  read_once();
  fake_collectd_clear();
  ck_assert_int_eq(fake_collectd.flush(0, NULL, NULL), 0);
  check_notification(NOTIF_OKAY, "map tight: can no longer be measured: "
                                 "collectd stops");
}
END_TEST

START_TEST(read__more_full_maps_than_alarms__is_said_once) {
  static char names[ALARMS_MAX + 1][MAP_RECORD_NAME_SIZE];
  start_with_maps(1);
  for (size_t i = 0; i <= ALARMS_MAX; i++) {
    snprintf(names[i], sizeof(names[i]), "full_%zu", i);
    fake_libbpf.maps[i] = (struct fake_map){.id = (uint32_t)i + 1};
    set_fill(i, names[i], 1000);
  }
  fake_libbpf.maps_num = ALARMS_MAX + 1;
  read_once();
  ck_assert_uint_eq(fake_collectd.notifications_num, ALARMS_MAX);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_WARNING);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: 1000 names of maps are above MapFillThreshold; "
                   "there is no notification about further ones");
  check_silence(2);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

START_TEST(read__no_threshold__nothing_is_notified) {
  tree_number(tree_option(&tree, "MapFillThreshold"), 0);
  start_with_maps(1);
  set_fill(0, "tight", 1000);
  check_silence(3);
}
END_TEST

START_TEST(read__maps_never__has_no_series_of_them) {
  start_with_maps(0);
  read_once();
  ck_assert_ptr_null(fake_collectd_value("", "memory", "maps"));
  ck_assert_ptr_null(fake_collectd_value("", "count", "maps"));
  check_gauge("", "memory", "programs", 2 * (double)getpagesize());
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

START_TEST(read__maps_cannot_be_read__is_one_line_and_no_series) {
  fake_libbpf_add(1, 100, "a", 5);
  fake_libbpf.map_next_id_error = -EPERM;
  tree_number(tree_option(&tree, "MemoryEvery"), 1);
  start();
  for (int i = 0; i < 3; i++) {
    read_once();
    ck_assert_ptr_null(fake_collectd_value("", "memory", "maps"));
    ck_assert_uint_eq(fake_collectd.lines_num, i == 0 ? 1 : 0);
  }
  fake_libbpf.map_next_id_error = 0;
  read_once();
  check_gauge("", "count", "maps", 0);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: maps can be read now");
}
END_TEST

/* One reason, one line. */
START_TEST(read__all_pins_gone_for_a_while__maps_are_there_again_at_once) {
  start_with_maps(6);
  read_once();
  for (int i = 0; i < 7; i++) {
    fake_libbpf.has_iterator = false;
    read_in_vain();
    ck_assert_uint_eq(fake_collectd.lines_num, i == 0 ? 1 : 0);
  }
  fake_libbpf.has_iterator = true;
  read_once();
  check_gauge("", "memory", "maps", 3000);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: reading BPF programs works now");
}
END_TEST

START_TEST(init__no_pinned_watch__is_one_info_line_and_polls) {
  fake_libbpf.has_pins = false;
  fake_libbpf_add(1, 100, "a", 5);
  fake_libbpf_add(2, 100, "b", 5);
  start();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_INFO);
  ck_assert_ptr_nonnull(
      strstr(fake_collectd.lines[0].text, "unloads are not watched: "));
  read_once();
  fake_libbpf.progs_num = 1;
  read_once();
  check_derive("", "derive", "unwatched_unloads", 1);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
  pin_watch();
  read_once();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: unloads are watched now");
}
END_TEST

START_TEST(init__watch_does_not_load__is_one_info_line_and_polls) {
  tree_init(&tree);
  tree_string(tree_option(&tree, "Source"), "syscall");
  fake_libbpf_add(1, 100, "a", 5);
  start();
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_INFO);
  read_once();
  check_derive("a", "invocations", "", 5);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

Suite *bpf_stats_suite(void) {
  Suite *suite = suite_create("bpf_stats");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, plugin_setup, plugin_teardown);
  tcase_add_test(core, read__healthy__dispatches_totals_and_is_silent);
  tcase_add_test(core, read__second__dispatches_gauges_of_the_interval);
  tcase_add_test(core, read__all_values__have_one_time_and_no_identity_twice);
  tcase_add_test(core, read__metrics_named__dispatches_these_alone_per_group);
  tcase_add_test(core, read__never_ran__has_programs_alone_until_its_first_run);
  tcase_add_test(core, read__born_in_this_interval__begins_with_a_zero);
  tcase_add_test(core, read__loads__begin_with_what_they_were_before);
  tcase_add_test(core,
                 read__groups_begin__their_zeros_go_first_and_are_waited_for);
  tcase_add_test(core,
                 read__zeros_are_never_taken_in__waits_for_a_moment_alone);
  tcase_add_test(core, read__ran_before_the_start__begins_without_a_zero);
  tcase_add_test(core, read__idle_groups_wanted__has_all_their_series);
  tcase_add_test(core, read__not_selected__is_in_the_host_alone);
  tcase_add_test(core, read__owners_asked_for__tells_how_many_have_none);
  tcase_add_test(core, read__log_stats__logs_a_line_for_each_group);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, plugin_setup, plugin_teardown);
  tcase_add_test(
      limits, read__filters_that_select_nothing__are_told_once_after_ten_reads);
  tcase_add_test(limits, read__kernel_without_misses__has_no_series_of_them);
  tcase_add_test(limits, read__huge_counters__saturate_and_stay_finite);
  tcase_add_test(
      limits, read__some_unreadable__logs_the_change_and_dispatches_the_rest);
  tcase_add_test(limits, read__nothing_obtained__is_logged_once_and_recovers);
  tcase_add_test(limits, read__enable_stats_refused__warns_once_and_works_on);
  tcase_add_test(limits, init__without_privilege__is_one_line_and_no_read);
  tcase_add_test(limits, init__auto_without_privilege__is_one_line_as_well);
  tcase_add_test(limits,
                 init__auto_without_iterator__is_one_info_line_and_reads);
  tcase_add_test(limits,
                 init__pin_is_no_iterator__is_one_error_line_and_no_read);
  tcase_add_test(limits,
                 init__pin_is_not_there_yet__is_one_line_and_it_is_read_later);
  tcase_add_loop_test(
      limits, init__for_now_without_means__is_one_line_and_it_is_read_later, 0,
      sizeof(passing) / sizeof(passing[0]));
  tcase_add_test(limits,
                 init__for_now_without_means_and_windows__has_windows_later);
  tcase_add_test(limits, init__kernel_without_bpf__says_so);
  tcase_add_test(limits, init__wrong_settings__adds_no_line_and_no_read);
  tcase_add_test(limits, shutdown__without_init__does_nothing);
  suite_add_tcase(suite, limits);
  TCase *maps = tcase_create("maps");
  tcase_add_checked_fixture(maps, plugin_setup, plugin_teardown);
  tcase_add_test(maps, read__maps__host_has_all_and_groups_their_share);
  tcase_add_test(maps,
                 read__maps_every_third_read__say_in_between_what_was_found);
  tcase_add_test(maps, read__maps_never__has_no_series_of_them);
  tcase_add_test(maps, read__fullest_maps__have_series_of_their_own);
  tcase_add_test(maps, read__map_too_full__is_one_warning_and_one_okay);
  tcase_add_loop_test(maps, read__full_map_is_no_more__is_one_okay, 0, 3);
  tcase_add_test(maps, flush__collectd_stops__full_maps_are_okay);
  tcase_add_test(maps, read__more_full_maps_than_alarms__is_said_once);
  tcase_add_test(maps, read__no_threshold__nothing_is_notified);
  tcase_add_test(maps, read__maps_cannot_be_read__is_one_line_and_no_series);
  tcase_add_test(maps,
                 read__all_pins_gone_for_a_while__maps_are_there_again_at_once);
  suite_add_tcase(suite, maps);
  TCase *watch = tcase_create("watch");
  tcase_add_checked_fixture(watch, setup_watch, teardown_watch);
  tcase_add_test(watch, read__watched__shows_what_came_and_went);
  tcase_add_test(
      watch, read__nothing_may_be_loaded__the_pinned_iterator_sees_statistics);
  tcase_add_test(watch, read__fails__what_was_unloaded_meanwhile_comes_later);
  tcase_add_test(watch, read__pin_gone_and_back__logs_the_changes_and_goes_on);
  tcase_add_test(watch,
                 read__pinned_anew__takes_in_what_the_old_watch_still_holds);
  tcase_add_test(watch, read__unpinned__takes_in_the_rest_once);
  tcase_add_test(watch,
                 read__somebody_else_takes_records__is_one_warning_and_counted);
  tcase_add_test(watch, init__no_pinned_watch__is_one_info_line_and_polls);
  tcase_add_test(watch, init__watch_does_not_load__is_one_info_line_and_polls);
  suite_add_tcase(suite, watch);
  return suite;
}
