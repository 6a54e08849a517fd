/* SPDX-License-Identifier: MIT */
/* Unit tests of prog_type: libbpf's names first, then the kernel's. The fake
 * libbpf knows the types up to xdp, which is 6. */
#include "suites.h"

#include "fake_libbpf.h"
#include "prog_record.h"
#include "prog_type.h"

#include <linux/bpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void setup(void) {
  fake_libbpf_reset();
  prog_types_clear();
}

static void teardown(void) {
  prog_types_clear();
  ck_assert_int_eq(fake_libbpf.btfs_held, 0);
}

static void check_unknown(unsigned type, int error) {
  errno = 0;
  ck_assert_ptr_null(prog_type_name(type));
  ck_assert_int_eq(errno, error);
}

START_TEST(prog_type_name__libbpf_knows_it__kernel_is_not_read) {
  fake_libbpf.kernel_types = "6 BPF_PROG_TYPE_OTHER";
  ck_assert_str_eq(prog_type_name(6), "xdp");
  ck_assert_uint_eq(fake_libbpf.kernel_btf_loads, 0);
}
END_TEST

START_TEST(prog_type_name__libbpf_is_older__is_the_kernels_and_read_once) {
  fake_libbpf.kernel_types = "6 BPF_PROG_TYPE_XDP 7 BPF_PROG_TYPE_PERF_EVENT "
                             "8 BPF_PROG_TYPE_LWT_SEG6LOCAL";
  ck_assert_str_eq(prog_type_name(7), "perf_event");
  ck_assert_int_eq(fake_libbpf.btfs_held, 0);
  ck_assert_str_eq(prog_type_name(8), "lwt_seg6local");
  check_unknown(9, ENOENT);
  check_unknown(UINT32_MAX, ENOENT);
  ck_assert_uint_eq(fake_libbpf.kernel_btf_loads, 1);
}
END_TEST

START_TEST(prog_type_name__kernel_without_btf__is_none_and_asked_once) {
  check_unknown(7, ENOENT);
  check_unknown(7, ENOENT);
  ck_assert_uint_eq(fake_libbpf.kernel_btf_loads, 1);
}
END_TEST

START_TEST(prog_type_name__kernel_cannot_be_read_now__is_tried_again) {
  fake_libbpf.kernel_types = "7 BPF_PROG_TYPE_PERF_EVENT";
  fake_libbpf.btf_error = -ENOMEM;
  check_unknown(7, ENOMEM);
  fake_libbpf.btf_error = 0;
  ck_assert_str_eq(prog_type_name(7), "perf_event");
}
END_TEST

/* It comes from outside: nothing but names, and none beyond the table. */
START_TEST(prog_type_name__odd_members__are_not_taken) {
  fake_libbpf.kernel_types =
      "7 __MAX_BPF_PROG_TYPE 8 BPF_PROG_TYPE_ 9 BPF_PROG_TYPE_A/B "
      "-1 BPF_PROG_TYPE_A 128 BPF_PROG_TYPE_B 2000000000 BPF_PROG_TYPE_C "
      "127 BPF_PROG_TYPE_LAST";
  for (unsigned type = 7; type < 127; type++)
    if (type != BPF_PROG_TYPE_RAW_TRACEPOINT) /* the fake libbpf knows it */
      check_unknown(type, ENOENT);
  ck_assert_str_eq(prog_type_name(127), "last");
  check_unknown(128, ENOENT);
  check_unknown(2000000000, ENOENT);
  check_unknown((unsigned)-1, ENOENT);
}
END_TEST

START_TEST(prog_type_name__long_name__is_cut_as_in_a_sample) {
  fake_libbpf.kernel_types =
      "7 BPF_PROG_TYPE_A23456789_B23456789_C23456789_D23456789";
  ck_assert_str_eq(prog_type_name(7), "a23456789_b23456789_c23456789_d");
}
END_TEST

START_TEST(prog_type_is_name__forms__as_the_kernels) {
  ck_assert(prog_type_is_name("xdp"));
  ck_assert(prog_type_is_name("lirc_mode2"));
  ck_assert(!prog_type_is_name(""));
  ck_assert(!prog_type_is_name("XDP"));
  ck_assert(!prog_type_is_name("32"));
  ck_assert(!prog_type_is_name(" xdp"));
  ck_assert(!prog_type_is_name("xdp,kprobe"));
  ck_assert(prog_type_is_name("a23456789_b23456789_c23456789_d"));
  ck_assert(!prog_type_is_name("a23456789_b23456789_c23456789_d2"));
}
END_TEST

