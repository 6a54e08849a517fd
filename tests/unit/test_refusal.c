/* SPDX-License-Identifier: MIT */
/* Unit tests of refusal, and of the kernel's errors. */
#include "suites.h"

#include "fake_libbpf.h"
#include "kernel_error.h"
#include "refusal.h"

#include <linux/capability.h>

#include <errno.h>
#include <string.h>

#define CAPABILITY(number) ((uint64_t)1 << (number))

static char text[REFUSAL_TEXT_SIZE];
static struct confinement *const confinement = &fake_libbpf.confinement;

/* Root, whom nothing confines. */
static void setup(void) {
  fake_libbpf_reset();
  confinement->capabilities = UINT64_MAX;
}

static void check(int error, enum privilege needs, enum refusal refusal,
                  const char *expected) {
  ck_assert_int_eq(refusal_explain(error, needs, text, sizeof(text)), refusal);
  ck_assert_str_eq(text, expected);
}

START_TEST(kernel_error__an_error_of_the_kernel_itself__has_a_meaning) {
  ck_assert_str_eq(kernel_error_text(-524), "not supported by this kernel");
}
END_TEST

START_TEST(refusal__another_error__is_its_meaning) {
  check(-EINVAL, PRIVILEGE_SYS_ADMIN, REFUSAL_NONE, "Invalid argument");
  check(-524, PRIVILEGE_BPF_AND_PERFMON, REFUSAL_NONE,
        "not supported by this kernel");
}
END_TEST

START_TEST(refusal__capability_is_missing__is_named) {
  confinement->capabilities = CAPABILITY(CAP_BPF);
  check(-EPERM, PRIVILEGE_SYS_ADMIN, REFUSAL_CAPABILITY,
        "Operation not permitted: CAP_SYS_ADMIN is missing");
  check(-EPERM, PRIVILEGE_BPF_AND_PERFMON, REFUSAL_CAPABILITY,
        "Operation not permitted: CAP_PERFMON is missing");
  confinement->capabilities = CAPABILITY(CAP_PERFMON);
  check(-EPERM, PRIVILEGE_BPF_AND_PERFMON, REFUSAL_CAPABILITY,
        "Operation not permitted: CAP_BPF is missing");
  confinement->capabilities = 0;
  check(-EACCES, PRIVILEGE_BPF_AND_PERFMON, REFUSAL_CAPABILITY,
        "Permission denied: CAP_BPF and CAP_PERFMON are missing");
}
END_TEST

START_TEST(refusal__CAP_SYS_ADMIN__is_enough_for_all) {
  confinement->capabilities = CAPABILITY(CAP_SYS_ADMIN);
  ck_assert_int_eq(
      refusal_explain(-EPERM, PRIVILEGE_BPF_AND_PERFMON, text, sizeof(text)),
      REFUSAL_UNKNOWN);
}
END_TEST

START_TEST(refusal__seccomp_filter__is_the_reason_whatever_its_errno) {
  static const int errors[] = {-EPERM, -EACCES, -ENOSYS};
  confinement->seccomp = true;
  confinement->seccomp_error = errors[_i];
  refusal_explain(errors[_i], PRIVILEGE_SYS_ADMIN, text, sizeof(text));
  ck_assert_ptr_nonnull(strstr(text, "a seccomp filter forbids bpf(2)"));
  ck_assert_ptr_nonnull(
      strstr(text, "\"SystemCallFilter=@system-service bpf\""));
}
END_TEST

START_TEST(refusal__seccomp_filter_of_something_else__is_not_the_reason) {
  confinement->seccomp = true;
  check(-EPERM, PRIVILEGE_SYS_ADMIN, REFUSAL_UNKNOWN,
        "Operation not permitted: no capability is missing, so a security "
        "module of the kernel or a seccomp filter forbids it");
}
END_TEST

START_TEST(refusal__kernel_without_bpf__is_told_from_a_filter) {
  confinement->seccomp = true;
  confinement->kernel_lacks_bpf = true;
  check(-ENOSYS, PRIVILEGE_SYS_ADMIN, REFUSAL_KNOWN,
        "Function not implemented: this kernel lacks bpf(2), it needs "
        "CONFIG_BPF_SYSCALL");
}
END_TEST

START_TEST(refusal__user_namespace__capabilities_do_not_count) {
  confinement->user_namespace = true;
  refusal_explain(-EPERM, PRIVILEGE_SYS_ADMIN, text, sizeof(text));
  ck_assert_ptr_nonnull(
      strstr(text, "capabilities in a user namespace do not count for BPF"));
}
END_TEST

