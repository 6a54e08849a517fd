/* SPDX-License-Identifier: MIT */
/* Unit tests of groups: what happens to totals and deltas when programs come,
 * go, come back, and when walks fail. */
#include "suites.h"

#include "groups_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void update(void) {
  ck_assert_int_eq(groups_update(groups, PART_WHOLE, &snapshot), 0);
}

static void check_group(const char *name, uint64_t total, uint64_t delta) {
  const struct group *group = find_group(name);
  ck_assert_msg(group != NULL, "no group %s", name);
  check_stats(group->total, total);
  check_stats(group->delta, delta);
}

static void check_host(uint64_t total, uint64_t delta) {
  check_stats(groups_host(groups)->group.total, total);
  check_stats(groups_host(groups)->group.delta, delta);
}

START_TEST(groups_update__first_read__totals_are_the_kernels_without_delta) {
  begin_snapshot(1000);
  program(1, 100, "a", 5);
  program(2, 200, "b", 7);
  update();
  check_group("a", 5, 0);
  check_group("b", 7, 0);
  check_host(12, 0);
  ck_assert_uint_eq(groups_host(groups)->delta_ns, 0);
  ck_assert_uint_eq(find_group("a")->unmeasured, 1);
  ck_assert_uint_eq(groups_host(groups)->group.programs, 2);
  ck_assert_uint_eq(groups_host(groups)->group.unmeasured, 2);
}
END_TEST

START_TEST(groups_update__second_read__delta_is_what_was_added) {
  begin_snapshot(1000);
  program(1, 100, "a", 5);
  update();
  begin_snapshot(3500);
  program(1, 100, "a", 9);
  update();
  check_group("a", 9, 4);
  check_host(9, 4);
  ck_assert_uint_eq(groups_host(groups)->delta_ns, 2500);
  ck_assert_uint_eq(find_group("a")->unmeasured, 0);
}
END_TEST

START_TEST(groups_update__two_programs_of_one_name__are_summed) {
  begin_snapshot(1000);
  program(1, 100, "a", 5);
  program(2, 100, "a", 6);
  update();
  begin_snapshot(2000);
  program(1, 100, "a", 6);
  program(2, 100, "a", 8);
  update();
  ck_assert_uint_eq(count_groups(), 1);
  check_group("a", 14, 3);
  ck_assert_uint_eq(find_group("a")->programs, 2);
  ck_assert_uint_eq(find_group("a")->memory_bytes, 8192);
}
END_TEST

START_TEST(groups_update__equal_safe_names__are_one_group) {
  begin_snapshot(1000);
  program(1, 100, "a.b", 5);
  program(2, 100, "a_b", 6);
  program(3, 100, "a/b", 7);
  update();
  ck_assert_uint_eq(count_groups(), 1);
  check_group("a_b", 18, 0);
}
END_TEST

START_TEST(groups_update__born_in_this_interval__counts_all) {
  begin_snapshot(1000);
  update();
  begin_snapshot(2000);
  program(1, 1500, "a", 5);
  update();
  check_group("a", 5, 5);
  check_host(5, 5);
  ck_assert_uint_eq(find_group("a")->unmeasured, 0);
}
END_TEST

START_TEST(groups_update__verified_longer_than_an_interval__counts_all) {
  /* load_time is taken before verification, the id after it. */
  begin_snapshot(1000);
  update();
  begin_snapshot(2000);
  program(1, 900, "slow", 5);
  update();
  check_group("slow", 5, 5);
}
END_TEST

START_TEST(groups_update__program_reloaded__total_does_not_drop) {
  begin_snapshot(1000);
  program(1, 100, "a", 50);
  update();
  begin_snapshot(2000);
  program(9, 1500, "a", 3);
  update();
  check_group("a", 53, 3);
  check_host(53, 3);
}
END_TEST

START_TEST(groups_update__program_unloaded__group_ends_and_host_stays) {
  begin_snapshot(1000);
  program(1, 100, "a", 50);
  program(2, 100, "b", 1);
  update();
  begin_snapshot(2000);
  program(2, 100, "b", 2);
  update();
  ck_assert_ptr_null(find_group("a"));
  check_host(52, 1);
  ck_assert_uint_eq(groups_host(groups)->group.programs, 1);
  ck_assert_uint_eq(groups_host(groups)->churn.unloaded, 1);
}
END_TEST

