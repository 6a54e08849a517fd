/* SPDX-License-Identifier: MIT */
/* Unit tests of load_log, with what libbpf 1.1 says on real kernels. */
#include "suites.h"

#include "load_log.h"

#include <string.h>

static struct load_log load_log;

static void setup(void) { load_log = (struct load_log){0}; }

START_TEST(load_log__log_of_the_verifier__its_last_line_is_kept) {
  load_log_take(&load_log,
                "libbpf: prog 'bpf_stats_iter': BPF program load failed: "
                "Invalid argument\n");
  load_log_take(&load_log,
                "libbpf: prog 'bpf_stats_iter': -- BEGIN PROG LOAD LOG --\n"
                "0: R1=ctx(off=0,imm=0) R10=fp0\n"
                "; bpf_probe_read_kernel(&number, sizeof(number), ptr);\n"
                "8: (85) call bpf_probe_read_kernel#113\n"
                "unknown func bpf_probe_read_kernel#113\n"
                "processed 9 insns (limit 1000000) max_states_per_insn 0\n"
                "-- END PROG LOAD LOG --\n");
  load_log_take(&load_log, "libbpf: failed to load object 'prog_iter'\n");
  ck_assert_str_eq(load_log.verifier_line,
                   "unknown func bpf_probe_read_kernel#113");
  ck_assert_str_eq(load_log.warning, "");
}
END_TEST

START_TEST(load_log__log_without_statistics__its_last_line_is_kept) {
  load_log_take(&load_log, "libbpf: prog 'a': -- BEGIN PROG LOAD LOG --\n"
                           "func_info is wrong\n\n"
                           "-- END PROG LOAD LOG --\n");
  ck_assert_str_eq(load_log.verifier_line, "func_info is wrong");
}
END_TEST

START_TEST(load_log__logs_of_two_programs__the_first_counts) {
  load_log_take(&load_log, "-- BEGIN PROG LOAD LOG --\nfirst\n");
  load_log_take(&load_log, "-- BEGIN PROG LOAD LOG --\nsecond\n");
  ck_assert_str_eq(load_log.verifier_line, "first");
}
END_TEST

START_TEST(load_log__advice_about_the_memory_limit__is_left_out) {
  load_log_take(&load_log, "libbpf: Failed to bump RLIMIT_MEMLOCK (err = -1), "
                           "you might need to do it explicitly!\n");
  load_log_take(
      &load_log,
      "libbpf: Error in bpf_object__probe_loading():Permission denied(13). "
      "Couldn't load trivial BPF program. Make sure your kernel supports BPF "
      "(CONFIG_BPF_SYSCALL=y) and/or that RLIMIT_MEMLOCK is set to big enough "
      "value.\n");
  load_log_take(&load_log, "libbpf: permission error while running as root; "
                           "try raising 'ulimit -l'? current value: 8.0 MiB\n");
  ck_assert_str_eq(load_log.warning, "");
  load_log_take(&load_log, "libbpf: kernel BTF is missing\n");
  ck_assert_str_eq(load_log.warning, "kernel BTF is missing");
}
END_TEST

START_TEST(load_log__error_that_the_C_library_does_not_know__is_cut_off) {
  load_log_take(&load_log, "libbpf: prog 'bpf_stats_in_0': failed to attach: "
                           "ERROR: strerror_r(-524)=22\n");
  ck_assert_str_eq(load_log.warning, "prog 'bpf_stats_in_0': failed to attach");
}
END_TEST

START_TEST(load_log__several_warnings__the_first_is_kept) {
  load_log_take(&load_log, "libbpf: first\n");
  load_log_take(&load_log, "libbpf: second\n");
  ck_assert_str_eq(load_log.warning, "first");
}
END_TEST

START_TEST(load_log__bytes_that_are_no_text__become_blanks) {
  load_log_take(&load_log, "libbpf: a\tb\033[1m\xff\n");
  ck_assert_str_eq(load_log.warning, "a b [1m ");
}
END_TEST

START_TEST(load_log__line_of_any_length__is_cut) {
  char message[100000];
  memset(message, 'a', sizeof(message));
  static const char begin[] = "-- BEGIN PROG LOAD LOG --\n";
  memcpy(message, begin, strlen(begin));
  message[sizeof(message) - 1] = '\0';
  load_log_take(&load_log, message);
  ck_assert_uint_eq(strlen(load_log.verifier_line),
                    sizeof(load_log.verifier_line) - 1);
  load_log_take(&load_log, message + strlen(begin));
  ck_assert_uint_eq(strlen(load_log.warning), sizeof(load_log.warning) - 1);
}
END_TEST

START_TEST(load_log__log_without_a_line__keeps_none) {
  load_log_take(&load_log, "-- BEGIN PROG LOAD LOG --\n");
  load_log_take(&load_log, "-- BEGIN PROG LOAD LOG --\nprocessed 0 insns");
  load_log_take(&load_log, "");
  ck_assert_str_eq(load_log.verifier_line, "");
}
END_TEST

Suite *load_log_suite(void) {
  Suite *suite = suite_create("load_log");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, NULL);
  tcase_add_test(core, load_log__log_of_the_verifier__its_last_line_is_kept);
  tcase_add_test(core, load_log__log_without_statistics__its_last_line_is_kept);
  tcase_add_test(core, load_log__logs_of_two_programs__the_first_counts);
  tcase_add_test(core, load_log__advice_about_the_memory_limit__is_left_out);
  tcase_add_test(core,
                 load_log__error_that_the_C_library_does_not_know__is_cut_off);
  tcase_add_test(core, load_log__several_warnings__the_first_is_kept);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, NULL);
  tcase_add_test(limits, load_log__bytes_that_are_no_text__become_blanks);
  tcase_add_test(limits, load_log__line_of_any_length__is_cut);
  tcase_add_test(limits, load_log__log_without_a_line__keeps_none);
  suite_add_tcase(suite, limits);
  return suite;
}
