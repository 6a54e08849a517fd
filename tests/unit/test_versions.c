/* SPDX-License-Identifier: MIT */
/* Unit tests of versions: what is a deploy and what is none, what each version
 * has counted, and what is told of it. */
#include "suites.h"

#include "groups_fixture.h"

#include <stdio.h>
#include <string.h>

static struct unloads unloads;
static struct prog_sample finals[8];

/* An interval after the last, or in the first. */
static uint64_t last_ns;

static void setup(void) {
  groups_setup();
  last_ns = 0;
}

static void begin(void) { begin_snapshot(last_ns + 1000); }

/* A program of that tag, and group "a". */
static struct prog_sample *tagged(uint32_t id, uint64_t load_time_ns,
                                  const char *tag, uint64_t cnt) {
  struct prog_sample *sample = program(id, load_time_ns, "a", cnt);
  snprintf(sample->tag, sizeof(sample->tag), "%s", tag);
  return sample;
}

static void bring_up(void) {
  const struct span span = {
      .last_ns = last_ns, .now_ns = snapshot.awake_ns, .is_whole = true};
  groups_bring_up(groups, &span);
  last_ns = snapshot.awake_ns;
}

static void end_read(void) {
  ck_assert_int_eq(groups_update(groups, PART_WHOLE, &snapshot), 0);
  bring_up();
}

/* A read that finds that program alone. */
static void read_program(uint32_t id, uint64_t load_time_ns, const char *tag,
                         uint64_t cnt) {
  begin();
  tagged(id, load_time_ns, tag, cnt);
  end_read();
}

static void read_nothing(void) {
  begin();
  end_read();
}

static const struct versions *versions(void) {
  const struct group *group = find_group("a");
  ck_assert_ptr_nonnull(group);
  const struct versions *found = groups_versions(group);
  ck_assert_ptr_nonnull(found);
  return found;
}

/* The last read has found a deploy; OLD: 0 for the first load. */
static void check_deploy(uint64_t old, uint64_t new) {
  ck_assert(versions()->is_deployed);
  ck_assert_uint_eq(versions()->deployed->tag, new);
  if (old == 0)
    ck_assert_ptr_null(versions()->replaced);
  else
    ck_assert_uint_eq(versions()->replaced->tag, old);
}

static void check_no_deploy(void) { ck_assert(!versions()->is_deployed); }

START_TEST(versions__present_at_the_start__are_no_deploy) {
  begin();
  tagged(1, 100, "a", 5);
  tagged(2, 200, "b", 5);
  end_read();
  check_no_deploy();
  begin();
  tagged(1, 100, "a", 6);
  tagged(2, 200, "b", 6);
  end_read();
  check_no_deploy();
  ck_assert_uint_eq(versions()->num, 2);
}
END_TEST

START_TEST(versions__other_tag__is_one_deploy) {
  read_program(1, 100, "a", 5);
  read_program(2, 1500, "b", 5);
  check_deploy(0xa, 0xb);
  ck_assert_uint_eq(versions()->deployed->load_time_ns, 1500);
  read_program(2, 1500, "b", 5);
  check_no_deploy();
}
END_TEST

START_TEST(versions__same_tag_again__is_none) {
  read_program(1, 100, "a", 5);
  read_program(2, 1500, "a", 5);
  check_no_deploy();
  ck_assert_uint_eq(find_group("a")->loads, 2);
}
END_TEST

START_TEST(versions__same_tag_after_a_gap__is_none) {
  read_program(1, 100, "a", 5);
  for (int i = 0; i < 3; i++)
    read_nothing();
  ck_assert_ptr_null(find_group("a"));
  read_program(2, last_ns + 500, "a", 5);
  check_no_deploy();
  check_stats(versions()->newest->sum.total, 10);
}
END_TEST

START_TEST(versions__other_tag_after_a_gap__is_one) {
  read_program(1, 100, "a", 5);
  read_nothing();
  read_program(2, last_ns + 500, "b", 5);
  check_deploy(0xa, 0xb);
}
END_TEST

