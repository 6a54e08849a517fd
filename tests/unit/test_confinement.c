/* SPDX-License-Identifier: MIT */
/* Unit tests of confinement, with files as the kernel has them. */
#include "suites.h"

#include "confinement.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[] = "/tmp/confinement.XXXXXX";
static struct confinement confinement;

static void put(const char *path, const char *text) {
  char whole[200];
  snprintf(whole, sizeof(whole), "%s%s", root, path);
  for (char *slash = whole + strlen(root) + 1;
       (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = '\0';
    ck_assert(mkdir(whole, 0700) == 0 || errno == EEXIST);
    *slash = '/';
  }
  FILE *file = fopen(whole, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_ge(fputs(text, file), 0);
  ck_assert_int_eq(fclose(file), 0);
}

/* Root on the host, without any module. */
static void setup(void) {
  strcpy(strrchr(root, '.'), ".XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(root));
  put("/proc/self/status", "Name:\tcollectd\nCapInh:\t0000000000000000\n"
                           "CapEff:\t000001ffffffffff\nSeccomp:\t0\n"
                           "Seccomp_filters:\t0\n");
  put("/proc/self/uid_map", "         0          0 4294967295\n");
  put("/proc/sys/kernel/ostype", "Linux\n");
  put("/proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
}

static int remove_one(const char *path, const struct stat *stat, int type,
                      struct FTW *ftw) {
  (void)stat;
  (void)type;
  (void)ftw;
  return remove(path);
}

static void teardown(void) { nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

START_TEST(confinement__root_on_the_host__is_not_confined) {
  confinement_read_files(root, &confinement);
  ck_assert_uint_eq(confinement.capabilities, 0x1ffffffffff);
  ck_assert(!confinement.user_namespace && !confinement.seccomp);
  ck_assert(!confinement.kernel_lacks_bpf);
  ck_assert_int_eq(confinement.security_module, SECURITY_MODULE_NONE);
}
END_TEST

START_TEST(confinement__status__has_capabilities_and_seccomp) {
  put("/proc/self/status", "CapEff:\t000000c000000000\nSeccomp:\t2\n");
  confinement_read_files(root, &confinement);
  ck_assert_uint_eq(confinement.capabilities, 0xc000000000);
  ck_assert(confinement.seccomp);
}
END_TEST

START_TEST(confinement__ids_are_mapped__is_a_user_namespace) {
  put("/proc/self/uid_map", "         0     100000      65536\n");
  confinement_read_files(root, &confinement);
  ck_assert(confinement.user_namespace);
}
END_TEST

START_TEST(confinement__SELinux_enforces__knows_the_type) {
  put("/proc/self/attr/current", "system_u:system_r:collectd_t:s0");
  put("/sys/fs/selinux/enforce", "1");
  confinement_read_files(root, &confinement);
  ck_assert_int_eq(confinement.security_module, SECURITY_MODULE_SELINUX);
  ck_assert_str_eq(confinement.label, "collectd_t");
}
END_TEST

START_TEST(confinement__SELinux_without_its_files__may_enforce) {
  put("/proc/self/attr/current", "system_u:system_r:container_t:s0:c1,c2");
  confinement_read_files(root, &confinement);
  ck_assert_int_eq(confinement.security_module, SECURITY_MODULE_SELINUX);
  ck_assert_str_eq(confinement.label, "container_t");
}
END_TEST

START_TEST(confinement__SELinux_permissive__forbids_nothing) {
  put("/proc/self/attr/current", "system_u:system_r:collectd_t:s0");
  put("/sys/fs/selinux/enforce", "0");
  confinement_read_files(root, &confinement);
  ck_assert_int_eq(confinement.security_module, SECURITY_MODULE_NONE);
}
END_TEST

START_TEST(confinement__AppArmor_enforces__knows_the_profile) {
  put("/proc/self/attr/current", "/usr/sbin/collectd (enforce)\n");
  confinement_read_files(root, &confinement);
  ck_assert_int_eq(confinement.security_module, SECURITY_MODULE_APPARMOR);
  ck_assert_str_eq(confinement.label, "/usr/sbin/collectd");
}
END_TEST

START_TEST(confinement__AppArmor_does_not_confine__forbids_nothing) {
  static const char *const labels[] = {"unconfined\n", "collectd (complain)\n"};
  put("/proc/self/attr/current", labels[_i]);
  confinement_read_files(root, &confinement);
  ck_assert_int_eq(confinement.security_module, SECURITY_MODULE_NONE);
}
END_TEST

START_TEST(confinement__kernel_without_bpf__is_known) {
  char path[200];
  snprintf(path, sizeof(path), "%s/proc/sys/kernel/unprivileged_bpf_disabled",
           root);
  ck_assert_int_eq(remove(path), 0);
  confinement_read_files(root, &confinement);
  ck_assert(confinement.kernel_lacks_bpf);
}
END_TEST

START_TEST(confinement__no_file_at_all__is_no_obstacle) {
  confinement_read_files("/nonexistent", &confinement);
  ck_assert_uint_eq(confinement.capabilities, UINT64_MAX);
  ck_assert(!confinement.user_namespace && !confinement.seccomp);
  ck_assert(!confinement.kernel_lacks_bpf);
  ck_assert_int_eq(confinement.security_module, SECURITY_MODULE_NONE);
}
END_TEST

START_TEST(confinement__nonsense_in_files__is_bounded) {
  char text[5000];
  memset(text, '\033', sizeof(text));
  text[sizeof(text) - 1] = '\0';
  put("/proc/self/status", text);
  put("/proc/self/uid_map", text);
  text[0] = text[1] = ':';
  put("/proc/self/attr/current", text);
  confinement_read_files(root, &confinement);
  ck_assert_uint_eq(confinement.capabilities, UINT64_MAX);
  ck_assert_uint_eq(strlen(confinement.label), sizeof(confinement.label) - 1);
  ck_assert_uint_eq(strspn(confinement.label, "?"), strlen(confinement.label));
}
END_TEST

START_TEST(confinement__line_of_many_groups__does_not_hide_the_others) {
  char text[5000] = "Groups:\t";
  while (strlen(text) < 4000)
    strcat(text, "1000 ");
  strcat(text, "\nCapEff:\t0000000000000001\nSeccomp:\t2\n");
  put("/proc/self/status", text);
  confinement_read_files(root, &confinement);
  ck_assert_uint_eq(confinement.capabilities, 1);
  ck_assert(confinement.seccomp);
}
END_TEST

Suite *confinement_suite(void) {
  Suite *suite = suite_create("confinement");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, confinement__root_on_the_host__is_not_confined);
  tcase_add_test(core, confinement__status__has_capabilities_and_seccomp);
  tcase_add_test(core, confinement__ids_are_mapped__is_a_user_namespace);
  tcase_add_test(core, confinement__SELinux_enforces__knows_the_type);
  tcase_add_test(core, confinement__SELinux_without_its_files__may_enforce);
  tcase_add_test(core, confinement__SELinux_permissive__forbids_nothing);
  tcase_add_test(core, confinement__AppArmor_enforces__knows_the_profile);
  tcase_add_loop_test(
      core, confinement__AppArmor_does_not_confine__forbids_nothing, 0, 2);
  tcase_add_test(core, confinement__kernel_without_bpf__is_known);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits, confinement__no_file_at_all__is_no_obstacle);
  tcase_add_test(limits, confinement__nonsense_in_files__is_bounded);
  tcase_add_test(limits,
                 confinement__line_of_many_groups__does_not_hide_the_others);
  suite_add_tcase(suite, limits);
  return suite;
}