START_TEST(groups_update__one_of_two_unloaded__total_does_not_drop) {
  begin_snapshot(1000);
  program(1, 100, "a", 50);
  program(2, 100, "a", 1);
  update();
  begin_snapshot(2000);
  program(2, 100, "a", 2);
  update();
  check_group("a", 52, 1);
  ck_assert_uint_eq(find_group("a")->programs, 1);
}
END_TEST

START_TEST(groups_update__program_returns_after_a_gap__total_goes_on) {
  begin_snapshot(1000);
  program(1, 100, "a", 50);
  update();
  begin_snapshot(2000);
  update();
  ck_assert_uint_eq(count_groups(), 0);
  begin_snapshot(3000);
  program(5, 2500, "a", 4);
  update();
  check_group("a", 54, 4);
}
END_TEST

START_TEST(groups_update__id_reused_with_other_load_time__is_another_program) {
  begin_snapshot(1000);
  program(1, 100, "a", 50);
  update();
  begin_snapshot(2000);
  program(1, 1500, "b", 60);
  update();
  ck_assert_ptr_null(find_group("a"));
  check_group("b", 60, 60);
  check_host(110, 60);
}
END_TEST

START_TEST(groups_update__id_and_name_reused__does_not_subtract_the_old) {
  begin_snapshot(1000);
  program(1, 100, "a", 50);
  update();
  begin_snapshot(2000);
  program(1, 1500, "a", 60);
  update();
  check_group("a", 110, 60);
}
END_TEST

START_TEST(groups_update__counter_falls__total_stays_and_never_counts_twice) {
  begin_snapshot(1000);
  program(1, 100, "a", 50);
  update();
  begin_snapshot(2000);
  program(1, 100, "a", 40);
  update();
  check_group("a", 50, 0);
  begin_snapshot(3000);
  program(1, 100, "a", 55);
  update();
  check_group("a", 55, 5);
}
END_TEST

START_TEST(groups_update__incomplete_walk__concludes_nothing_about_the_rest) {
  begin_snapshot(1000);
  program(1, 100, "a", 10);
  program(2, 100, "b", 20);
  update();
  begin_snapshot(2000);
  program(1, 100, "a", 11);
  snapshot.complete = false;
  update();
  check_group("a", 11, 1);
  check_group("b", 20, 0);
  ck_assert_uint_eq(find_group("b")->unmeasured, 1);
  ck_assert_uint_eq(groups_host(groups)->churn.unloaded, 0);
  begin_snapshot(3000);
  program(1, 100, "a", 12);
  program(2, 100, "b", 26);
  update();
  /* b's total catches up; what it counted in two intervals is in no delta. */
  check_group("b", 26, 0);
  check_host(38, 1);
  begin_snapshot(4000);
  program(1, 100, "a", 12);
  program(2, 100, "b", 27);
  update();
  check_group("b", 27, 1);
}
END_TEST

START_TEST(groups_update__first_walk_incomplete__rest_gives_a_baseline) {
  begin_snapshot(1000);
  program(1, 100, "a", 10);
  snapshot.complete = false;
  update();
  begin_snapshot(2000);
  program(1, 100, "a", 11);
  program(2, 100, "old", 1000000);
  program(3, 1500, "new", 4);
  update();
  check_group("old", 1000000, 0);
  check_group("new", 4, 4);
  ck_assert_uint_eq(find_group("old")->unmeasured, 1);
  ck_assert_uint_eq(groups_host(groups)->churn.loaded, 1);
  ck_assert_uint_eq(groups_host(groups)->churn.unloaded, 0);
}
END_TEST

START_TEST(groups_update__program_unreadable__is_kept_and_catches_up) {
  begin_snapshot(1000);
  program(1, 100, "a", 10);
  program(2, 100, "b", 1);
  update();
  begin_snapshot(2000);
  unreadable(1);
  program(2, 100, "b", 2);
  update();
  check_group("a", 10, 0);
  ck_assert_uint_eq(find_group("a")->programs, 1);
  ck_assert_uint_eq(groups_host(groups)->read_errors, 1);
  begin_snapshot(3000);
  program(1, 100, "a", 15);
  program(2, 100, "b", 2);
  update();
  check_group("a", 15, 0);
  check_host(17, 0);
}
END_TEST