static const struct {
  unsigned type;
  const char *name;
} miss_types[] = {
    {BPF_PROG_TYPE_RAW_TRACEPOINT, "raw_tracepoint"},
    {BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, "raw_tracepoint_writable"},
    {BPF_PROG_TYPE_TRACING, "tracing"},
    {BPF_PROG_TYPE_KPROBE, "kprobe"},
    {BPF_PROG_TYPE_TRACEPOINT, "tracepoint"},
    {BPF_PROG_TYPE_STRUCT_OPS, "struct_ops"},
};

/* Writes the first column of the row of doc/values.md of types that need the
 * flag. */
static void format_row(char *row, size_t size, unsigned flag) {
  size_t len = (size_t)snprintf(row, size, "|");
  for (size_t i = 0; i < sizeof(miss_types) / sizeof(miss_types[0]); i++)
    if (prog_type_misses(miss_types[i].type, flag) != MISSES_UNCOUNTED)
      len += (size_t)snprintf(row + len, size - len, "%s `%s`",
                              len > 1 ? "," : "", miss_types[i].name);
  snprintf(row + len, size - len, " |");
}

START_TEST(prog_type_misses__table_in_values_md__is_the_same) {
  static const unsigned flags[] = {PROG_RECORD_HAS_MISSES,
                                   PROG_RECORD_HAS_CPU_MISSES,
                                   PROG_RECORD_PRIVATE_STACK};
  const char *srcdir = getenv("srcdir");
  char line[1024];
  snprintf(line, sizeof(line), "%s/doc/values.md",
           srcdir != NULL ? srcdir : ".");
  FILE *doc = fopen(line, "r");
  ck_assert_msg(doc != NULL, "cannot open %s", line);
  static const char header[] = "| program types | `recursion_misses`,";
  do
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), doc));
  while (strncmp(line, header, strlen(header)) != 0);
  ck_assert_ptr_nonnull(fgets(line, sizeof(line), doc)); /* |---| */
  for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
    char row[256];
    format_row(row, sizeof(row), flags[i]);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), doc));
    ck_assert_msg(strncmp(line, row, strlen(row)) == 0, "%s: %s", row, line);
  }
  fclose(doc);
}
END_TEST

START_TEST(prog_type_misses__other_types_and_iterators__have_none) {
  const unsigned all = ~0U & ~(unsigned)PROG_RECORD_ITERATOR;
  size_t counted = 0;
  for (unsigned type = 0; type < 1000; type++)
    counted += prog_type_misses(type, all) != MISSES_UNCOUNTED;
  ck_assert_uint_eq(counted, sizeof(miss_types) / sizeof(miss_types[0]));
  ck_assert_int_eq(prog_type_misses(BPF_PROG_TYPE_TRACING, all),
                   MISSES_OF_ITSELF);
  ck_assert_int_eq(prog_type_misses(BPF_PROG_TYPE_TRACING, ~0U),
                   MISSES_UNCOUNTED);
  ck_assert_int_eq(prog_type_misses(BPF_PROG_TYPE_KPROBE, all), MISSES_OF_CPU);
  ck_assert_int_eq(
      prog_type_misses(BPF_PROG_TYPE_KPROBE, PROG_RECORD_HAS_MISSES),
      MISSES_UNCOUNTED);
}
END_TEST

Suite *prog_type_suite(void) {
  Suite *suite = suite_create("prog_type");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, prog_type_name__libbpf_knows_it__kernel_is_not_read);
  tcase_add_test(core,
                 prog_type_name__libbpf_is_older__is_the_kernels_and_read_once);
  tcase_add_test(core,
                 prog_type_name__kernel_without_btf__is_none_and_asked_once);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits,
                 prog_type_name__kernel_cannot_be_read_now__is_tried_again);
  tcase_add_test(limits, prog_type_name__odd_members__are_not_taken);
  tcase_add_test(limits, prog_type_name__long_name__is_cut_as_in_a_sample);
  tcase_add_test(limits, prog_type_is_name__forms__as_the_kernels);
  tcase_add_test(limits, prog_type_misses__table_in_values_md__is_the_same);
  tcase_add_test(limits,
                 prog_type_misses__other_types_and_iterators__have_none);
  suite_add_tcase(suite, limits);
  return suite;
}
