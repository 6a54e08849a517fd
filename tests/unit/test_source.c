/* SPDX-License-Identifier: MIT */
/* Unit tests of source and source_syscall, against the fake libbpf. */
#include "../open_fds.h"
#include "suites.h"

#include "fake_libbpf.h"
#include "group_name.h"
#include "prog_type.h"
#include "source_choice.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

static struct source *source;
static struct prog_snapshot snapshot;
static int fds_at_start;

static void setup(void) {
  fake_libbpf_reset();
  prog_types_clear();
  fds_at_start = count_open_fds();
  ck_assert_int_eq(source_syscall_new(false, &source), 0);
}

static void teardown(void) {
  source_free(source);
  ck_assert_int_eq(count_open_fds(), fds_at_start);
  ck_assert_int_eq(fake_libbpf.btfs_held, 0);
}

static void take(void) {
  ck_assert_int_eq(source_snapshot(source, &snapshot), 0);
  ck_assert_int_eq(count_open_fds(), fds_at_start);
}

START_TEST(source_snapshot__some_programs__has_all_of_them) {
  fake_libbpf_add(3, 100, "first", 7);
  fake_libbpf_add(9, 200, "second", 8)->type = BPF_PROG_TYPE_KPROBE;
  take();
  ck_assert_uint_eq(snapshot.samples_num, 2);
  ck_assert(snapshot.complete);
  ck_assert(!snapshot.knows_elsewhere);
  ck_assert_uint_eq(snapshot.read_errors, 0);
  const struct prog_sample *first = &snapshot.samples[0];
  ck_assert_uint_eq(first->id, 3);
  ck_assert_uint_eq(first->load_time_ns, 100);
  ck_assert_str_eq(first->name, "first");
  ck_assert_str_eq(first->type_name, "raw_tracepoint");
  ck_assert_int_eq(first->misses, MISSES_OF_ITSELF);
  ck_assert_str_eq(first->tag, "deadbeef000102ff");
  ck_assert_uint_eq(first->stats.cnt, 7);
  ck_assert_uint_eq(first->stats.nsecs, 70);
  ck_assert_uint_eq(first->stats.misses, 14);
  ck_assert_str_eq(snapshot.samples[1].type_name, "kprobe");
}
END_TEST

START_TEST(source_snapshot__no_program__is_empty_and_complete) {
  take();
  ck_assert_uint_eq(snapshot.samples_num, 0);
  ck_assert(snapshot.complete);
}
END_TEST

START_TEST(source_snapshot__many_programs__grows) {
  for (uint32_t id = 1; id <= FAKE_PROGS_MAX; id++)
    fake_libbpf_add(id, id, "p", id);
  for (int i = 0; i < 3; i++) {
    take();
    ck_assert_uint_eq(snapshot.samples_num, FAKE_PROGS_MAX);
    ck_assert_uint_eq(snapshot.samples[FAKE_PROGS_MAX - 1].stats.cnt,
                      FAKE_PROGS_MAX);
  }
}
END_TEST

START_TEST(source_snapshot__name_of_15_characters__comes_whole_from_btf) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "fifteen_charact", 1);
  prog->full_name = "fifteen_characters_and_more";
  prog->btf_id = 5;
  take();
  ck_assert_str_eq(snapshot.samples[0].name, "fifteen_characters_and_more");
}
END_TEST

START_TEST(source_snapshot__name_known__is_not_resolved_again) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "fifteen_charact", 1);
  prog->full_name = "fifteen_characters_and_more";
  prog->btf_id = 5;
  take();
  take();
  take();
  ck_assert_str_eq(snapshot.samples[0].name, "fifteen_characters_and_more");
  ck_assert_uint_eq(fake_libbpf.func_info_calls, 1);
  ck_assert_uint_eq(fake_libbpf.btf_loads, 1);
}
END_TEST

START_TEST(source_snapshot__programs_of_one_object__load_their_btf_once) {
  for (uint32_t id = 1; id <= 3; id++) {
    struct fake_prog *prog = fake_libbpf_add(id, 100, "fifteen_charact", 1);
    prog->full_name = "fifteen_characters_and_more";
    prog->btf_id = 5;
  }
  take();
  ck_assert_uint_eq(fake_libbpf.btf_loads, 1);
}
END_TEST

START_TEST(source_snapshot__short_name__needs_no_btf) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "fourteen_chara", 1);
  prog->full_name = "unrelated";
  prog->btf_id = 5;
  take();
  ck_assert_str_eq(snapshot.samples[0].name, "fourteen_chara");
  ck_assert_uint_eq(fake_libbpf.btf_loads, 0);
}
END_TEST

