/* SPDX-License-Identifier: MIT */
/* Unit tests of jit_check: symbols in files, and counts that grow or do not. */
#include "suites.h"

#include "../open_fds.h"
#include "fake_libbpf.h"
#include "jit_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fds;
static uint64_t counts[8]; /* what each reading finds, one after the other */
static size_t counts_num;
static size_t readings;

static void setup(void) {
  fake_libbpf_reset();
  fake_libbpf.jited_len = 1000;
  fds = count_open_fds();
  counts_num = readings = 0;
}

static void teardown(void) { ck_assert_int_eq(count_open_fds(), fds); }

static struct jit_symbols find_in(const char *text) {
  char path[] = "/tmp/kallsyms_XXXXXX";
  int fd = mkstemp(path);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
  const struct jit_symbols symbols = jit_check_find(path);
  unlink(path);
  return symbols;
}

static bool read_next(void *context, uint64_t *ret_bytes) {
  (void)context;
  if (readings == counts_num)
    return false;
  *ret_bytes = counts[readings++];
  return true;
}

static bool grows(uint64_t before, uint64_t after) {
  counts[counts_num++] = before;
  counts[counts_num++] = after;
  return jit_check_grows(read_next, NULL);
}

START_TEST(jit_check_find__both_symbols__are_found) {
  const struct jit_symbols symbols =
      find_in("ffffffff810001c0 T _text\n"
              "ffffffff93752b90 T bpf_jit_limit\n"
              "ffffffff94199ad0 b bpf_jit_current\n");
  ck_assert_uint_eq(symbols.used, 0xffffffff94199ad0);
  ck_assert_uint_eq(symbols.limit, 0xffffffff93752b90);
}
END_TEST

START_TEST(jit_check_find__other_names__are_not_taken_for_them) {
  const struct jit_symbols symbols =
      find_in("ffffffff93752b90 T bpf_jit_limit_max\n"
              "ffffffff94199ad0 b bpf_jit_current\t[module]\n"
              "ffffffff94199ad0 b bpf_jit_current.cold\n"
              "ffffffff94199ad0 b my_bpf_jit_current\n"
              "bpf_jit_current\n");
  ck_assert_uint_eq(symbols.used, 0);
  ck_assert_uint_eq(symbols.limit, 0);
}
END_TEST

START_TEST(jit_check_find__addresses_not_shown__are_0) {
  const struct jit_symbols symbols =
      find_in("0000000000000000 T bpf_jit_limit\n"
              "0000000000000000 b bpf_jit_current\n");
  ck_assert_uint_eq(symbols.used, 0);
  ck_assert_uint_eq(symbols.limit, 0);
}
END_TEST

START_TEST(jit_check_find__no_file__finds_nothing) {
  const struct jit_symbols symbols = jit_check_find("/nowhere/kallsyms");
  ck_assert_uint_eq(symbols.used, 0);
  ck_assert_uint_eq(symbols.limit, 0);
}
END_TEST

START_TEST(jit_check_grows__by_the_program_or_some_more__is_true) {
  ck_assert(grows(5000, 6000));
  ck_assert(grows(5000, 6064));
  ck_assert(grows(5000, 5000 + 65536)); /* whole pages */
}
END_TEST

START_TEST(jit_check_grows__not_as_it_has_to__is_not_true) {
  for (int i = 0; i < 2; i++) {
    counts[counts_num++] = 5000;
    counts[counts_num++] = i == 0 ? 5999 : 5000 + (1 << 20);
  }
  ck_assert(!grows(5000, 4000));
  ck_assert_uint_eq(readings, 6);
}
END_TEST

START_TEST(jit_check_grows__another_is_unloaded_meanwhile__is_tried_again) {
  counts[counts_num++] = 5000;
  counts[counts_num++] = 4000;
  ck_assert(grows(4000, 5024));
}
END_TEST

START_TEST(jit_check_grows__not_jited__is_not_true) {
  fake_libbpf.jited_len = 0;
  ck_assert(!grows(5000, 5000));
}
END_TEST

START_TEST(jit_check_grows__program_not_allowed__is_not_true) {
  fake_libbpf.load_error = -EPERM;
  ck_assert(!grows(5000, 6000));
}
END_TEST

Suite *jit_check_suite(void) {
  Suite *suite = suite_create("jit_check");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, jit_check_find__both_symbols__are_found);
  tcase_add_test(core, jit_check_grows__by_the_program_or_some_more__is_true);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits, jit_check_find__other_names__are_not_taken_for_them);
  tcase_add_test(limits, jit_check_find__addresses_not_shown__are_0);
  tcase_add_test(limits, jit_check_find__no_file__finds_nothing);
  tcase_add_test(limits, jit_check_grows__not_as_it_has_to__is_not_true);
  tcase_add_test(
      limits, jit_check_grows__another_is_unloaded_meanwhile__is_tried_again);
  tcase_add_test(limits, jit_check_grows__not_jited__is_not_true);
  tcase_add_test(limits, jit_check_grows__program_not_allowed__is_not_true);
  suite_add_tcase(suite, limits);
  return suite;
}
