/* SPDX-License-Identifier: MIT */
/* Unit tests of pins; pin.bats has real pins. */
#include "pins.h"
#include "suites.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[32];
static char file[64];
static char link_to_it[64];

static void setup(void) {
  snprintf(dir, sizeof(dir), "/tmp/bpf_stats_XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(dir));
  snprintf(file, sizeof(file), "%s/file", dir);
  snprintf(link_to_it, sizeof(link_to_it), "%s/link", dir);
  int fd = open(file, O_CREAT | O_EXCL | O_WRONLY, 0600);
  ck_assert_int_ge(fd, 0);
  close(fd);
  ck_assert_int_eq(fchmodat(AT_FDCWD, file, 0600, 0), 0);
}

static void teardown(void) {
  unlink(file);
  unlink(link_to_it);
  rmdir(dir);
}

static void check_file_mode(mode_t mode) {
  struct stat now;
  ck_assert_int_eq(stat(file, &now), 0);
  ck_assert_uint_eq(now.st_mode & 07777, mode);
}

START_TEST(pins_give__symlink__is_refused_and_not_followed) {
  ck_assert_int_eq(symlink(file, link_to_it), 0);
  ck_assert_int_eq(pins_give(link_to_it, getgid(), 0444), -ELOOP);
  check_file_mode(0600);
}
END_TEST

START_TEST(pins_give__directory__is_refused) {
  ck_assert_int_eq(pins_give(dir, getgid(), 0444), -ELOOP);
}
END_TEST

START_TEST(pins_give__missing_file__is_ENOENT) {
  ck_assert_int_eq(pins_give(link_to_it, getgid(), 0444), -ENOENT);
}
END_TEST

START_TEST(pins_give__file__has_the_mode_if_it_can_be_of_root) {
  int rc = pins_give(file, getgid(), 0440);
  ck_assert_int_eq(rc, geteuid() == 0 ? 0 : -EPERM);
  check_file_mode(geteuid() == 0 ? 0440 : 0600);
}
END_TEST

Suite *pins_suite(void) {
  Suite *suite = suite_create("pins");
  TCase *tests = tcase_create("core");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, pins_give__symlink__is_refused_and_not_followed);
  tcase_add_test(tests, pins_give__directory__is_refused);
  tcase_add_test(tests, pins_give__missing_file__is_ENOENT);
  tcase_add_test(tests, pins_give__file__has_the_mode_if_it_can_be_of_root);
  suite_add_tcase(suite, tests);
  return suite;
}
