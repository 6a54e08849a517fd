/* SPDX-License-Identifier: MIT */
/* Unit tests of groups by owner: what happens when the owner of a program is
 * found later than the program. */
#include "suites.h"

#include "faults.h"
#include "groups_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct prog_sample finals[1];
static struct unloads unloads;

static void setup(void) {
  groups_setup();
  groups_start(1000, "owner name");
}

/* Adds a program to the snapshot. OWNER as found, or NULL: it is uid-0's. */
static void owned(uint32_t id, const char *owner, const char *name,
                  uint64_t cnt) {
  struct prog_sample *sample = program(id, 100, name, cnt);
  sample->owner = owner != NULL ? owner : "uid-0";
  sample->is_owned = owner != NULL;
}

static void update_part(enum part part) {
  ck_assert_int_eq(groups_update(groups, part, &snapshot), 0);
}

static void update(void) { update_part(PART_WHOLE); }

/* A read with one program. */
static void read_one(uint64_t time_ns, const char *owner, uint64_t cnt) {
  begin_snapshot(time_ns);
  owned(1, owner, "a", cnt);
  update();
}

static void check_host(uint64_t total, uint64_t delta, size_t unowned) {
  check_stats(groups_host(groups)->group.total, total);
  check_stats(groups_host(groups)->group.delta, delta);
  ck_assert_uint_eq(groups_host(groups)->unowned, unowned);
}

START_TEST(owner__found_later__takes_what_counts_from_then_on) {
  read_one(1000, NULL, 50);
  check_group_of("uid_0-a", 50, 0, 1);
  check_host(50, 0, 1);
  read_one(2000, "falco.service", 57);
  check_group_of("falco_service-a", 7, 7, 1);
  /* The group that it leaves is shown once more. */
  check_group_of("uid_0-a", 50, 0, 0);
  check_host(57, 7, 0);
  read_one(3000, "falco.service", 58);
  check_group_of("falco_service-a", 8, 1, 1);
  ck_assert_ptr_null(find_group("uid_0-a"));
  check_host(58, 1, 0);
}
END_TEST

START_TEST(owner__found_later__its_first_rate_is_of_one_interval) {
  read_one(1000, NULL, 50);
  struct span span = {.now_ns = 1000, .is_whole = true};
  groups_bring_up(groups, &span);
  read_one(2000, "falco.service", 57);
  span = (struct span){.last_ns = 1000, .now_ns = 2000, .is_whole = true};
  groups_bring_up(groups, &span);
  ck_assert(find_group("falco_service-a")->has_begun);
  ck_assert_uint_eq(find_group("falco_service-a")->zero_ns, 1000);
  ck_assert_uint_eq(find_group("falco_service-a")->unmeasured, 0);
}
END_TEST

START_TEST(owner__found_later__joins_the_group_that_is_there) {
  begin_snapshot(1000);
  owned(1, NULL, "a", 50);
  owned(2, "falco.service", "a", 3);
  update();
  begin_snapshot(2000);
  owned(1, "falco.service", "a", 57);
  owned(2, "falco.service", "a", 4);
  update();
  check_group_of("falco_service-a", 11, 8, 2);
  check_host(61, 8, 0);
}
END_TEST

START_TEST(owner__found_once__stays) {
  read_one(1000, "falco.service", 50);
  read_one(2000, NULL, 57);
  check_group_of("falco_service-a", 57, 7, 1);
  read_one(3000, "other.service", 58);
  check_group_of("falco_service-a", 58, 1, 1);
  check_host(58, 1, 0);
}
END_TEST

START_TEST(owner__not_asked_for__nobody_has_one) {
  begin_snapshot(1000);
  program(1, 100, "a", 5);
  program(2, 100, "a", 6)->owner = "";
  update();
  ck_assert_uint_eq(count_groups(), 1);
  check_group_of("_unknown-a", 11, 0, 2);
  check_host(11, 0, 2);
}
END_TEST

/* What it has counted since is not of one interval. */
START_TEST(owner__found_after_a_gap__waits_for_a_whole_interval) {
  read_one(1000, NULL, 50);
  begin_snapshot(2000);
  unreadable(1);
  update();
  read_one(3000, "falco.service", 57);
  check_group_of("uid_0-a", 57, 0, 1);
  check_host(57, 0, 1);
  read_one(4000, "falco.service", 60);
  check_group_of("falco_service-a", 3, 3, 1);
  check_host(60, 3, 0);
}
END_TEST

