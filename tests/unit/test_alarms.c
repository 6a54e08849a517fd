/* SPDX-License-Identifier: MIT */
/* Unit tests of alarms: what is told, and that it is told once. */
#include "suites.h"

#include "alarms.h"

#include <stdio.h>

static struct alarms alarms;
static char told[512]; /* a sign for the change, and the name */

static void tell(const void *context, const char *name,
                 const struct group *group, enum alarm_change change) {
  static const char signs[] = {
      [ALARM_RAISED] = '+',     [ALARM_CALM] = '-',
      [ALARM_GONE] = '0',       [ALARM_STATISTICS_OFF] = '?',
      [ALARM_UNREADABLE] = '!', [ALARM_STOPPED] = '.',
      [ALARM_UNCOUNTED] = '#',
  };
  (void)context;
  (void)group;
  size_t len = strlen(told);
  snprintf(told + len, sizeof(told) - len, "%c%s", signs[change], name);
}

static void setup(void) {
  alarms = (struct alarms){0};
  told[0] = '\0';
}

static void teardown(void) { alarms_clear(&alarms); }

static struct group make_group(const char *name, uint64_t cnt,
                               uint64_t misses) {
  return (struct group){.name = name,
                        .skipping = {.cnt = cnt, .misses = misses},
                        .misses = 1U << MISSES_OF_ITSELF};
}

static void check(const char *name, uint64_t cnt, uint64_t misses) {
  const struct group group = make_group(name, cnt, misses);
  alarms_check(&alarms, &group, 0.01, tell);
}

static void settle(void) { alarms_settle(&alarms, ALARM_GONE, tell); }

/* An interval in which nothing is measured. */
static void pass_unmeasured(enum alarm_change reason) {
  alarms_settle(&alarms, reason, tell);
}

/* Only some programs of the group are measured. */
static void check_part(const char *name, uint64_t cnt, uint64_t misses) {
  struct group group = make_group(name, cnt, misses);
  group.unmeasured = 1;
  alarms_check(&alarms, &group, 0.01, tell);
}

static void check_interval(const char *name, uint64_t cnt, uint64_t misses) {
  check(name, cnt, misses);
  settle();
}

START_TEST(alarms__above_for_long__is_told_once) {
  for (int i = 0; i < 5; i++)
    check_interval("a", 90, 10);
  ck_assert_str_eq(told, "+a");
}
END_TEST

START_TEST(alarms__below_for_two_intervals__is_told_once) {
  check_interval("a", 90, 10);
  check_interval("a", 99, 1); /* 0.01 is not above */
  ck_assert_str_eq(told, "+a");
  for (int i = 0; i < 5; i++)
    check_interval("a", 100, 0);
  ck_assert_str_eq(told, "+a-a");
  check_interval("a", 90, 10);
  ck_assert_str_eq(told, "+a-a+a");
}
END_TEST

START_TEST(alarms__below_for_one_interval__stays_raised) {
  for (int i = 0; i < 5; i++) {
    check_interval("a", 90, 10);
    check_interval("a", 100, 0);
  }
  ck_assert_str_eq(told, "+a");
}
END_TEST

START_TEST(alarms__fewer_than_100_attempts__raise_none_and_end_none) {
  check_interval("a", 0, 99);
  check_interval("a", 98, 1);
  ck_assert_str_eq(told, "");
  check_interval("a", 0, 100);
  ck_assert_str_eq(told, "+a");
  for (int i = 0; i < 5; i++)
    check_interval("a", 50, 40);
  ck_assert_str_eq(told, "+a");
}
END_TEST

START_TEST(alarms__largest_counts__do_not_wrap) {
  check_interval("a", UINT64_MAX, UINT64_MAX);
  ck_assert_str_eq(told, "+a");
}
END_TEST

START_TEST(alarms__idle_or_gone__ends_after_two_intervals) {
  check("idle", 90, 10);
  check("gone", 90, 10);
  settle();
  check_interval("idle", 0, 0);
  check_interval("idle", 0, 0);
  ck_assert_str_eq(told, "+idle+gone-idle0gone");
  settle();
  ck_assert_str_eq(told, "+idle+gone-idle0gone");
}
END_TEST

START_TEST(alarms__not_measured_for_two_intervals__ends_and_says_why) {
  check_interval("a", 90, 10);
  pass_unmeasured(ALARM_STATISTICS_OFF);
  ck_assert_str_eq(told, "+a");
  for (int i = 0; i < 3; i++)
    pass_unmeasured(ALARM_STATISTICS_OFF);
  ck_assert_str_eq(told, "+a?a");
  check_interval("a", 90, 10);
  pass_unmeasured(ALARM_STATISTICS_OFF);
  pass_unmeasured(ALARM_UNREADABLE);
  ck_assert_str_eq(told, "+a?a+a!a");
}
END_TEST