START_TEST(versions__side_by_side_for_a_while__is_one) {
  read_program(1, 100, "a", 5);
  begin();
  tagged(1, 100, "a", 5);
  tagged(2, 1500, "b", 5);
  end_read();
  check_deploy(0xa, 0xb);
  for (int i = 0; i < 3; i++) {
    begin();
    tagged(1, 100, "a", 6);
    tagged(2, 1500, "b", 6);
    end_read();
    check_no_deploy();
  }
  read_program(2, 1500, "b", 7);
  check_no_deploy();
  /* Both can be reloaded as long as they are there, but then one is gone. */
  read_program(3, last_ns + 500, "a", 7);
  check_deploy(0xb, 0xa);
}
END_TEST

START_TEST(versions__withdrawn__is_none) {
  read_program(1, 100, "a", 5);
  begin();
  tagged(1, 100, "a", 5);
  tagged(2, 1500, "b", 5);
  end_read();
  read_program(1, 100, "a", 6);
  check_no_deploy();
  ck_assert_uint_eq(versions()->deployed->sum.programs, 0);
}
END_TEST

START_TEST(versions__first_load_of_a_group__is_one) {
  read_nothing();
  read_program(1, last_ns + 500, "a", 5);
  check_deploy(0, 0xa);
}
END_TEST

START_TEST(versions__found_late_but_loaded_before_the_start__is_none) {
  begin();
  snapshot.complete = false;
  end_read();
  read_program(1, 100, "a", 5);
  check_no_deploy();
  read_program(2, last_ns + 500, "b", 5);
  check_deploy(0xa, 0xb);
}
END_TEST

START_TEST(versions__cannot_be_read_for_a_while__is_none) {
  read_program(1, 100, "a", 5);
  begin();
  unreadable(1);
  end_read();
  begin();
  snapshot.complete = false;
  end_read();
  read_program(1, 100, "a", 5);
  check_no_deploy();
}
END_TEST

START_TEST(versions__several_in_one_interval__count_each) {
  read_program(1, 100, "a", 5);
  begin();
  tagged(2, 1100, "b", 5);
  tagged(3, 1200, "c", 5);
  end_read();
  check_deploy(0xa, 0xc);
  ck_assert_uint_eq(versions()->told_deploys, 2);
}
END_TEST

START_TEST(versions__two_of_one_name__the_one_that_is_gone_was_replaced) {
  begin();
  tagged(1, 100, "a", 5);
  tagged(2, 200, "b", 5);
  end_read();
  begin();
  tagged(2, 200, "b", 5);
  tagged(3, 1500, "c", 5);
  end_read();
  check_deploy(0xa, 0xc);
}
END_TEST

static void begin_watched(void) {
  begin();
  unloads = (struct unloads){.begins = last_ns == 0, .samples = finals};
  snapshot.unloads = &unloads;
}

static void end_program(uint32_t id, uint64_t load_time_ns, const char *tag,
                        uint64_t cnt) {
  struct prog_sample *final = &finals[unloads.samples_num++];
  *final = make_sample(id, load_time_ns, "a", cnt);
  snprintf(final->tag, sizeof(final->tag), "%s", tag);
  unloads.unloaded++;
}

START_TEST(versions__lived_for_less_than_an_interval__is_one_with_a_watch) {
  begin_watched();
  tagged(1, 100, "a", 5);
  end_read();
  begin_watched();
  tagged(1, 100, "a", 5);
  end_program(2, 1200, "b", 7);
  end_read();
  check_deploy(0xa, 0xb);
  ck_assert_uint_eq(versions()->deployed->sum.programs, 0);
  check_stats(versions()->deployed->sum.total, 7);
  /* The group still is what it was. */
  begin_watched();
  end_program(1, 100, "a", 5);
  tagged(3, 2500, "a", 5);
  end_read();
  check_no_deploy();
  begin_watched();
  tagged(3, 2500, "a", 5);
  end_program(4, 3500, "b", 9);
  end_read();
  check_deploy(0xa, 0xb);
  check_stats(versions()->deployed->sum.total, 9); /* a life of its own */
}
END_TEST

START_TEST(versions__came_and_went_alone__are_what_the_group_was_last) {
  begin_watched();
  end_read();
  begin_watched();
  tagged(1, 1500, "a", 5);
  end_read();
  check_deploy(0, 0xa);
  begin_watched();
  end_program(1, 1500, "a", 5);
  end_program(2, 2200, "b", 5);
  end_read();
  check_deploy(0xa, 0xb);
  begin_watched();
  end_read();
  begin_watched();
  tagged(3, last_ns + 500, "b", 5);
  end_read();
  check_no_deploy();
}
END_TEST