START_TEST(owner__found_within_an_interval__waits_for_the_next) {
  read_one(1000, NULL, 50);
  const enum part parts[] = {PART_BEFORE_WINDOW, PART_WINDOW,
                             PART_AFTER_WINDOW};
  for (uint64_t i = 0; i < 3; i++) {
    begin_snapshot(2000 + 1000 * i);
    owned(1, i == 0 ? NULL : "falco.service", "a", 51 + i);
    update_part(parts[i]);
  }
  check_group_of("uid_0-a", 53, 1, 1);
  begin_snapshot(5000);
  owned(1, "falco.service", "a", 60);
  update_part(PART_BEFORE_WINDOW);
  check_group_of("falco_service-a", 7, 0, 1);
  begin_snapshot(6000);
  owned(1, "falco.service", "a", 65);
  update_part(PART_WINDOW);
  check_group_of("falco_service-a", 12, 5, 1);
  check_group_of("uid_0-a", 53, 0, 0);
  check_host(65, 5, 0);
}
END_TEST

START_TEST(owner__found_at_its_end__counts_where_its_past_is) {
  unloads = (struct unloads){.begins = true, .samples = finals};
  begin_snapshot(1000);
  owned(1, NULL, "a", 50);
  snapshot.unloads = &unloads;
  update();
  unloads =
      (struct unloads){.unloaded = 1, .samples = finals, .samples_num = 1};
  finals[0] = make_sample(1, 100, "a", 57);
  finals[0].owner = "falco.service";
  finals[0].is_owned = true;
  begin_snapshot(2000);
  owned(1, "falco.service", "a", 55); /* it died just after that */
  snapshot.unloads = &unloads;
  update();
  check_group_of("uid_0-a", 57, 7, 0);
  ck_assert_uint_eq(count_groups(), 1);
  check_host(57, 7, 0);
}
END_TEST

START_TEST(owner__of_a_brief_program__has_its_group_or_none) {
  unloads = (struct unloads){.begins = true, .samples = finals};
  begin_snapshot(1000);
  owned(1, "falco.service", "a", 50);
  snapshot.unloads = &unloads;
  update();
  static const char *const owners[] = {"falco.service", "bash"};
  for (uint32_t i = 0; i < 2; i++) {
    unloads = (struct unloads){
        .loaded = 1, .unloaded = 1, .samples = finals, .samples_num = 1};
    finals[0] = make_sample(2 + i, 1500 + 1000 * i, "a", 7);
    finals[0].owner = owners[i];
    finals[0].is_owned = true;
    begin_snapshot(2000 + 1000 * i);
    owned(1, "falco.service", "a", 50);
    snapshot.unloads = &unloads;
    update();
  }
  check_group_of("falco_service-a", 57, 0, 1);
  check_group_of("_brief", 7, 7, 0);
  ck_assert_uint_eq(count_groups(), 2);
}
END_TEST

START_TEST(owner__found_later_and_no_place__is_folded_until_there_is_one) {
  groups_start(1, "owner name");
  read_one(1000, NULL, 50);
  read_one(2000, "falco.service", 57);
  check_group_of("_other", 7, 7, 1);
  check_group_of("uid_0-a", 50, 0, 0);
  ck_assert_uint_eq(groups_host(groups)->folded_programs, 1);
  read_one(3000, "falco.service", 58);
  read_one(3000 + GROUP_IDLE_MIN_NS, "falco.service", 60);
  ck_assert_uint_eq(groups_host(groups)->folded_programs, 0);
  ck_assert_uint_eq(find_group("falco_service-a")->delta.cnt, 2);
  check_host(60, 2, 0);
}
END_TEST

START_TEST(owner__found_later_and_no_memory__is_tried_again_and_nothing_lost) {
  read_one(300, NULL, 50);
  read_one(600, NULL, 50);
  read_one(1000, NULL, 50); /* now there is room for all programs */
  begin_snapshot(2000);
  owned(1, "falco.service", "a", 57);
  faults_arm(FAULT_MEMORY, 1, ENOMEM);
  update();
  ck_assert(faults_hit());
  faults_arm(FAULT_NONE, 0, 0);
  check_host(57, 7, 0);
  check_group_of("_other", 7, 7, 1);
  read_one(3000, "falco.service", 60);
  ck_assert_uint_eq(find_group("falco_service-a")->delta.cnt, 3);
  check_host(60, 3, 0);
}
END_TEST

static void select_owner(const char *entry) {
  char reason[128];
  ck_assert_int_eq(selector_add_owner(selector, entry, reason, sizeof(reason)),
                   0);
}

START_TEST(owner__found_of_a_folded_program__is_folded_no_more) {
  static const char *const owners[] = {"falco.service", "other.service"};
  select_owner("/^(uid-0|falco.service)$/");
  for (size_t n = 0; n < 2; n++) {
    groups_start(1, "owner");
    for (uint64_t i = 0; i < 2; i++) {
      begin_snapshot(1000 + 1000 * i);
      owned(1, "falco.service", "a", 5);
      owned(2, i == 0 ? NULL : owners[n], "b", 50 + 7 * i);
      update();
      ck_assert_uint_eq(groups_host(groups)->folded_programs, 1 - i);
    }
    check_group_of("falco_service", n == 0 ? 12 : 5, n == 0 ? 7 : 0, 2 - n);
    check_group_of("_other", 50, 0, 0);
  }
}
END_TEST