START_TEST(alarms__not_measured_for_one_interval__is_not_calm) {
  check_interval("a", 90, 10);
  for (int i = 0; i < 5; i++) {
    pass_unmeasured(ALARM_STATISTICS_OFF);
    check_interval("a", 100, 0);
    pass_unmeasured(ALARM_STATISTICS_OFF);
    check_interval("a", 90, 10);
  }
  ck_assert_str_eq(told, "+a");
}
END_TEST

/* Each other interval: neither is twice in a row. */
START_TEST(alarms__calm_and_not_measured_in_turn__ends) {
  check_interval("a", 90, 10);
  check_interval("a", 100, 0);
  pass_unmeasured(ALARM_STATISTICS_OFF);
  check_interval("a", 100, 0);
  ck_assert_str_eq(told, "+a-a");
}
END_TEST

START_TEST(alarms__measured_in_part__raises_but_is_not_calm) {
  check_part("a", 90, 10);
  settle();
  ck_assert_str_eq(told, "+a");
  check_interval("a", 100, 0);
  check_part("a", 100, 0);
  settle();
  ck_assert_str_eq(told, "+a");
  check_part("a", 0, 0);
  settle();
  ck_assert_str_eq(told, "+a!a");
  check_part("a", 100, 0);
  settle();
  ck_assert_str_eq(told, "+a!a");
}
END_TEST

START_TEST(alarms_stop__raised__each_ends_once) {
  check("a", 90, 10);
  check("b", 100, 0);
  check("c", 90, 10);
  settle();
  alarms_stop(&alarms, tell);
  ck_assert_str_eq(told, "+a+c.a.c");
  alarms_stop(&alarms, tell);
  settle();
  ck_assert_str_eq(told, "+a+c.a.c");
}
END_TEST

START_TEST(alarms__several__each_has_its_own_state) {
  check("a", 90, 10);
  check("b", 100, 0);
  check("c", 90, 10);
  settle();
  for (int i = 0; i < 2; i++) {
    check("a", 100, 0);
    check("b", 90, 10);
    check("c", 90, 10);
    settle();
  }
  ck_assert_str_eq(told, "+a+c+b-a");
}
END_TEST

START_TEST(alarms__misses_are_not_counted_any_more__ends_and_says_so) {
  check_interval("a", 90, 10);
  struct group group = make_group("a", 90, 10);
  group.misses |= 1U << MISSES_UNCOUNTED;
  for (int i = 0; i < 3; i++) {
    alarms_check(&alarms, &group, 0.01, tell);
    settle();
  }
  ck_assert_str_eq(told, "+a#a");
}
END_TEST

static size_t changes_num;

static void count_change(const void *context, const char *name,
                         const struct group *group, enum alarm_change change) {
  (void)context;
  (void)name;
  (void)group;
  (void)change;
  changes_num++;
}

START_TEST(alarms__ever_new_names__are_bounded_and_end) {
  changes_num = 0;
  for (int i = 0; i < 3 * ALARMS_MAX; i++) {
    char name[16];
    snprintf(name, sizeof(name), "n%d", i * 7919 % (3 * ALARMS_MAX));
    const struct group group = make_group(name, 90, 10);
    alarms_check(&alarms, &group, 0.01, count_change);
  }
  ck_assert_uint_eq(changes_num, ALARMS_MAX);
  ck_assert(alarms.is_full);
  for (int i = 0; i <= ALARMS_INTERVALS; i++)
    alarms_settle(&alarms, ALARM_GONE, count_change);
  ck_assert_uint_eq(changes_num, 2 * ALARMS_MAX);
  ck_assert_uint_eq(alarms.num, 0);
  check("last", 90, 10);
  ck_assert_str_eq(told, "+last");
  ck_assert(!alarms.is_full);
}
END_TEST

Suite *alarms_suite(void) {
  Suite *suite = suite_create("alarms");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, alarms__above_for_long__is_told_once);
  tcase_add_test(core, alarms__below_for_two_intervals__is_told_once);
  tcase_add_test(core, alarms__below_for_one_interval__stays_raised);
  tcase_add_test(core,
                 alarms__fewer_than_100_attempts__raise_none_and_end_none);
  tcase_add_test(core, alarms__largest_counts__do_not_wrap);
  tcase_add_test(core, alarms__idle_or_gone__ends_after_two_intervals);
  tcase_add_test(core,
                 alarms__not_measured_for_two_intervals__ends_and_says_why);
  tcase_add_test(core, alarms__not_measured_for_one_interval__is_not_calm);
  tcase_add_test(core, alarms__calm_and_not_measured_in_turn__ends);
  tcase_add_test(core, alarms__measured_in_part__raises_but_is_not_calm);
  tcase_add_test(core, alarms_stop__raised__each_ends_once);
  tcase_add_test(core, alarms__several__each_has_its_own_state);
  tcase_add_test(core,
                 alarms__misses_are_not_counted_any_more__ends_and_says_so);
  tcase_add_test(core, alarms__ever_new_names__are_bounded_and_end);
  suite_add_tcase(suite, core);
  return suite;
}