START_TEST(refusal__SELinux__names_the_rule) {
  confinement->security_module = SECURITY_MODULE_SELINUX;
  strcpy(confinement->label, "collectd_t");
  check(-EACCES, PRIVILEGE_BPF_AND_PERFMON, REFUSAL_KNOWN,
        "Permission denied: SELinux forbids it; its policy needs \"allow "
        "collectd_t self:bpf { map_create map_read map_write prog_load "
        "prog_run };\"");
  check(-EPERM, PRIVILEGE_BPF_AND_PERFMON, REFUSAL_KNOWN,
        "Operation not permitted: SELinux forbids it; its policy needs \"allow "
        "collectd_t self:capability2 { bpf perfmon };\"");
  check(-EPERM, PRIVILEGE_SYS_ADMIN, REFUSAL_KNOWN,
        "Operation not permitted: SELinux forbids it; its policy needs \"allow "
        "collectd_t self:capability sys_admin;\"");
  check(-EACCES, PRIVILEGE_SYS_ADMIN, REFUSAL_KNOWN,
        "Permission denied: SELinux forbids it; its policy needs \"allow "
        "collectd_t domain:bpf { map_read map_write prog_run };\"");
}
END_TEST

START_TEST(refusal__AppArmor__names_the_rule) {
  confinement->security_module = SECURITY_MODULE_APPARMOR;
  strcpy(confinement->label, "collectd");
  check(-EPERM, PRIVILEGE_SYS_ADMIN, REFUSAL_KNOWN,
        "Operation not permitted: AppArmor forbids it; the profile collectd "
        "needs \"capability sys_admin,\"");
  check(-EPERM, PRIVILEGE_BPF_AND_PERFMON, REFUSAL_KNOWN,
        "Operation not permitted: AppArmor forbids it; the profile collectd "
        "needs \"capability bpf perfmon,\"");
}
END_TEST

START_TEST(refusal__pin_that_may_not_be_read__says_what_helps) {
  confinement->capabilities = 0;
  check(-EACCES, PRIVILEGE_NONE, REFUSAL_KNOWN,
        "Permission denied: a pin has to be readable for collectd "
        "(bpf_stats_pin --group)");
}
END_TEST

START_TEST(refusal__longest_texts__are_whole) {
  confinement->security_module = SECURITY_MODULE_SELINUX;
  memset(confinement->label, 'a', sizeof(confinement->label) - 1);
  refusal_explain(-EACCES, PRIVILEGE_BPF_AND_PERFMON, text, sizeof(text));
  ck_assert_str_eq(text + strlen(text) - 3, "};\"");
}
END_TEST

START_TEST(refusal_of_verifier__what_is_known__has_its_remedy) {
  ck_assert_ptr_nonnull(
      strstr(refusal_of_verifier("unknown func bpf_probe_read#4"), "lockdown"));
  ck_assert_ptr_nonnull(strstr(refusal_of_verifier("callbacks are not allowed "
                                                   "in non-JITed programs"),
                               "net.core.bpf_jit_enable=1"));
  ck_assert_str_eq(refusal_of_verifier("R1 invalid mem access 'scalar'"), "");
}
END_TEST

/* What libbpf 1.1 says, and later ones. */
START_TEST(refusal_of_libbpf__no_BTF__is_said_with_its_remedy) {
  static const char *const warnings[] = {
      "failed to find valid kernel BTF",
      "kernel BTF is missing at '/sys/kernel/btf/vmlinux', was "
      "CONFIG_DEBUG_INFO_BTF enabled?"};
  for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++)
    ck_assert_str_eq(refusal_of_libbpf(warnings[i]),
                     "the kernel has no BTF in /sys/kernel/btf/vmlinux; that "
                     "takes CONFIG_DEBUG_INFO_BTF");
  ck_assert_ptr_null(refusal_of_libbpf("map 'anchor': failed to create"));
}
END_TEST

Suite *refusal_suite(void) {
  Suite *suite = suite_create("refusal");
  TCase *tests = tcase_create("refusal");
  tcase_add_checked_fixture(tests, setup, NULL);
  tcase_add_test(tests,
                 kernel_error__an_error_of_the_kernel_itself__has_a_meaning);
  tcase_add_test(tests, refusal__another_error__is_its_meaning);
  tcase_add_test(tests, refusal__capability_is_missing__is_named);
  tcase_add_test(tests, refusal__CAP_SYS_ADMIN__is_enough_for_all);
  tcase_add_loop_test(
      tests, refusal__seccomp_filter__is_the_reason_whatever_its_errno, 0, 3);
  tcase_add_test(tests,
                 refusal__seccomp_filter_of_something_else__is_not_the_reason);
  tcase_add_test(tests, refusal__kernel_without_bpf__is_told_from_a_filter);
  tcase_add_test(tests, refusal__user_namespace__capabilities_do_not_count);
  tcase_add_test(tests, refusal__SELinux__names_the_rule);
  tcase_add_test(tests, refusal__AppArmor__names_the_rule);
  tcase_add_test(tests, refusal__pin_that_may_not_be_read__says_what_helps);
  tcase_add_test(tests, refusal__longest_texts__are_whole);
  tcase_add_test(tests, refusal_of_verifier__what_is_known__has_its_remedy);
  tcase_add_test(tests, refusal_of_libbpf__no_BTF__is_said_with_its_remedy);
  suite_add_tcase(suite, tests);
  return suite;
}
