/* SPDX-License-Identifier: MIT */
/* Unit tests of churn: loads and unloads out of ids and program numbers. */
#include "suites.h"

#include "churn.h"

#include <limits.h>

START_TEST(churn__programs_before_the_start__count_nothing) {
  struct churn churn = {0};
  churn_see(&churn, 3, 100, false);
  churn_see(&churn, 90, 200, false);
  churn_settle(&churn, 2);
  ck_assert_uint_eq(churn.loaded, 0);
  ck_assert_uint_eq(churn.unloaded, 0);
}
END_TEST

START_TEST(churn__short_lived_programs__count_when_a_younger_one_shows) {
  struct churn churn = {0};
  churn_see(&churn, 10, 100, false);
  churn_settle(&churn, 1);
  /* 11 to 14 came and went; 15 stays. */
  churn_see(&churn, 15, 200, true);
  churn_settle(&churn, 2);
  ck_assert_uint_eq(churn.loaded, 5);
  ck_assert_uint_eq(churn.unloaded, 4);
}
END_TEST

START_TEST(churn__all_unloaded__counts_unloads_alone) {
  struct churn churn = {0};
  churn_see(&churn, 10, 100, false);
  churn_see(&churn, 11, 100, false);
  churn_settle(&churn, 2);
  churn_settle(&churn, 0);
  ck_assert_uint_eq(churn.loaded, 0);
  ck_assert_uint_eq(churn.unloaded, 2);
}
END_TEST

START_TEST(churn__no_program_at_the_start__first_load_is_one) {
  struct churn churn = {0};
  churn_settle(&churn, 0);
  churn_see(&churn, 5000, 100, true);
  churn_settle(&churn, 1);
  ck_assert_uint_eq(churn.loaded, 1);
  ck_assert_uint_eq(churn.unloaded, 0);
}
END_TEST

START_TEST(churn__ids_wrap__go_on_counting) {
  struct churn churn = {0};
  churn_see(&churn, 7, 50, false);
  churn_see(&churn, INT_MAX - 2, 100, false);
  churn_settle(&churn, 2);
  /* INT_MAX - 1 is the last id; then come 1 and 2, and 7 is taken. */
  churn_see(&churn, 2, 200, true);
  churn_settle(&churn, 3);
  ck_assert_uint_eq(churn.loaded, 3);
  ck_assert_uint_eq(churn.unloaded, 2);
}
END_TEST

START_TEST(churn__start_after_a_wrap__newest_is_by_load_time) {
  struct churn churn = {0};
  churn_see(&churn, 4, 300, false);
  churn_see(&churn, 2000000000, 100, false);
  churn_settle(&churn, 2);
  churn_see(&churn, 6, 400, true);
  churn_settle(&churn, 3);
  ck_assert_uint_eq(churn.loaded, 2);
  ck_assert_uint_eq(churn.unloaded, 1);
}
END_TEST

START_TEST(churn__ids_in_the_other_order__is_no_wrap) {
  struct churn churn = {0};
  churn_see(&churn, 10, 100, false);
  churn_settle(&churn, 1);
  churn_see(&churn, 12, 210, true);
  churn_see(&churn, 11, 220, true);
  churn_settle(&churn, 3);
  ck_assert_uint_eq(churn.loaded, 2);
  ck_assert_uint_eq(churn.unloaded, 0);
}
END_TEST

START_TEST(churn__more_programs_than_loads_explain__never_falls) {
  struct churn churn = {0};
  churn_see(&churn, 10, 100, false);
  churn_settle(&churn, 5);
  churn_settle(&churn, 2);
  ck_assert_uint_eq(churn.unloaded, 3);
  churn_settle(&churn, 9);
  ck_assert_uint_eq(churn.unloaded, 3);
}
END_TEST

/* As only a damaged map could say. */
START_TEST(churn_settle__after_counts_near_the_end__does_not_overflow) {
  struct churn churn = {0};
  churn_count(&churn, UINT64_MAX / 2 + 1, 0);
  churn_settle(&churn, 3);
  ck_assert_uint_eq(churn.loaded, UINT64_MAX / 2 + 1);
  churn_count(&churn, 0, UINT64_MAX);
  churn_settle(&churn, 3);
}
END_TEST

Suite *churn_suite(void) {
  Suite *suite = suite_create("churn");
  TCase *core = tcase_create("core");
  tcase_add_test(core, churn__programs_before_the_start__count_nothing);
  tcase_add_test(core,
                 churn__short_lived_programs__count_when_a_younger_one_shows);
  tcase_add_test(core, churn__all_unloaded__counts_unloads_alone);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_test(limits, churn__no_program_at_the_start__first_load_is_one);
  tcase_add_test(limits, churn__ids_wrap__go_on_counting);
  tcase_add_test(limits, churn__start_after_a_wrap__newest_is_by_load_time);
  tcase_add_test(limits, churn__ids_in_the_other_order__is_no_wrap);
  tcase_add_test(limits, churn__more_programs_than_loads_explain__never_falls);
  tcase_add_test(limits,
                 churn_settle__after_counts_near_the_end__does_not_overflow);
  suite_add_tcase(suite, limits);
  return suite;
}
