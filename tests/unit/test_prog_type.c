/* SPDX-License-Identifier: MIT */
/* Unit tests of prog_type: libbpf's names first, then the kernel's. The fake
 * libbpf knows the types up to xdp, which is 6. */
#include "suites.h"

#include "fake_libbpf.h"
#include "prog_type.h"

#include <errno.h>

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
  suite_add_tcase(suite, limits);
  return suite;
}
