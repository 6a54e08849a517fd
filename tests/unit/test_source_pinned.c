/* SPDX-License-Identifier: MIT */
/* Unit tests of source_iterator, by a pin and against a stream of the fake
 * libbpf. */
#include "../open_fds.h"
#include "suites.h"

#include "fake_libbpf.h"
#include "source_choice.h"

#include <errno.h>

static struct source *source;
static struct prog_snapshot snapshot;
static int fds_at_start;

static int open_pinned(void) {
  static char reason[256];
  return source_pinned_new("/fake/iterator", &source, reason, sizeof(reason));
}

static void setup(void) {
  fake_libbpf_reset();
  fake_libbpf.has_iterator = true;
  source = NULL;
  fds_at_start = count_open_fds();
}

static void teardown(void) {
  source_free(source);
  ck_assert_int_eq(count_open_fds(), fds_at_start);
}

static void take(void) {
  if (source == NULL)
    ck_assert_int_eq(open_pinned(), 0);
  ck_assert_int_eq(source_snapshot(source, &snapshot), 0);
  ck_assert(snapshot.complete);
  ck_assert_int_eq(count_open_fds(), fds_at_start);
}

START_TEST(source_snapshot__pinned__has_all_programs) {
  fake_libbpf_add(3, 100, "first", 7);
  fake_libbpf_add(9, 200, "its_name_is_cut_by_the_kernel", 8)->full_name =
      "its_name_is_cut_by_the_kernel";
  take();
  ck_assert_uint_eq(snapshot.samples_num, 2);
  const struct prog_sample *first = &snapshot.samples[0];
  ck_assert_uint_eq(first->id, 3);
  ck_assert_uint_eq(first->load_time_ns, 100);
  ck_assert_str_eq(first->name, "first");
  ck_assert_str_eq(first->type_name, "raw_tracepoint");
  ck_assert_uint_eq(first->stats.cnt, 7);
  ck_assert_uint_eq(first->stats.nsecs, 70);
  ck_assert_uint_eq(first->stats.misses, 14);
  ck_assert_uint_gt(first->memory_bytes, 0);
  ck_assert_str_eq(snapshot.samples[1].name, "its_name_is_cut_by_the_kernel");
}
END_TEST

START_TEST(source_snapshot__pinned_and_unreadable__is_there_by_its_id) {
  fake_libbpf_add(3, 100, "first", 7)->info_error = -EFAULT;
  fake_libbpf_add(9, 200, "second", 8);
  take();
  ck_assert_uint_eq(snapshot.samples_num, 2);
  ck_assert_uint_eq(snapshot.read_errors, 1);
  ck_assert(snapshot.samples[0].unreadable);
  ck_assert_uint_eq(snapshot.samples[0].id, 3);
}
END_TEST

START_TEST(source_snapshot__iterator_counts_itself__statistics_are_on) {
  fake_libbpf_add(3, 100, "first", 7);
  fake_libbpf_add(5, 100, "bpf_stats_iter", 40);
  fake_libbpf_add(9, 100, "last", 8);
  fake_libbpf.iterator_id = 5;
  for (int i = 0; i < 2; i++) {
    fake_libbpf.statistics_on = false;
    take();
    ck_assert_int_eq(snapshot.statistics, STATISTICS_OFF);
    fake_libbpf.statistics_on = true;
    take();
    ck_assert_int_eq(snapshot.statistics, STATISTICS_ON);
  }
  fake_libbpf.progs[1].info_error = -EFAULT;
  take();
  ck_assert_int_eq(snapshot.statistics, STATISTICS_UNKNOWN);
}
END_TEST

START_TEST(source_snapshot__iterator_does_not_know_itself__nobody_knows) {
  fake_libbpf_add(3, 100, "first", 7);
  take();
  ck_assert_int_eq(snapshot.statistics, STATISTICS_UNKNOWN);
}
END_TEST

START_TEST(source_pinned_new__ids_not_ascending__is_cut_and_refused) {
  fake_libbpf_add(9, 100, "first", 7);
  fake_libbpf_add(3, 100, "second", 8);
  ck_assert_int_eq(open_pinned(), -ENODATA);
}
END_TEST

Suite *source_pinned_suite(void) {
  Suite *suite = suite_create("source_pinned");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, source_snapshot__pinned__has_all_programs);
  tcase_add_test(core,
                 source_snapshot__iterator_counts_itself__statistics_are_on);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits,
                 source_snapshot__pinned_and_unreadable__is_there_by_its_id);
  tcase_add_test(limits,
                 source_snapshot__iterator_does_not_know_itself__nobody_knows);
  tcase_add_test(limits,
                 source_pinned_new__ids_not_ascending__is_cut_and_refused);
  suite_add_tcase(suite, limits);
  return suite;
}