START_TEST(owner__selected__has_a_group_from_when_it_is_found) {
  select_owner("falco.service");
  read_one(1000, NULL, 50);
  ck_assert_uint_eq(count_groups(), 0);
  read_one(2000, "falco.service", 57);
  check_group_of("falco_service-a", 7, 7, 1);
  ck_assert_uint_eq(count_groups(), 1);
}
END_TEST

START_TEST(owner__found_and_not_selected__leaves_its_group) {
  select_owner("uid-0");
  read_one(1000, NULL, 50);
  read_one(2000, "falco.service", 57);
  check_group_of("uid_0-a", 50, 0, 0);
  read_one(3000, "falco.service", 58);
  ck_assert_uint_eq(count_groups(), 0);
  check_host(58, 1, 0);
}
END_TEST

START_TEST(owner__of_the_plugins_own_programs__is_the_plugin) {
  static const uint32_t own_ids[] = {1};
  begin_snapshot(1000);
  owned(1, NULL, "bpf_stats_iter", 50);
  owned(2, NULL, "a", 3);
  snapshot.own_ids = own_ids;
  snapshot.own_ids_num = 1;
  update();
  check_group_of("bpf_stats", 50, 0, 1);
  check_host(53, 0, 1);
}
END_TEST

/* Many programs whose owners are found at some time, or never, and all groups
 * together are the host at each read. */
START_TEST(owner__found_at_any_time__all_groups_are_the_host) {
  enum { PROGS = 40, OWNERS = 5 };
  static const char *const owners[OWNERS] = {
      "a.service", "b.service", "user/c.service", "container/d", NULL};
  uint64_t cnts[PROGS] = {0};
  const char *found[PROGS] = {NULL};
  uint64_t totals[2 * OWNERS] = {0};
  unsigned seed = 7;
  groups_start(0, "owner");
  for (uint64_t now = 1000; now < 500000; now += 1000) {
    uint64_t total = 0;
    uint64_t delta = 0;
    size_t programs = 0;
    begin_snapshot(now);
    for (uint32_t i = 0; i < PROGS; i++) {
      if (rand_r(&seed) % 50 == 0)
        found[i] = owners[i % OWNERS];
      cnts[i] += (uint64_t)(rand_r(&seed) % 100);
      owned(i + 1, found[i], "x", cnts[i]);
    }
    update();
    for (const struct group *group = groups_next(groups, NULL); group != NULL;
         group = groups_next(groups, group)) {
      delta += group->delta.cnt;
      programs += group->programs;
    }
    for (size_t i = 0; i < OWNERS; i++) {
      static const char *const names[OWNERS] = {
          "a_service", "b_service", "user_c_service", "container_d", "uid_0"};
      const struct group *group = find_group(names[i]);
      if (group != NULL) {
        ck_assert_uint_ge(group->total.cnt, totals[i]);
        totals[i] = group->total.cnt;
      }
      total += totals[i];
    }
    const struct group *host = &groups_host(groups)->group;
    ck_assert_uint_eq(total, host->total.cnt);
    ck_assert_uint_eq(delta, host->delta.cnt);
    ck_assert_uint_eq(programs, host->programs);
  }
  ck_assert_uint_eq(groups_host(groups)->unowned, PROGS / OWNERS);
}
END_TEST

Suite *owners_suite(void) {
  Suite *suite = suite_create("owners");
  TCase *tests = tcase_create("owners");
  tcase_add_checked_fixture(tests, setup, groups_teardown);
  tcase_add_test(tests, owner__found_later__takes_what_counts_from_then_on);
  tcase_add_test(tests, owner__found_later__its_first_rate_is_of_one_interval);
  tcase_add_test(tests, owner__found_later__joins_the_group_that_is_there);
  tcase_add_test(tests, owner__found_once__stays);
  tcase_add_test(tests, owner__not_asked_for__nobody_has_one);
  tcase_add_test(tests, owner__found_after_a_gap__waits_for_a_whole_interval);
  tcase_add_test(tests, owner__found_within_an_interval__waits_for_the_next);
  tcase_add_test(tests, owner__found_at_its_end__counts_where_its_past_is);
  tcase_add_test(tests, owner__of_a_brief_program__has_its_group_or_none);
  tcase_add_test(tests,
                 owner__found_later_and_no_place__is_folded_until_there_is_one);
  tcase_add_test(tests, owner__found_of_a_folded_program__is_folded_no_more);
  tcase_add_test(
      tests, owner__found_later_and_no_memory__is_tried_again_and_nothing_lost);
  tcase_add_test(tests, owner__selected__has_a_group_from_when_it_is_found);
  tcase_add_test(tests, owner__found_and_not_selected__leaves_its_group);
  tcase_add_test(tests, owner__of_the_plugins_own_programs__is_the_plugin);
  tcase_add_test(tests, owner__found_at_any_time__all_groups_are_the_host);
  suite_add_tcase(suite, tests);
  return suite;
}