START_TEST(versions__each__has_its_own_counters) {
  begin();
  tagged(1, 100, "a", 5);
  tagged(2, 200, "a", 6);
  tagged(3, 200, "b", 100);
  end_read();
  begin();
  tagged(1, 100, "a", 7);
  tagged(2, 200, "a", 9);
  tagged(3, 200, "b", 110);
  end_read();
  const struct version *a = versions_find(versions(), 0xa);
  const struct version *b = versions_find(versions(), 0xb);
  check_stats(a->sum.total, 16);
  check_stats(a->sum.delta, 5);
  ck_assert_uint_eq(a->sum.programs, 2);
  check_stats(b->sum.total, 110);
  check_stats(b->sum.delta, 10);
  check_stats(find_group("a")->total, 126);
  ck_assert_double_eq(version_ns_per_call(a), 10);
  ck_assert_double_eq(version_median_ns(a, VERSION_MEANS_NUM), 10);
}
END_TEST

START_TEST(versions__of_windows__are_estimated_as_their_group_is) {
  read_program(1, 100, "a", 100);
  for (int i = 0; i < 3; i++) {
    const uint64_t begin_ns = last_ns + 400;
    const uint64_t cnt = 100 + (uint64_t)i * 50;
    begin_snapshot(begin_ns);
    tagged(1, 100, "a", cnt);
    groups_update(groups, PART_BEFORE_WINDOW, &snapshot);
    begin_snapshot(begin_ns + 100);
    tagged(1, 100, "a", cnt + 50);
    groups_update(groups, PART_WINDOW, &snapshot);
    begin_snapshot(last_ns + 1000);
    tagged(1, 100, "a", cnt + 50);
    groups_update(groups, PART_AFTER_WINDOW, &snapshot);
    const struct span span = {.last_ns = last_ns,
                              .now_ns = snapshot.awake_ns,
                              .begin_ns = begin_ns,
                              .delta_ns = 100};
    groups_bring_up(groups, &span);
    last_ns = snapshot.awake_ns;
  }
  const struct version *version = versions()->newest;
  ck_assert_uint_eq(group_estimated_total(&version->sum).cnt, 1600);
  ck_assert_uint_eq(group_estimated_total(find_group("a")).cnt, 1600);
  ck_assert_double_eq(version_ns_per_call(version), 10);
}
END_TEST

/* The group reads so for an interval in which its program ran CNT times. */
static uint64_t counted;

static void run(uint32_t id, uint64_t load_time_ns, const char *tag,
                uint64_t cnt, uint64_t ns_per_run) {
  static struct prog_stats stats;
  if (counted == 0)
    stats = (struct prog_stats){0};
  stats.cnt += cnt;
  stats.nsecs += cnt * ns_per_run;
  counted = stats.cnt;
  begin();
  tagged(id, load_time_ns, tag, 0)->stats = stats;
  end_read();
}

/* Intervals of a version with 500 runs each. */
static void run_many(uint32_t id, const char *tag, int num, uint64_t ns) {
  const uint64_t load_time_ns = last_ns + 500;
  counted = 0;
  for (int i = 0; i < num; i++)
    run(id, load_time_ns, tag, 500, ns);
}

START_TEST(versions__price__is_known_once_after_runs_and_intervals) {
  read_nothing();
  run_many(1, "a", 10, 400);
  const uint64_t load_time_ns = last_ns + 500;
  counted = 0;
  for (int i = 1; i < 12; i++) {
    run(2, load_time_ns, "b", 150, 600);
    /* 1,050 runs */
    ck_assert_uint_eq(versions()->looks, i < 7 ? 0 : (unsigned)i - 6);
  }
  ck_assert_double_eq(version_ns_per_call(versions()->replaced), 400);
  ck_assert_double_eq(version_ns_per_call(versions()->deployed), 600);
  run_many(3, "c", 4, 600);
  ck_assert(!versions()->is_looked);
  run(3, versions()->deployed->load_time_ns, "c", 1, 600); /* five intervals */
  ck_assert(versions()->is_looked);
}
END_TEST