START_TEST(groups_update__first_seen_unreadable__gives_a_baseline_later) {
  begin_snapshot(1000);
  unreadable(1);
  update();
  ck_assert_uint_eq(groups_host(groups)->group.programs, 1);
  ck_assert_uint_eq(count_groups(), 0);
  begin_snapshot(2000);
  program(1, 100, "a", 70);
  update();
  check_group("a", 70, 0);
}
END_TEST

START_TEST(groups_update__folded_past_the_limit__nothing_is_lost) {
  groups_start(2, "name");
  begin_snapshot(1000);
  program(1, 100, "a", 1);
  program(2, 100, "b", 2);
  program(3, 100, "c", 3);
  program(4, 100, "d", 4);
  update();
  ck_assert_uint_eq(count_groups(), 3);
  check_group("_other", 7, 0);
  check_host(10, 0);
  ck_assert_uint_eq(groups_host(groups)->folded_programs, 2);
  begin_snapshot(2000);
  program(1, 100, "a", 1);
  program(2, 100, "b", 2);
  program(3, 100, "c", 4);
  program(4, 100, "d", 6);
  update();
  check_group("_other", 10, 3);
  ck_assert_uint_eq(groups_host(groups)->folded_programs, 2);
}
END_TEST

static const uint64_t HOUR_NS = GROUP_IDLE_MIN_NS;

static void check_folded(size_t num) {
  ck_assert_uint_eq(groups_host(groups)->folded_programs, num);
}

START_TEST(groups_update__idle_for_less_than_an_hour__keeps_its_place) {
  groups_start(1, "name");
  begin_snapshot(1000);
  program(1, 100, "a", 1);
  update();
  begin_snapshot(2000);
  program(2, 1500, "b", 2);
  update();
  check_group("_other", 2, 2);
  check_folded(1);
  begin_snapshot(2000 + HOUR_NS - 1);
  program(2, 1500, "b", 3);
  program(3, 3000, "a", 5);
  update();
  check_group("a", 6, 5);
  check_group("_other", 3, 1);
  check_folded(1);
}
END_TEST

START_TEST(groups_update__idle_for_an_hour__gives_its_place_to_the_folded) {
  groups_start(1, "name");
  begin_snapshot(1000);
  program(1, 100, "a", 1);
  update();
  begin_snapshot(2000);
  program(2, 1500, "b", 2);
  update();
  begin_snapshot(2000 + HOUR_NS);
  program(2, 1500, "b", 3);
  update();
  /* What it counted before is told by "_other", and shown as the kernel does.
   */
  check_group("_other", 2, 0);
  check_group("b", 3, 1);
  ck_assert_uint_eq(find_group("_other")->programs, 0);
  ck_assert_uint_eq(find_group("b")->programs, 1);
  begin_snapshot(3000 + HOUR_NS);
  program(2, 1500, "b", 7);
  program(3, 2500 + HOUR_NS, "a", 5);
  update();
  check_group("b", 7, 4);
  check_group("_other", 7, 5); /* a was forgotten: it is a new name */
  check_folded(1);
}
END_TEST

START_TEST(groups_update__folded_twins_get_a_place__are_one_group_again) {
  groups_start(1, "name");
  begin_snapshot(1000);
  program(1, 100, "a", 1);
  program(2, 100, "b", 10);
  program(3, 100, "b", 20);
  update();
  check_group("_other", 30, 0);
  begin_snapshot(2000);
  program(2, 100, "b", 10);
  program(3, 100, "b", 20);
  update();
  begin_snapshot(2000 + HOUR_NS);
  program(2, 100, "b", 11);
  program(3, 100, "b", 21);
  update();
  check_group("b", 32, 2);
  check_group("_other", 30, 0);
  check_folded(0);
  begin_snapshot(3000 + HOUR_NS);
  program(2, 100, "b", 12);
  program(3, 100, "b", 21);
  update();
  check_group("b", 33, 1);
  ck_assert_ptr_null(find_group("_other"));
}
END_TEST

