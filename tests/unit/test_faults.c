/* SPDX-License-Identifier: MIT */
/* Each allocation, and each call into libbpf and the kernel, fails in turn,
 * with each errno, while the plugin starts and reads over both fakes: nothing
 * crashes, no descriptor is left, nothing is logged twice, no total falls, and
 * once the failure is over all totals are right. What leaks is seen by
 * AddressSanitizer and valgrind. */
#include "../open_fds.h"
#include "suites.h"

#include "config_tree.h"
#include "fake_collectd.h"
#include "fake_libbpf.h"
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void module_register(void);

static const char long_name[] = "a_name_of_more_than_15_characters";

static struct config_tree tree;
static char pins[] = "/tmp/bpf_stats_pins_XXXXXX";

/* The last values of the host and of "a". */
static derive_t last_host, last_a;
static bool fell;
static uint64_t host_runs;              /* as they really were, ... */
static const uint64_t brief_runs = 777; /* ... with these, if it is watched */

/* How programs are read. */
enum mode { MODE_SYSCALLS, MODE_PINNED, MODE_WINDOWS, MODE_LIMIT, MODES_NUM };

static void configure(enum mode mode) {
  static char iterator[64];
  snprintf(iterator, sizeof(iterator), "%s/iterator", pins);
  tree_init(&tree);
  tree_string(tree_option(&tree, "Source"),
              mode == MODE_PINNED ? "iterator" : "syscall");
  tree_string(tree_option(&tree, "IteratorPin"), iterator);
  oconfig_item_t *program = tree_option(&tree, "Program");
  tree_string(program, "/./");
  tree_string(program, "exact");
  tree_string(tree_option(&tree, "ProgramType"), "raw_tracepoint");
  tree_string(tree_option(&tree, "Metrics"), "memory");
  tree_string(tree_option(&tree, "Metrics"), "invocations");
  tree_number(tree_option(&tree, "OverheadLimit"),
              mode == MODE_LIMIT ? 1e-6 : 0);
  if (mode == MODE_WINDOWS)
    tree_number(tree_option(&tree, "SampleWindow"), 0.001);
}

static void make_kernel(enum mode mode) {
  fake_libbpf_reset();
  fake_libbpf.has_iterator = mode == MODE_PINNED;
  fake_libbpf.has_pins = true;
  fake_libbpf_add(1, 100, "a", 5);
  struct fake_prog *prog = fake_libbpf_add(2, 100, long_name, 7);
  prog->full_name = long_name;
  prog->btf_id = 9;
  fake_libbpf.kernel_types = "7 BPF_PROG_TYPE_PERF_EVENT";
  host_runs = 12;
}

/* Some seconds in the life of the host. */
static void live_on(int step) {
  for (size_t i = 0; i < fake_libbpf.progs_num; i++)
    fake_libbpf.progs[i].run_cnt += 10;
  host_runs += 10 * fake_libbpf.progs_num;
  if (step == 1) {
    /* Of a type that the fake libbpf does not know. */
    fake_libbpf_add(3, 1ULL << 62, "late", 3)->type = 7;
    host_runs += 3;
  }
  if (step == 2) {
    fake_libbpf_unload(4, 1ULL << 62, "brief", brief_runs);
    fake_libbpf.counters.loads++;
    host_runs += brief_runs;
  }
}

/* Not ck_assert: while an allocation fails it would be one of check's own. */
static derive_t not_falling(const char *group, derive_t last) {
  const value_t *value = fake_collectd_value(group, "invocations", "");
  if (value == NULL)
    return last;
  fell |= value->derive < last;
  return value->derive;
}

static void read_once(void) {
  fake_collectd.dispatched_num = 0;
  if (fake_collectd.read == NULL || fake_collectd.read() != 0)
    return;
  last_host = not_falling("", last_host);
  last_a = not_falling("a", last_a);
}

static void expect_no_line_twice(void) {
  for (size_t i = 0; i < fake_collectd.lines_num; i++)
    for (size_t j = 0; j < i; j++)
      ck_assert_msg(
          strcmp(fake_collectd.lines[i].text, fake_collectd.lines[j].text) != 0,
          "logged twice: %s", fake_collectd.lines[i].text);
}

/* Whether the watch had no memory for a record, which it counts. */
static bool has_lost(void) {
  const value_t *value = fake_collectd_value("", "derive", "unwatched_unloads");
  return value != NULL && value->derive == 1;
}