START_TEST(source_snapshot__btf_names_something_else__kernels_name_stays) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "fifteen_charact", 1);
  prog->full_name = "an_unrelated_function";
  prog->btf_id = 5;
  take();
  ck_assert_str_eq(snapshot.samples[0].name, "fifteen_charact");
}
END_TEST

START_TEST(source_snapshot__btf_of_no_use__kernels_name_stays) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "fifteen_charact", 1);
  prog->full_name = "fifteen_characters_and_more";
  prog->btf_id = 5;
  fake_libbpf.btf_error = -EINVAL;
  take();
  ck_assert_str_eq(snapshot.samples[0].name, "fifteen_charact");
}
END_TEST

START_TEST(source_snapshot__btf_fails_for_now__is_unreadable_until_it_works) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "fifteen_charact", 1);
  prog->full_name = "fifteen_characters_and_more";
  prog->btf_id = 5;
  fake_libbpf_add(2, 100, "short", 1);
  fake_libbpf.btf_error = -EMFILE;
  take();
  ck_assert(snapshot.samples[0].unreadable);
  ck_assert_uint_eq(snapshot.read_errors, 1);
  fake_libbpf.btf_error = 0;
  take();
  ck_assert_str_eq(snapshot.samples[0].name, "fifteen_characters_and_more");
  ck_assert_uint_eq(snapshot.read_errors, 0);
}
END_TEST

START_TEST(source_snapshot__type_newer_than_libbpf__is_the_kernels) {
  fake_libbpf.kernel_types = "7 BPF_PROG_TYPE_PERF_EVENT";
  fake_libbpf_add(1, 100, "a", 1)->type = 7;
  take();
  ck_assert_str_eq(snapshot.samples[0].type_name, "perf_event");
}
END_TEST

START_TEST(source_snapshot__type_that_nobody_knows__has_its_number) {
  fake_libbpf_add(1, 100, "a", 1)->type = 7;
  take();
  ck_assert_str_eq(snapshot.samples[0].type_name, "type_7");
  ck_assert(!snapshot.samples[0].unreadable);
}
END_TEST

START_TEST(source_snapshot__type_fails_for_now__is_unreadable_until_it_works) {
  fake_libbpf.kernel_types = "7 BPF_PROG_TYPE_PERF_EVENT";
  fake_libbpf_add(1, 100, "a", 1)->type = 7;
  fake_libbpf_add(2, 100, "b", 1);
  fake_libbpf.btf_error = -EMFILE;
  take();
  ck_assert(snapshot.samples[0].unreadable);
  ck_assert(!snapshot.samples[1].unreadable);
  fake_libbpf.btf_error = 0;
  take();
  ck_assert_str_eq(snapshot.samples[0].type_name, "perf_event");
}
END_TEST

START_TEST(source_snapshot__no_name__is_as_in_kallsyms) {
  fake_libbpf_add(1, 100, "", 1);
  take();
  ck_assert_str_eq(snapshot.samples[0].name, "bpf_prog_deadbeef000102ff");
}
END_TEST

START_TEST(source_snapshot__id_reused__has_the_new_name) {
  fake_libbpf_add(1, 100, "old", 1);
  take();
  fake_libbpf.progs[0].load_time_ns = 200;
  fake_libbpf.progs[0].name = "new";
  take();
  ck_assert_str_eq(snapshot.samples[0].name, "new");
  ck_assert_uint_eq(snapshot.samples[0].load_time_ns, 200);
}
END_TEST

START_TEST(source_snapshot__type_unknown_to_libbpf__is_its_number) {
  fake_libbpf_add(1, 100, "p", 1)->type = 77;
  take();
  ck_assert_str_eq(snapshot.samples[0].type_name, "type_77");
}
END_TEST

START_TEST(source_snapshot__kernel_before_5_12__has_no_misses) {
  fake_libbpf.info_len = offsetof(struct bpf_prog_info, recursion_misses);
  fake_libbpf_add(1, 100, "p", 1);
  take();
  ck_assert_int_eq(snapshot.samples[0].misses, MISSES_UNCOUNTED);
  ck_assert_uint_eq(snapshot.samples[0].stats.cnt, 1);
  ck_assert_uint_eq(snapshot.samples[0].stats.misses, 0);
}
END_TEST

START_TEST(source_snapshot__program_vanishes__is_no_error) {
  fake_libbpf_add(1, 100, "gone", 1)->fd_error = -ENOENT;
  fake_libbpf_add(2, 100, "there", 1);
  take();
  ck_assert_uint_eq(snapshot.samples_num, 1);
  ck_assert_str_eq(snapshot.samples[0].name, "there");
  ck_assert_uint_eq(snapshot.read_errors, 0);
  ck_assert(snapshot.complete);
}
END_TEST