START_TEST(groups_update__places_free__the_oldest_is_forgotten) {
  groups_start(2, "name");
  begin_snapshot(1000);
  program(1, 100, "older", 10);
  program(2, 100, "newer", 20);
  update();
  begin_snapshot(2000);
  program(2, 100, "newer", 20);
  update();
  begin_snapshot(3000);
  update();
  begin_snapshot(4000 + HOUR_NS);
  program(3, 3500 + HOUR_NS, "third", 1);
  update();
  begin_snapshot(5000 + HOUR_NS);
  program(3, 3500 + HOUR_NS, "third", 1);
  program(4, 4500 + HOUR_NS, "newer", 5);
  update();
  check_group("newer", 25, 5);
}
END_TEST

START_TEST(groups_update__reload_beside_new_names__keeps_its_group) {
  groups_start(2, "name");
  begin_snapshot(1000);
  program(1, 100, "a", 10);
  program(2, 100, "b", 20);
  update();
  begin_snapshot(2000 + HOUR_NS);
  update();
  /* "new" has the lower id, but must not get a's place. */
  begin_snapshot(3000 + 2 * HOUR_NS);
  program(3, 2500 + 2 * HOUR_NS, "new", 1);
  program(4, 2500 + 2 * HOUR_NS, "a", 2);
  update();
  check_group("a", 12, 2);
  check_group("new", 1, 1);
}
END_TEST

START_TEST(groups_update__all_names_new_at_the_limit__wait_for_an_hour) {
  groups_start(100, "id");
  begin_snapshot(1000);
  for (uint32_t id = 1; id <= 100; id++)
    program(id, 100, "a", 1);
  update();
  for (uint64_t i = 0; i < 2; i++) {
    begin_snapshot(2000 + i * (HOUR_NS - 1));
    for (uint32_t id = 101; id <= 200; id++)
      program(id, 1500, "a", 1);
    update();
    check_folded(100);
  }
  begin_snapshot(2000 + HOUR_NS);
  for (uint32_t id = 101; id <= 200; id++)
    program(id, 1500, "a", 1);
  update();
  ck_assert_uint_eq(count_groups(), 101); /* "_other" for the last time */
  check_folded(0);
}
END_TEST

START_TEST(
    groups_update__programs_with_reserved_names__are_groups_of_their_own) {
  groups_start(3, "name");
  begin_snapshot(1000);
  program(1, 100, "_other", 1);
  program(2, 100, "_brief", 2);
  program(3, 100, "bpf_stats", 4);
  program(4, 100, "b", 8);
  update();
  ck_assert_uint_eq(count_groups(), 4);
  check_group("_other", 8, 0);
  ck_assert_ptr_null(find_group("_brief"));
  ck_assert_ptr_null(find_group("bpf_stats"));
  check_folded(1);
}
END_TEST

START_TEST(groups_update__own_programs__are_one_group) {
  static const uint32_t own_ids[] = {0, 7, 2, 0};
  groups_start(1, "name id");
  begin_snapshot(1000);
  snapshot.own_ids = own_ids;
  snapshot.own_ids_num = 4;
  program(2, 100, "bpf_stats_iter", 1);
  program(3, 100, "bpf_stats_iter", 2); /* of somebody else */
  program(7, 100, "anything", 4);
  update();
  ck_assert_uint_eq(count_groups(), 2);
  check_group("bpf_stats", 5, 0);
  check_group("bpf_stats_iter-3", 2, 0);
  begin_snapshot(2000);
  snapshot.own_ids = own_ids;
  snapshot.own_ids_num = 4;
  program(2, 100, "bpf_stats_iter", 11);
  program(3, 100, "bpf_stats_iter", 102);
  program(7, 100, "anything", 5);
  update();
  ck_assert_uint_eq(groups_host(groups)->own_runs, 11);
}
END_TEST