/* Reads until a window has told something. */
static void read_window(void) {
  for (int i = 0;
       i < 40000 && fake_collectd_value("a", "invocations", "") == NULL; i++) {
    usleep(250);
    read_once();
  }
}

static bool was_watched(void) {
  for (size_t i = 0; i < fake_collectd.lines_num; i++)
    if (strstr(fake_collectd.lines[i].text, "not watched") != NULL)
      return false;
  return true;
}

/* It has not started for want of something, which one line says, or it is as if
 * nothing had happened. */
static void expect_recovery(enum mode mode) {
  live_on(0);
  read_once();
  read_once();
  expect_no_line_twice();
  ck_assert(!fell);
  if (fake_collectd.read == NULL) {
    ck_assert_uint_eq(fake_collectd_count(LOG_ERR), 1);
    return;
  }
  if (mode >= MODE_WINDOWS)
    read_window();
  ck_assert_ptr_nonnull(fake_collectd_value("a", "invocations", ""));
  if (mode >= MODE_WINDOWS) /* estimates are not exact */
    return;
  ck_assert_int_eq(last_a, (derive_t)fake_libbpf.progs[0].run_cnt);
  if (was_watched() && !has_lost())
    ck_assert_int_eq(last_host, (derive_t)host_runs);
  else
    ck_assert_int_ge(last_host, (derive_t)(host_runs - brief_runs));
}

/* Returns whether there was such a call. */
static bool fail_one(enum fault_kind kind, unsigned at, int error,
                     enum mode mode) {
  const int fds = count_open_fds();
  fake_collectd_reset();
  fake_collectd.interval = DOUBLE_TO_CDTIME_T_STATIC(0.0025);
  make_kernel(mode);
  last_host = last_a = 0;
  fell = false;
  faults_arm(kind, at, error);
  module_register();
  if (fake_collectd.config != NULL) {
    configure(mode);
    fake_collectd.config(&tree.block);
    fake_collectd.init();
    for (int step = 0; step < 3; step++) {
      live_on(step);
      read_once();
      if (mode >= MODE_WINDOWS) /* mostly enough for one to come and go */
        usleep(3000);
    }
  }
  const bool hit = faults_hit();
  faults_arm(FAULT_NONE, 0, 0);
  if (fake_collectd.config != NULL) {
    expect_recovery(mode);
    ck_assert_int_eq(fake_collectd.shutdown(), 0);
  }
  ck_assert_int_eq(count_open_fds(), fds);
  ck_assert_int_eq(fake_libbpf.btfs_held, 0);
  return hit;
}

static void fail_each(enum fault_kind kind, int error, enum mode mode) {
  unsigned at = 1;
  while (fail_one(kind, at, error, mode)) {
    at++;
    ck_assert_uint_lt(at, 1000);
  }
  ck_assert_uint_gt(at, 20);
}

static void setup(void) {
  memcpy(pins + strlen(pins) - 6, "XXXXXX", 6);
  ck_assert_ptr_nonnull(mkdtemp(pins));
  char path[64];
  snprintf(path, sizeof(path), "%s/unload_ring", pins);
  close(open(path, O_WRONLY | O_CREAT, 0600));
}

static void teardown(void) {
  faults_arm(FAULT_NONE, 0, 0);
  char path[64];
  snprintf(path, sizeof(path), "%s/unload_ring", pins);
  unlink(path);
  rmdir(pins);
}

START_TEST(faults__each_allocation_in_turn__all_is_right_afterwards) {
  fail_each(FAULT_MEMORY, ENOMEM, (enum mode)_i);
}
END_TEST

static const int errors[] = {EPERM,  ENOENT, EMFILE, ENFILE,
                             ENOMEM, EINTR,  EAGAIN, EINVAL};
enum { ERRORS_NUM = sizeof(errors) / sizeof(errors[0]) };

START_TEST(faults__each_call_in_turn__all_is_right_afterwards) {
  fail_each(FAULT_CALL, errors[_i % ERRORS_NUM], (enum mode)(_i / ERRORS_NUM));
}
END_TEST

Suite *faults_suite(void) {
  Suite *suite = suite_create("faults");
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_loop_test(limits,
                      faults__each_allocation_in_turn__all_is_right_afterwards,
                      0, MODES_NUM);
  tcase_add_loop_test(limits,
                      faults__each_call_in_turn__all_is_right_afterwards, 0,
                      ERRORS_NUM * MODES_NUM);
  suite_add_tcase(suite, limits);
  return suite;
}