START_TEST(source_snapshot__program_unreadable__is_counted_and_marked) {
  fake_libbpf_add(1, 100, "a", 1)->fd_error = -EMFILE;
  fake_libbpf_add(2, 100, "b", 1);
  fake_libbpf_add(3, 100, "c", 1)->info_error = -ENOMEM;
  take();
  ck_assert_uint_eq(snapshot.samples_num, 3);
  ck_assert(snapshot.samples[0].unreadable);
  ck_assert(!snapshot.samples[1].unreadable);
  ck_assert(snapshot.samples[2].unreadable);
  ck_assert_uint_eq(snapshot.read_errors, 2);
  ck_assert(snapshot.complete);
}
END_TEST

START_TEST(source_snapshot__all_unreadable__fails_and_recovers) {
  struct fake_prog *prog = fake_libbpf_add(1, 100, "a", 1);
  prog->fd_error = -EMFILE;
  ck_assert_int_eq(source_snapshot(source, &snapshot), -EMFILE);
  prog->fd_error = 0;
  take();
  ck_assert_str_eq(snapshot.samples[0].name, "a");
}
END_TEST

START_TEST(source_snapshot__walk_fails_on_the_way__is_incomplete) {
  fake_libbpf_add(1, 100, "a", 1);
  fake_libbpf_add(2, 100, "b", 1);
  fake_libbpf.next_id_error = -EAGAIN;
  fake_libbpf.next_id_error_from = 1;
  take();
  ck_assert_uint_eq(snapshot.samples_num, 1);
  ck_assert(!snapshot.complete);
}
END_TEST

START_TEST(source_snapshot__walk_fails_at_once__is_an_error) {
  fake_libbpf_add(1, 100, "a", 1);
  fake_libbpf.next_id_error = -EPERM;
  ck_assert_int_eq(source_snapshot(source, &snapshot), -EPERM);
}
END_TEST

START_TEST(source_snapshot__walk_goes_backwards__ends_incomplete) {
  fake_libbpf_add(1, 100, "a", 1);
  fake_libbpf_add(2, 100, "b", 1);
  fake_libbpf.next_id_repeats = 1;
  take();
  ck_assert_uint_eq(snapshot.samples_num, 2);
  ck_assert(!snapshot.complete);
}
END_TEST

START_TEST(source_snapshot__time__is_taken_before_the_walk) {
  take();
  uint64_t first_ns = snapshot.time_ns;
  take();
  ck_assert_uint_ge(snapshot.time_ns, first_ns);
  ck_assert_uint_lt(snapshot.duration_ns, 1000000000);
}
END_TEST

START_TEST(source_syscall_new__without_privilege__fails_with_eperm) {
  fake_libbpf.next_id_error = -EPERM;
  struct source *other = NULL;
  ck_assert_int_eq(source_syscall_new(false, &other), -EPERM);
  ck_assert_ptr_null(other);
}
END_TEST

START_TEST(source_choose__auto_without_iterator__takes_syscalls_and_says_why) {
  struct source_options options = {.kind = SOURCE_AUTO};
  struct source_note note;
  struct source *other = NULL;
  ck_assert_int_eq(source_choose(&options, &other, &note), 0);
  ck_assert_str_eq(other->name, "syscall");
  ck_assert_str_ne(note.text, "");
  ck_assert(!note.is_error);
  source_free(other);
}
END_TEST

START_TEST(source_choose__iterator_that_does_not_load__is_an_error) {
  struct source_options options = {.kind = SOURCE_ITERATOR};
  struct source_note note;
  struct source *other = NULL;
  ck_assert_int_lt(source_choose(&options, &other, &note), 0);
  ck_assert_ptr_null(other);
  ck_assert_str_ne(note.text, "");
  ck_assert(note.is_error);
}
END_TEST

START_TEST(source_choose__syscall__says_nothing) {
  struct source_options options = {.kind = SOURCE_SYSCALL};
  struct source_note note;
  struct source *other = NULL;
  ck_assert_int_eq(source_choose(&options, &other, &note), 0);
  ck_assert_str_eq(note.text, "");
  source_free(other);
}
END_TEST

/* Demands that the pin is refused, with a text that ends so. */
static void refuse_pin(const char *pin, int error, const char *text) {
  struct source_options options = {.kind = SOURCE_AUTO, .iterator_pin = pin};
  struct source_note note;
  struct source *other = NULL;
  ck_assert_int_eq(source_choose(&options, &other, &note), error);
  ck_assert_ptr_null(other);
  ck_assert(note.is_error);
  char expected[400];
  snprintf(expected, sizeof(expected), "IteratorPin %s: %s", pin, text);
  ck_assert_str_eq(note.text, expected);
}