START_TEST(groups_update__no_limit__of_long_idle_names_some_are_kept) {
  groups_start(0, "id");
  begin_snapshot(1000);
  for (uint32_t id = 1; id <= SAMPLES_MAX; id++)
    program(id, 100, "a", 1);
  update();
  ck_assert_uint_eq(count_groups(), SAMPLES_MAX);
  begin_snapshot(2000);
  update();
  begin_snapshot(2000 + HOUR_NS - 1);
  program(1, 100, "a", 1);
  update();
  check_group("1", 2, 1); /* none was forgotten yet */
  begin_snapshot(2000 + HOUR_NS);
  program(1, 100, "a", 1);
  update();
  begin_snapshot(3000 + HOUR_NS);
  program(1, 100, "a", 1);
  program(2, 100, "a", 1);
  program(SAMPLES_MAX, 100, "a", 1);
  snapshot.complete = false;
  update();
  check_group("2", 1, 1);
  check_group("3000", 2, 1);
}
END_TEST

START_TEST(groups_update__not_selected__counts_for_the_host_alone) {
  char reason[64];
  ck_assert_int_eq(selector_add_program(selector, "a", reason, sizeof(reason)),
                   0);
  begin_snapshot(1000);
  program(1, 100, "a", 1);
  program(2, 100, "b", 2);
  update();
  ck_assert_uint_eq(count_groups(), 1);
  check_host(3, 0);
  ck_assert_uint_eq(groups_host(groups)->group.programs, 2);
}
END_TEST

/* A regex may be slow. That it is not asked again shows when its answer would
 * be another one. */
START_TEST(groups_update__known_program__is_selected_once_for_all) {
  char reason[64];
  begin_snapshot(1000);
  program(1, 100, "a", 1);
  update();
  ck_assert_int_eq(selector_add_program(selector, "b", reason, sizeof(reason)),
                   0);
  begin_snapshot(2000);
  program(1, 100, "a", 2);
  program(2, 100, "a", 3);
  update();
  check_group("a", 2, 1);
}
END_TEST

START_TEST(groups_update__memory_of_one_unknown__marks_the_group) {
  begin_snapshot(1000);
  program(1, 100, "a", 1);
  program(2, 100, "a", 1)->memory_bytes = 0;
  program(3, 100, "b", 1);
  update();
  ck_assert(find_group("a")->memory_unknown);
  ck_assert(!find_group("b")->memory_unknown);
}
END_TEST

START_TEST(groups_update__counters_near_the_end__saturate) {
  begin_snapshot(1000);
  program(1, 100, "a", 0)->stats.cnt = UINT64_MAX;
  program(2, 100, "a", 0)->stats.cnt = 5;
  update();
  ck_assert_uint_eq(find_group("a")->total.cnt, UINT64_MAX);
  ck_assert_uint_eq(groups_host(groups)->group.total.cnt, UINT64_MAX);
}
END_TEST

/* Random loads, unloads, reloads and cut walks, against the plain sum of what
 * was ever counted: no total may fall, and the host's must be exact at each
 * complete walk in which nothing died unseen. */
START_TEST(groups_update__random_operations__totals_never_fall_and_are_exact) {
  enum { SLOTS = 40, NAMES = 10 };
  static const char *const names[NAMES] = {"a", "b", "c", "d", "e",
                                           "f", "g", "h", "i", "j"};
  struct slot {
    uint32_t id;
    uint64_t load_time_ns;
    size_t name;
    uint64_t cnt;
  } slots[SLOTS] = {{0}};
  unsigned seed = 7;
  uint32_t next_id = 1;
  uint64_t ever = 0;
  uint64_t last_total[NAMES] = {0};
  uint64_t by_name[NAMES] = {0};
  groups_start(0, "name");
  for (uint64_t now = 1000; now < 3000000; now += 1000) {
    for (size_t i = 0; i < SLOTS; i++) {
      int dice = rand_r(&seed) % 20;
      if (slots[i].id != 0 && dice == 0)
        slots[i].id = 0;
      if (slots[i].id == 0 && dice < 3) {
        /* Ids must ascend with the slots: move all younger ones up. */
        memmove(&slots[i], &slots[i + 1], (SLOTS - i - 1) * sizeof(slots[0]));
        slots[SLOTS - 1] = (struct slot){.id = next_id++,
                                         .load_time_ns = now - 500,
                                         .name = (size_t)rand_r(&seed) % NAMES};
      }
    }
    begin_snapshot(now);
    bool cut = rand_r(&seed) % 10 == 0;
    for (size_t i = 0; i < SLOTS; i++) {
      if (slots[i].id == 0)
        continue;
      uint64_t runs = (uint64_t)(rand_r(&seed) % 100);
      if (!cut) { /* counts of a cut walk would come at a later one */
        slots[i].cnt += runs;
        ever += runs;
        by_name[slots[i].name] += runs;
      }
      if (cut && rand_r(&seed) % 30 == 0)
        break;
      program(slots[i].id, slots[i].load_time_ns, names[slots[i].name],
              slots[i].cnt);
    }
    snapshot.complete = !cut;
    update();
    if (!cut)
      ck_assert_uint_eq(groups_host(groups)->group.total.cnt, ever);
    for (size_t n = 0; n < NAMES; n++) {
      const struct group *group = find_group(names[n]);
      if (group == NULL)
        continue;
      ck_assert_uint_ge(group->total.cnt, last_total[n]);
      last_total[n] = group->total.cnt;
      if (!cut)
        ck_assert_uint_eq(group->total.cnt, by_name[n]);
    }
  }
}
END_TEST