START_TEST(versions__price__needs_an_old_version_that_ran) {
  read_nothing();
  run_many(1, "a", 4, 400);
  run_many(2, "b", 10, 600);
  ck_assert_uint_eq(versions()->looks, 0);
}
END_TEST

START_TEST(versions__idle_intervals__are_not_counted) {
  read_nothing();
  run_many(1, "a", 10, 400);
  const uint64_t load_time_ns = last_ns + 500;
  counted = 0;
  run(2, load_time_ns, "b", 5000, 600);
  for (int i = 0; i < 20; i++)
    run(2, load_time_ns, "b", 0, 0);
  ck_assert_uint_eq(versions()->looks, 0);
}
END_TEST

START_TEST(versions__twice_as_dear__cost_more) {
  read_nothing();
  run_many(1, "a", 10, 400);
  run_many(2, "b", 5, 800);
  ck_assert_double_eq(versions_share_above(versions(), 50), 1);
  ck_assert_double_eq(versions_share_above(versions(), 99), 1);
  ck_assert_double_eq(versions_share_above(versions(), 100), 0);
  run_many(3, "c", 3, 1600);
  ck_assert_double_eq(versions_share_above(versions(), 50), 1);
}
END_TEST

START_TEST(versions__outliers__do_not_ring) {
  read_nothing();
  run_many(1, "a", 10, 400);
  const uint64_t load_time_ns = last_ns + 500;
  counted = 0;
  for (int i = 0; i < 20; i++) {
    run(2, load_time_ns, "b", 500, i % 2 == 0 ? 4000 : 400);
    ck_assert(!versions()->is_looked ||
              versions_share_above(versions(), 50) < VERSIONS_SHARE_RAISED);
  }
}
END_TEST

START_TEST(versions__spread_as_wide_as_the_change__is_part_of_the_share) {
  read_nothing();
  counted = 0;
  for (int i = 0; i < 20; i++)
    run(1, 1500, "a", 500, i % 2 == 0 ? 300 : 500);
  const uint64_t load_time_ns = last_ns + 500;
  counted = 0;
  for (int i = 0; i < 20; i++)
    run(2, load_time_ns, "b", 500, i % 2 == 0 ? 400 : 800);
  /* 400 is above 300, and 800 above both. */
  ck_assert_double_eq_tol(versions_share_above(versions(), 10), 0.75, 1e-9);
  ck_assert_double_eq_tol(versions_share_above(versions(), 50), 0.5, 1e-9);
}
END_TEST

START_TEST(versions__deployed_each_interval__is_told_once_and_summed_up) {
  enum { DEPLOYS = 1000 };
  read_program(1, 100, "f", 5);
  unsigned told = 0, sum = 0;
  for (unsigned i = 0; i < DEPLOYS; i++) {
    char tag[17];
    snprintf(tag, sizeof(tag), "%x", i + 100);
    read_program(i + 2, last_ns + 500, tag, 5);
    ck_assert(versions()->is_deployed);
    told += versions()->told_deploys > 0;
    sum += (unsigned)versions()->told_deploys;
    if (i == 0)
      ck_assert_uint_eq(versions()->told_deploys, 1);
    if (i == 1)
      ck_assert_uint_eq(versions()->told_deploys, 0);
    ck_assert_uint_le(versions()->num, VERSIONS_MAX);
  }
  ck_assert_uint_le(told, 10);
  ck_assert_uint_eq(sum + versions()->untold_deploys, DEPLOYS);
}
END_TEST

START_TEST(versions__rare_deploys__are_told_at_once) {
  read_program(1, 100, "f", 5);
  for (unsigned i = 0; i < 20; i++) {
    read_program(i + 2, last_ns + 500, i % 2 == 0 ? "a" : "b", 5);
    ck_assert_uint_eq(versions()->told_deploys, 1);
    for (int n = 0; n < 11; n++)
      read_program(i + 2, versions()->deployed->load_time_ns,
                   i % 2 == 0 ? "a" : "b", 5);
  }
}
END_TEST

/* A read that finds that many versions. */
static void read_many(unsigned num) {
  begin();
  for (unsigned i = 1; i <= num; i++) {
    char tag[17];
    snprintf(tag, sizeof(tag), "%x", i);
    tagged(i, i <= VERSIONS_MAX ? 100 : 1500, tag, 5);
  }
  end_read();
}

