/* SPDX-License-Identifier: MIT */
/* Unit tests of unload_watch and unload_maps: what comes out of a pinned watch,
 * good and bad, over the fake libbpf. */
#include "../open_fds.h"
#include "suites.h"

#include "fake_libbpf.h"

#include "unload_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/bpf_stats_watch_XXXXXX";
static char ring_path[PATH_MAX];
static struct unload_watch *watch;
static struct unloads unloads;
static char reason[300];
static int fds_at_start;

static void make_ring_file(void) {
  int fd = open(ring_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  ck_assert_int_ge(fd, 0);
  close(fd);
}

static void setup(void) {
  fake_libbpf_reset();
  fake_libbpf.has_pins = true;
  memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
  ck_assert_ptr_nonnull(mkdtemp(dir));
  snprintf(ring_path, sizeof(ring_path), "%s/unload_ring", dir);
  make_ring_file();
  reason[0] = '\0';
  fds_at_start = count_open_fds();
}

static void teardown(void) {
  unload_watch_free(watch);
  watch = NULL;
  ck_assert_int_eq(count_open_fds(), fds_at_start);
  unlink(ring_path);
  ck_assert_int_eq(rmdir(dir), 0);
}

static int open_watch(void) {
  return unload_watch_new(dir, 0, true, &watch, reason, sizeof(reason));
}

static void start(void) {
  ck_assert_int_eq(open_watch(), 0);
  ck_assert_int_eq(unload_watch_read_counts(watch), 0);
  unload_watch_read_records(watch, &unloads);
  unload_watch_commit(watch);
}

static void read_once(void) {
  ck_assert_int_eq(unload_watch_read_counts(watch), 0);
  unload_watch_read_records(watch, &unloads);
}

START_TEST(unload_watch__first_read__has_nothing_of_before) {
  fake_libbpf_unload(1, 100, "old", 5);
  ck_assert_int_eq(open_watch(), 0);
  read_once();
  ck_assert(unloads.begins);
  ck_assert_uint_eq(unloads.unloaded, 0);
  ck_assert_uint_eq(unloads.samples_num, 0);
}
END_TEST

START_TEST(unload_watch__unloaded__is_told_in_order_of_ids) {
  start();
  fake_libbpf_unload(7, 300, "b", 5);
  fake_libbpf_unload(3, 200, "a_name_of_more_than_15_characters", 6);
  fake_libbpf_unload(3, 100, "c", 7);
  fake_libbpf.counters.loads += 2;
  read_once();
  ck_assert(!unloads.begins);
  ck_assert_uint_eq(unloads.loaded, 2);
  ck_assert_uint_eq(unloads.unloaded, 3);
  ck_assert_uint_eq(unloads.lost, 0);
  ck_assert_uint_eq(unloads.samples_num, 3);
  ck_assert_str_eq(unloads.samples[0].name, "c");
  ck_assert_str_eq(unloads.samples[1].name,
                   "a_name_of_more_than_15_characters");
  ck_assert_str_eq(unloads.samples[1].type_name, "raw_tracepoint");
  ck_assert_uint_eq(unloads.samples[1].stats.misses, 12);
  ck_assert_uint_eq(unloads.samples[2].id, 7);
}
END_TEST

START_TEST(unload_watch__not_taken_in__is_told_again) {
  start();
  fake_libbpf_unload(1, 100, "a", 5);
  read_once();
  fake_libbpf_unload(2, 200, "b", 6);
  read_once();
  ck_assert_uint_eq(unloads.unloaded, 2);
  ck_assert_uint_eq(unloads.samples_num, 2);
  unload_watch_commit(watch);
  read_once();
  ck_assert_uint_eq(unloads.unloaded, 0);
  ck_assert_uint_eq(unloads.samples_num, 0);
}
END_TEST

START_TEST(unload_watch__record_of_no_use__is_lost_and_the_rest_is_told) {
  start();
  struct prog_record record;
  struct fake_ring_record *bad[6];
  for (uint32_t i = 0; i < 6; i++) {
    bad[i] = fake_libbpf_unload(i + 1, 100, "a_name_of_more_than_15", 5);
    memcpy(&record, bad[i]->bytes, sizeof(record));
    if (i == 0)
      record.magic++;
    if (i == 1)
      record.version++;
    if (i == 2)
      record.name_size = 60000;
    if (i == 3)
      record.id = 0;
    memcpy(bad[i]->bytes, &record, sizeof(record));
  }
  bad[4]->size -= 1;                 /* the name is cut */
  bad[5]->size = sizeof(record) / 2; /* the record is */
  fake_libbpf_unload(9, 100, "good", 5);
  read_once();
  ck_assert_uint_eq(unloads.samples_num, 1);
  ck_assert_str_eq(unloads.samples[0].name, "good");
  ck_assert_uint_eq(unloads.lost, 6);
  unload_watch_commit(watch);
  read_once();
  ck_assert_uint_eq(unloads.lost, 0);
}
END_TEST

START_TEST(unload_watch__kernel_lost_some__says_how_many) {
  start();
  fake_libbpf.counters.lost = 4;
  read_once();
  ck_assert_uint_eq(unloads.lost, 4);
}
END_TEST

static void take_in(void) {
  read_once();
  unload_watch_commit(watch);
}

START_TEST(unload_watch__somebody_else_takes_records__says_how_many) {
  fake_libbpf_unload(1, 100, "before", 5);
  fake_libbpf.ring_num = 0; /* taken by who read it until now */
  start();
  fake_libbpf_unload(2, 200, "ours", 5);
  take_in();
  ck_assert_uint_eq(unloads.lost, 0);
  for (int i = 0; i < 3; i++)
    fake_libbpf_unload(3, 300, "theirs", 5);
  fake_libbpf.ring_num = 0;
  take_in(); /* they may still be on their way */
  ck_assert_uint_eq(unloads.lost, 0);
  fake_libbpf_unload(4, 400, "ours", 5);
  uint64_t stolen = 0;
  uint64_t lost = 0;
  for (int i = 0; i < 3; i++) {
    take_in();
    stolen += unloads.stolen;
    lost += unloads.lost;
  }
  ck_assert_uint_eq(stolen, 3);
  ck_assert_uint_eq(lost, 3);
}
END_TEST

/* A task that writes a record is preempted, for as long as several reads take.
 */
START_TEST(unload_watch__record_under_way_keeps_others__none_is_stolen) {
  start();
  take_in();
  fake_libbpf.ring_is_held = true;
  for (int i = 0; i < 3; i++)
    fake_libbpf_unload(2, 200, "ours", 5);
  for (int i = 0; i < 4; i++) {
    take_in();
    ck_assert_uint_eq(unloads.lost, 0);
  }
  fake_libbpf.ring_is_held = false;
  for (int i = 0; i < 3; i++) {
    take_in();
    ck_assert_uint_eq(unloads.lost, 0);
  }
}
END_TEST

START_TEST(unload_watch__kernel_loses_and_others_take__each_counts_once) {
  start();
  fake_libbpf_unload(1, 100, "theirs", 5);
  fake_libbpf.ring_num = 0;
  fake_libbpf.counters.unloads += 4;
  fake_libbpf.counters.lost += 4;
  uint64_t lost = 0;
  for (int i = 0; i < 3; i++) {
    take_in();
    lost += unloads.lost;
  }
  ck_assert_uint_eq(lost, 5);
}
END_TEST

/* As a reader that is slow: the record is in the ring before its unload is
 * counted, and both are there when the first read begins. */
START_TEST(unload_watch__counted_after_its_record_was_taken__is_not_stolen) {
  start();
  fake_libbpf_unload(1, 100, "a", 5);
  fake_libbpf.counters.unloads--;
  take_in();
  fake_libbpf.counters.unloads++;
  for (int i = 0; i < 3; i++) {
    take_in();
    ck_assert_uint_eq(unloads.lost, 0);
  }
}
END_TEST

/* Not by unlink(2): the new file might get the number of the old one. */
static void replace_ring_file(void) {
  char other[PATH_MAX];
  snprintf(other, sizeof(other), "%s/other", dir);
  ck_assert_int_eq(rename(ring_path, other), 0);
  make_ring_file();
  unlink(other);
}

static void pin_anew(void) {
  replace_ring_file();
  fake_libbpf_pin_anew();
}

/* Opens the watch that is pinned now in place of the one that was. */
static void take_over(void) {
  struct unload_watch *old = watch;
  ck_assert_int_eq(unload_watch_read_counts(old), -ESTALE);
  ck_assert_int_eq(open_watch(), 0);
  unload_watch_take_over(watch, old);
  unload_watch_free(old);
}

START_TEST(unload_watch_take_over__both_hold_records__all_are_told) {
  start();
  fake_libbpf_unload(1, 100, "told", 1);
  take_in();
  fake_libbpf_unload(2, 200, "old", 5);
  fake_libbpf.counters.loads = 7;
  pin_anew();
  fake_libbpf_unload(3, 300, "new", 6);
  fake_libbpf.counters.loads = 2;
  take_over();
  read_once();
  ck_assert(!unloads.begins);
  ck_assert_uint_eq(unloads.samples_num, 2);
  ck_assert_str_eq(unloads.samples[0].name, "old");
  ck_assert_str_eq(unloads.samples[1].name, "new");
  ck_assert_uint_eq(unloads.loaded, 9);
  ck_assert_uint_eq(unloads.unloaded, 2);
  ck_assert_uint_eq(unloads.lost, 0);
  unload_watch_commit(watch);
  for (int i = 0; i < 3; i++) {
    take_in();
    ck_assert_uint_eq(unloads.lost + unloads.unloaded, 0);
  }
}
END_TEST

/* What the new ring held when it was opened may not hide what is taken later.
 */
START_TEST(unload_watch_take_over__then_others_take_records__says_how_many) {
  start();
  pin_anew();
  for (int i = 0; i < 5; i++)
    fake_libbpf_unload(1, 100, "waits", 5);
  take_over();
  take_in();
  take_in();
  fake_libbpf_unload(2, 200, "theirs", 5);
  fake_libbpf.ring_num = 0;
  uint64_t stolen = 0;
  for (int i = 0; i < 3; i++) {
    take_in();
    stolen += unloads.stolen;
  }
  ck_assert_uint_eq(stolen, 1);
}
END_TEST

/* Another file for the same maps. */
START_TEST(unload_watch_take_over__same_ring__goes_on) {
  fake_libbpf_unload(1, 100, "before", 5);
  start();
  fake_libbpf_unload(2, 200, "a", 6);
  replace_ring_file();
  take_over();
  read_once();
  ck_assert_uint_eq(unloads.samples_num, 1);
  ck_assert_uint_eq(unloads.unloaded, 1);
}
END_TEST

START_TEST(unload_watch__pin_gone__is_stale) {
  start();
  unlink(ring_path);
  ck_assert_int_eq(unload_watch_read_counts(watch), -ESTALE);
}
END_TEST

START_TEST(unload_watch__pinned_anew__is_stale) {
  start();
  replace_ring_file();
  ck_assert_int_eq(unload_watch_read_counts(watch), -ESTALE);
}
END_TEST

static void check_refused(int error, const char *word) {
  ck_assert_int_eq(open_watch(), error);
  ck_assert_ptr_null(watch);
  ck_assert_msg(strstr(reason, word) != NULL, "%s", reason);
}

START_TEST(unload_watch__no_pins__says_where_to_get_them) {
  fake_libbpf.has_pins = false;
  check_refused(-ENOENT, "pin the watch with bpf_stats_pin");
  ck_assert_ptr_nonnull(strstr(reason, ring_path));
}
END_TEST

START_TEST(unload_watch__pin_is_no_ring__is_refused) {
  fake_libbpf.ring_type = BPF_MAP_TYPE_HASH;
  check_refused(-EPROTO, "no watch of ours");
}
END_TEST

START_TEST(unload_watch__foreign_counters__are_refused) {
  fake_libbpf.counters.magic++;
  check_refused(-EPROTO, "no watch of ours");
}
END_TEST

START_TEST(unload_watch__other_version__says_which_of_the_two_is_old) {
  fake_libbpf.counters.version--;
  check_refused(-ESTALE, "run bpf_stats_pin again");
  fake_libbpf.counters.version += 2;
  check_refused(-EPROTONOSUPPORT, "restart collectd");
}
END_TEST

START_TEST(unload_watch__ring_does_not_open__says_why) {
  fake_libbpf.ring_error = EMFILE;
  check_refused(-EMFILE, "too many files are open");
}
END_TEST

START_TEST(unload_watch__does_not_load__says_what_it_needs) {
  int rc = unload_watch_new(NULL, UNLOAD_RING_SIZE_BYTES, true, &watch, reason,
                            sizeof(reason));
#ifdef HAVE_BPF_PROGRAMS
  ck_assert_int_eq(rc, -EPERM);
  ck_assert_ptr_nonnull(strstr(reason, "CAP_BPF and CAP_PERFMON"));
#else
  ck_assert_int_eq(rc, -ENOTSUP);
  ck_assert_ptr_nonnull(strstr(reason, "this build has no watch"));
#endif
}
END_TEST

Suite *unload_watch_suite(void) {
  Suite *suite = suite_create("unload_watch");
  TCase *tests = tcase_create("unload_watch");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, unload_watch__first_read__has_nothing_of_before);
  tcase_add_test(tests, unload_watch__unloaded__is_told_in_order_of_ids);
  tcase_add_test(tests, unload_watch__not_taken_in__is_told_again);
  tcase_add_test(tests,
                 unload_watch__record_of_no_use__is_lost_and_the_rest_is_told);
  tcase_add_test(tests, unload_watch__kernel_lost_some__says_how_many);
  tcase_add_test(tests,
                 unload_watch__somebody_else_takes_records__says_how_many);
  tcase_add_test(tests,
                 unload_watch__record_under_way_keeps_others__none_is_stolen);
  tcase_add_test(tests,
                 unload_watch__kernel_loses_and_others_take__each_counts_once);
  tcase_add_test(
      tests, unload_watch__counted_after_its_record_was_taken__is_not_stolen);
  tcase_add_test(tests,
                 unload_watch_take_over__both_hold_records__all_are_told);
  tcase_add_test(
      tests, unload_watch_take_over__then_others_take_records__says_how_many);
  tcase_add_test(tests, unload_watch_take_over__same_ring__goes_on);
  tcase_add_test(tests, unload_watch__pin_gone__is_stale);
  tcase_add_test(tests, unload_watch__pinned_anew__is_stale);
  tcase_add_test(tests, unload_watch__no_pins__says_where_to_get_them);
  tcase_add_test(tests, unload_watch__pin_is_no_ring__is_refused);
  tcase_add_test(tests, unload_watch__foreign_counters__are_refused);
  tcase_add_test(tests,
                 unload_watch__other_version__says_which_of_the_two_is_old);
  tcase_add_test(tests, unload_watch__ring_does_not_open__says_why);
  tcase_add_test(tests, unload_watch__does_not_load__says_what_it_needs);
  suite_add_tcase(suite, tests);
  return suite;
}