Suite *groups_suite(void) {
  Suite *suite = suite_create("groups");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, groups_setup, groups_teardown);
  tcase_add_test(
      core, groups_update__first_read__totals_are_the_kernels_without_delta);
  tcase_add_test(core, groups_update__second_read__delta_is_what_was_added);
  tcase_add_test(core, groups_update__two_programs_of_one_name__are_summed);
  tcase_add_test(core, groups_update__equal_safe_names__are_one_group);
  tcase_add_test(core, groups_update__born_in_this_interval__counts_all);
  tcase_add_test(core,
                 groups_update__verified_longer_than_an_interval__counts_all);
  tcase_add_test(core, groups_update__program_reloaded__total_does_not_drop);
  tcase_add_test(core,
                 groups_update__program_unloaded__group_ends_and_host_stays);
  tcase_add_test(core, groups_update__one_of_two_unloaded__total_does_not_drop);
  tcase_add_test(core,
                 groups_update__program_returns_after_a_gap__total_goes_on);
  tcase_add_test(
      core, groups_update__id_reused_with_other_load_time__is_another_program);
  tcase_add_test(core,
                 groups_update__id_and_name_reused__does_not_subtract_the_old);
  tcase_add_test(core, groups_update__not_selected__counts_for_the_host_alone);
  tcase_add_test(core, groups_update__known_program__is_selected_once_for_all);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, groups_setup, groups_teardown);
  tcase_add_test(
      limits, groups_update__counter_falls__total_stays_and_never_counts_twice);
  tcase_add_test(
      limits, groups_update__incomplete_walk__concludes_nothing_about_the_rest);
  tcase_add_test(limits,
                 groups_update__first_walk_incomplete__rest_gives_a_baseline);
  tcase_add_test(limits,
                 groups_update__program_unreadable__is_kept_and_catches_up);
  tcase_add_test(limits,
                 groups_update__first_seen_unreadable__gives_a_baseline_later);
  tcase_add_test(limits, groups_update__folded_past_the_limit__nothing_is_lost);
  tcase_add_test(limits, groups_update__own_programs__are_one_group);
  tcase_add_test(
      limits, groups_update__idle_for_an_hour__gives_its_place_to_the_folded);
  tcase_add_test(limits,
                 groups_update__folded_twins_get_a_place__are_one_group_again);
  tcase_add_test(limits,
                 groups_update__idle_for_less_than_an_hour__keeps_its_place);
  tcase_add_test(limits, groups_update__places_free__the_oldest_is_forgotten);
  tcase_add_test(limits,
                 groups_update__reload_beside_new_names__keeps_its_group);
  tcase_add_test(limits,
                 groups_update__all_names_new_at_the_limit__wait_for_an_hour);
  tcase_add_test(
      limits,
      groups_update__programs_with_reserved_names__are_groups_of_their_own);
  tcase_add_test(limits,
                 groups_update__no_limit__of_long_idle_names_some_are_kept);
  tcase_add_test(limits, groups_update__memory_of_one_unknown__marks_the_group);
  tcase_add_test(limits, groups_update__counters_near_the_end__saturate);
  tcase_add_test(
      limits,
      groups_update__random_operations__totals_never_fall_and_are_exact);
  suite_add_tcase(suite, limits);
  return suite;
}