START_TEST(versions__more_than_there_are_places_for__has_no_deploys) {
  read_many(VERSIONS_MAX);
  ck_assert_uint_eq(versions()->num, VERSIONS_MAX);
  for (int i = 0; i < 3; i++) {
    read_many(VERSIONS_MAX + 1);
    check_no_deploy();
    ck_assert(versions()->is_crowded);
  }
  /* As soon as all have a place again it goes on. */
  read_many(3);
  check_no_deploy();
  ck_assert(!versions()->is_crowded);
  read_program(50, last_ns + 500, "abc", 5);
  check_deploy(3, 0xabc);
}
END_TEST

START_TEST(versions__of_programs_of_several_names__are_not_kept) {
  groups_start(1000, "type");
  begin();
  tagged(1, 100, "a", 5);
  end_read();
  ck_assert_uint_eq(groups_versions(find_group("xdp"))->num, 0);
}
END_TEST

START_TEST(groups__loads_and_age__begin_with_those_present) {
  begin();
  tagged(1, 100, "a", 5);
  tagged(2, 300, "a", 5);
  end_read();
  ck_assert_uint_eq(find_group("a")->loads, 2);
  ck_assert_uint_eq(find_group("a")->load_time_ns, 300);
  begin();
  tagged(2, 300, "a", 5);
  tagged(3, 1400, "a", 5);
  end_read();
  ck_assert_uint_eq(find_group("a")->loads, 3);
  ck_assert_uint_eq(find_group("a")->load_time_ns, 1400);
  read_nothing();
  read_program(4, last_ns + 500, "a", 5);
  ck_assert_uint_eq(find_group("a")->loads, 4);
}
END_TEST

Suite *versions_suite(void) {
  Suite *suite = suite_create("versions");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, groups_teardown);
  tcase_add_test(core, versions__present_at_the_start__are_no_deploy);
  tcase_add_test(core, versions__other_tag__is_one_deploy);
  tcase_add_test(core, versions__same_tag_again__is_none);
  tcase_add_test(core, versions__same_tag_after_a_gap__is_none);
  tcase_add_test(core, versions__other_tag_after_a_gap__is_one);
  tcase_add_test(core, versions__side_by_side_for_a_while__is_one);
  tcase_add_test(core, versions__withdrawn__is_none);
  tcase_add_test(core, versions__first_load_of_a_group__is_one);
  tcase_add_test(core, versions__each__has_its_own_counters);
  tcase_add_test(core, versions__of_windows__are_estimated_as_their_group_is);
  tcase_add_test(core, versions__price__is_known_once_after_runs_and_intervals);
  tcase_add_test(core, versions__twice_as_dear__cost_more);
  tcase_add_test(core, groups__loads_and_age__begin_with_those_present);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, groups_teardown);
  tcase_add_test(limits,
                 versions__found_late_but_loaded_before_the_start__is_none);
  tcase_add_test(limits, versions__cannot_be_read_for_a_while__is_none);
  tcase_add_test(limits, versions__several_in_one_interval__count_each);
  tcase_add_test(limits,
                 versions__two_of_one_name__the_one_that_is_gone_was_replaced);
  tcase_add_test(
      limits, versions__lived_for_less_than_an_interval__is_one_with_a_watch);
  tcase_add_test(limits,
                 versions__came_and_went_alone__are_what_the_group_was_last);
  tcase_add_test(limits, versions__price__needs_an_old_version_that_ran);
  tcase_add_test(limits, versions__idle_intervals__are_not_counted);
  tcase_add_test(limits, versions__outliers__do_not_ring);
  tcase_add_test(limits,
                 versions__spread_as_wide_as_the_change__is_part_of_the_share);
  tcase_add_test(limits,
                 versions__deployed_each_interval__is_told_once_and_summed_up);
  tcase_add_test(limits, versions__rare_deploys__are_told_at_once);
  tcase_add_test(limits,
                 versions__more_than_there_are_places_for__has_no_deploys);
  tcase_add_test(limits, versions__of_programs_of_several_names__are_not_kept);
  suite_add_tcase(suite, limits);
  return suite;
}