START_TEST(source_choose__pin_is_something_else__is_refused) {
  static const char no_bpffs[] =
      "it is no file on a bpffs, so it cannot be a pinned iterator";
  refuse_pin("/dev/null", -EMEDIUMTYPE, no_bpffs);
  refuse_pin("/etc/passwd", -EMEDIUMTYPE, no_bpffs);
  refuse_pin("/", -EMEDIUMTYPE, no_bpffs);
  refuse_pin("/nowhere/at/all", -ENOENT,
             "there is no such file; pin the iterator with bpf_stats_pin");
}
END_TEST

START_TEST(source_free__null__does_nothing) { source_free(NULL); }
END_TEST

/* The kernel takes no such name; but its BTF comes from whoever loads programs.
 */
START_TEST(source_snapshot__name_of_10000_bytes_of_any_kind__is_a_safe_group) {
  static char full_name[10001] = "fifteen_charact";
  for (size_t i = strlen(full_name); i < sizeof(full_name) - 1; i++)
    full_name[i] = (char)(1 + i % 255);
  struct fake_prog *prog = fake_libbpf_add(1, 100, full_name, 5);
  prog->full_name = full_name;
  prog->btf_id = 4;
  take();
  ck_assert_str_eq(snapshot.samples[0].name, full_name);
  const struct group_name_format format = {.parts = {GROUP_NAME_NAME},
                                           .parts_num = 1};
  char group[GROUP_NAME_SIZE];
  group_name_of(&format, &snapshot.samples[0], group);
  ck_assert_uint_eq(strlen(group), GROUP_NAME_SIZE - 1);
  ck_assert_uint_eq(strspn(group,
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
                           "tuvwxyz0123456789_-"),
                    strlen(group));
}
END_TEST

Suite *source_suite(void) {
  Suite *suite = suite_create("source");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, source_snapshot__some_programs__has_all_of_them);
  tcase_add_test(core,
                 source_snapshot__name_of_15_characters__comes_whole_from_btf);
  tcase_add_test(core, source_snapshot__name_known__is_not_resolved_again);
  tcase_add_test(core,
                 source_snapshot__programs_of_one_object__load_their_btf_once);
  tcase_add_test(core, source_snapshot__short_name__needs_no_btf);
  tcase_add_test(core, source_snapshot__no_name__is_as_in_kallsyms);
  tcase_add_test(core, source_snapshot__id_reused__has_the_new_name);
  tcase_add_test(core, source_snapshot__time__is_taken_before_the_walk);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits, source_snapshot__no_program__is_empty_and_complete);
  tcase_add_test(limits, source_snapshot__many_programs__grows);
  tcase_add_test(
      limits,
      source_snapshot__name_of_10000_bytes_of_any_kind__is_a_safe_group);
  tcase_add_test(limits,
                 source_snapshot__btf_names_something_else__kernels_name_stays);
  tcase_add_test(limits, source_snapshot__btf_of_no_use__kernels_name_stays);
  tcase_add_test(limits,
                 source_snapshot__type_newer_than_libbpf__is_the_kernels);
  tcase_add_test(limits,
                 source_snapshot__type_that_nobody_knows__has_its_number);
  tcase_add_test(
      limits,
      source_snapshot__type_fails_for_now__is_unreadable_until_it_works);
  tcase_add_test(
      limits, source_snapshot__btf_fails_for_now__is_unreadable_until_it_works);
  tcase_add_test(limits,
                 source_snapshot__type_unknown_to_libbpf__is_its_number);
  tcase_add_test(limits, source_snapshot__kernel_before_5_12__has_no_misses);
  tcase_add_test(limits, source_snapshot__program_vanishes__is_no_error);
  tcase_add_test(limits,
                 source_snapshot__program_unreadable__is_counted_and_marked);
  tcase_add_test(limits, source_snapshot__all_unreadable__fails_and_recovers);
  tcase_add_test(limits, source_snapshot__walk_fails_on_the_way__is_incomplete);
  tcase_add_test(limits, source_snapshot__walk_fails_at_once__is_an_error);
  tcase_add_test(limits, source_snapshot__walk_goes_backwards__ends_incomplete);
  tcase_add_test(limits,
                 source_syscall_new__without_privilege__fails_with_eperm);
  tcase_add_test(
      limits,
      source_choose__auto_without_iterator__takes_syscalls_and_says_why);
  tcase_add_test(limits,
                 source_choose__iterator_that_does_not_load__is_an_error);
  tcase_add_test(limits, source_choose__syscall__says_nothing);
  tcase_add_test(limits, source_choose__pin_is_something_else__is_refused);
  tcase_add_test(limits, source_free__null__does_nothing);
  suite_add_tcase(suite, limits);
  return suite;
}
