/* SPDX-License-Identifier: MIT */
/* Unit tests of groups with a watch on unloads: every order of a program's
 * snapshots and its final record. */
#include "suites.h"

#include "groups_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct prog_sample finals[SAMPLES_MAX];
static struct unloads unloads;

/* Begins a read at that time; programs and ends follow in order of ids. */
static void begin(uint64_t time_ns) {
  begin_snapshot(time_ns);
  unloads = (struct unloads){.begins = time_ns == 1000, .samples = finals};
}

static void end(uint32_t id, uint64_t load_time_ns, const char *name,
                uint64_t cnt) {
  finals[unloads.samples_num++] = make_sample(id, load_time_ns, name, cnt);
}

/* The kernel has counted one more unload. */
static void died(void) { unloads.unloaded++; }

static void lost(void) {
  died();
  unloads.lost++;
}

static void update(void) {
  snapshot.unloads = &unloads;
  ck_assert_int_eq(groups_update(groups, PART_WHOLE, &snapshot), 0);
}

static void update_unwatched(void) {
  ck_assert_int_eq(groups_update(groups, PART_WHOLE, &snapshot), 0);
}

static void check_host(uint64_t total, uint64_t delta, size_t programs) {
  const struct group *host = &groups_host(groups)->group;
  check_stats(host->total, total);
  check_stats(host->delta, delta);
  ck_assert_uint_eq(host->programs, programs);
}

static void check_unwatched(uint64_t expected) {
  ck_assert_uint_eq(groups_host(groups)->unwatched_unloads, expected);
}

START_TEST(unloads__never_seen__joins_its_group_or_the_brief_ones) {
  begin(1000);
  program(1, 100, "a", 5);
  update();
  begin(2000);
  program(1, 100, "a", 5);
  end(2, 1100, "a", 7);
  end(3, 1200, "brief", 777);
  died();
  died();
  unloads.loaded = 2;
  update();
  check_group_of("a", 12, 7, 1);
  check_group_of("_brief", 777, 777, 0);
  ck_assert_ptr_null(find_group("brief"));
  ck_assert_uint_eq(find_group("_brief")->unmeasured, 0);
  check_host(789, 784, 1);
  ck_assert_uint_eq(groups_host(groups)->churn.loaded, 2);
  ck_assert_uint_eq(groups_host(groups)->churn.unloaded, 2);
  check_unwatched(0);
  /* It stays, so that its rate is known. */
  begin(3000);
  program(1, 100, "a", 5);
  update();
  check_group_of("_brief", 777, 0, 0);
  check_host(789, 0, 1);
  begin(4000);
  end(9, 3500, "other", 23);
  died();
  update();
  check_group_of("_brief", 800, 23, 0);
}
END_TEST

START_TEST(unloads__ran_on_after_its_last_read__counts_the_rest) {
  begin(1000);
  program(1, 100, "a", 50);
  update();
  begin(2000);
  end(1, 100, "a", 57);
  died();
  update();
  check_group_of("a", 57, 7, 0);
  check_host(57, 7, 0);
}
END_TEST

START_TEST(unloads__died_after_the_snapshot_had_it__counts_once) {
  begin(1000);
  program(1, 100, "a", 50);
  update();
  begin(2000);
  program(1, 100, "a", 55);
  end(1, 100, "a", 57);
  update();
  check_group_of("a", 57, 7, 0);
  check_host(57, 7, 0);
  begin(3000);
  died(); /* the counts are read before the snapshot */
  update();
  ck_assert_ptr_null(find_group("a"));
  check_host(57, 0, 0);
  check_unwatched(0);
}
END_TEST

START_TEST(unloads__born_and_died_while_the_snapshot_ran__counts_once) {
  begin(1000);
  update();
  begin(2000);
  program(1, 1500, "a", 3);
  end(1, 1500, "a", 4);
  update();
  check_group_of("_brief", 4, 4, 0);
  begin(3000);
  died();
  update();
  check_host(4, 0, 0);
}
END_TEST

START_TEST(unloads__record_comes_late__counts_outside_the_delta) {
  begin(1000);
  program(1, 100, "a", 50);
  update();
  begin(2000); /* it has vanished, its record is on the way */
  update();
  check_group_of("a", 50, 0, 0);
  ck_assert_uint_eq(find_group("a")->unmeasured, 1);
  check_host(50, 0, 0);
  check_unwatched(0);
  begin(3000);
  end(1, 100, "a", 57);
  died();
  update();
  check_group_of("a", 57, 0, 0);
  ck_assert_uint_eq(groups_host(groups)->group.total.cnt, 57);
  check_unwatched(0);
  begin(4000);
  update();
  ck_assert_ptr_null(find_group("a"));
  check_host(57, 0, 0);
}
END_TEST

START_TEST(unloads__never_seen_and_record_late__counts_once) {
  begin(1000);
  update();
  begin(2000);
  died();
  update();
  begin(3000);
  end(4, 1500, "a", 9);
  update();
  check_group_of("_brief", 9, 9, 0);
  check_host(9, 9, 0);
}
END_TEST

START_TEST(unloads__first_read__what_came_before_is_not_counted) {
  begin(1000);
  program(2, 200, "here", 4);
  end(1, 100, "before", 50);
  end(2, 200, "here", 6);
  update();
  check_group_of("_brief", 6, 0, 0);
  check_host(6, 0, 0);
  begin(2000);
  died();
  update();
  check_host(6, 0, 0);
}
END_TEST

START_TEST(unloads__id_and_name_reused_at_once__are_two_programs) {
  begin(1000);
  program(1, 100, "a", 50);
  update();
  begin(2000);
  program(1, 1500, "a", 3);
  end(1, 100, "a", 52);
  end(1, 1400, "a", 10);
  died();
  died();
  update();
  check_group_of("a", 65, 15, 1);
  check_host(65, 15, 1);
  begin(3000);
  end(1, 1500, "a", 4);
  died();
  update();
  check_group_of("a", 66, 1, 0);
  check_host(66, 1, 0);
}
END_TEST

START_TEST(unloads__id_reused_before_the_record__are_two_programs) {
  begin(1000);
  program(1, 100, "a", 50);
  update();
  begin(2000);
  program(1, 1500, "b", 3);
  update();
  check_group_of("a", 50, 0, 0);
  check_group_of("b", 3, 3, 1);
  begin(3000);
  program(1, 1500, "b", 4);
  end(1, 100, "a", 51);
  died();
  update();
  check_group_of("a", 51, 0, 0);
  check_group_of("b", 4, 1, 1);
  check_host(55, 1, 1);
}
END_TEST

START_TEST(unloads__one_record_twice__counts_once) {
  begin(1000);
  update();
  begin(2000);
  end(1, 1500, "a", 5);
  end(1, 1500, "a", 5);
  died();
  update();
  check_group_of("_brief", 5, 5, 0);
}
END_TEST

START_TEST(unloads__cut_walk__keeps_what_it_missed_and_ends_what_died) {
  begin(1000);
  program(1, 100, "a", 50);
  program(2, 200, "b", 60);
  update();
  begin(2000);
  snapshot.complete = false;
  end(2, 200, "b", 61);
  died();
  update();
  check_group_of("a", 50, 0, 1);
  check_group_of("b", 61, 1, 0);
  begin(3000);
  program(1, 100, "a", 52);
  update();
  check_group_of("a", 52, 0, 1);
  ck_assert_uint_eq(groups_host(groups)->group.total.cnt, 113);
}
END_TEST

START_TEST(unloads__unreadable_then_dead__gives_a_baseline) {
  begin(1000);
  update();
  begin(2000);
  unreadable(1);
  update();
  ck_assert_uint_eq(groups_host(groups)->group.programs, 1);
  begin(3000);
  end(1, 1500, "a", 8);
  died();
  update();
  check_group_of("_brief", 8, 0, 0);
  ck_assert_uint_eq(groups_host(groups)->group.programs, 0);
}
END_TEST

static const uint64_t minute_ns = 60ULL * 1000000000;

START_TEST(unloads__ring_too_small__totals_lack_the_rest_and_it_is_said) {
  begin(1000);
  program(1, 100, "a", 50);
  update();
  begin(2000);
  lost(); /* known, and ran 7 times since */
  lost(); /* never seen */
  update();
  check_group_of("a", 50, 0, 0);
  check_host(50, 0, 0);
  check_unwatched(2);
  for (int i = 1; i <= 9; i++) {
    begin(2000 + (uint64_t)i * 10000000000);
    program(9, 2500, "b", 1);
    update();
    ck_assert_uint_eq(groups_host(groups)->group.total.cnt, 51);
    ck_assert_uint_eq(groups_host(groups)->group.programs, 1);
  }
  check_unwatched(2); /* the one awaited in vain is one of the two */
  ck_assert_ptr_null(find_group("a"));
}
END_TEST

START_TEST(unloads__watch_silent__those_awaited_in_vain_are_unwatched) {
  begin(1000);
  program(1, 100, "a", 50);
  program(2, 100, "b", 50);
  update();
  /* However often it is looked for meanwhile. */
  for (int i = 0; i < 100; i++) {
    begin(2000 + (uint64_t)i * 1000);
    program(2, 100, "b", 50);
    update();
    ck_assert_ptr_nonnull(find_group("a"));
  }
  check_unwatched(0);
  begin(2001 + minute_ns);
  program(2, 100, "b", 50);
  update();
  check_unwatched(1);
  ck_assert_ptr_null(find_group("a"));
  check_host(100, 0, 1);
}
END_TEST

START_TEST(unloads__record_of_one_awaited_in_vain__counts_nothing_twice) {
  begin(1000);
  program(1, 100, "a", 50);
  update();
  begin(2000);
  update();
  begin(2001 + minute_ns);
  update();
  check_unwatched(1);
  begin(2002 + minute_ns);
  end(1, 100, "a", 57);
  died();
  update();
  ck_assert_ptr_null(find_group("a"));
  check_host(50, 0, 0);
}
END_TEST

START_TEST(unloads__nobody_watches__every_unload_is_unwatched) {
  begin(1000);
  program(1, 100, "a", 50);
  program(2, 100, "b", 50);
  update_unwatched();
  begin(2000);
  program(2, 100, "b", 50);
  program(5, 1500, "c", 1); /* 3 and 4 came and went */
  update_unwatched();
  check_unwatched(3);
  ck_assert_uint_eq(groups_host(groups)->churn.loaded, 3);
  ck_assert_uint_eq(groups_host(groups)->churn.unloaded, 3);
  ck_assert_ptr_null(find_group("a"));
}
END_TEST

START_TEST(unloads__watch_comes_and_goes__nothing_falls_or_counts_twice) {
  begin(1000);
  program(1, 100, "a", 50);
  update_unwatched();
  begin(2000); /* it begins */
  unloads.begins = true;
  program(1, 100, "a", 51);
  update();
  check_host(51, 1, 1);
  begin(3000);
  program(1, 100, "a", 52);
  lost();
  unloads.loaded = 1;
  update();
  check_host(52, 1, 1);
  begin(4000); /* it is gone */
  program(1, 100, "a", 53);
  program(7, 3500, "b", 2);
  update_unwatched();
  check_host(55, 3, 2);
  begin(5000); /* it begins again */
  unloads.begins = true;
  program(1, 100, "a", 54);
  update();
  ck_assert_uint_eq(groups_host(groups)->group.total.cnt, 56);
  begin(6000);
  program(1, 100, "a", 55);
  end(7, 3500, "b", 4);
  died();
  update();
  ck_assert_uint_eq(groups_host(groups)->group.total.cnt, 59);
  check_stats(find_group("b")->total, 4);
}
END_TEST

START_TEST(unloads__ever_new_names__stay_bounded_and_the_host_has_all) {
  groups_start(10, "name");
  begin(1000);
  update();
  char names[100][16];
  for (uint32_t i = 0; i < 1000; i++) {
    if (i % 100 == 0)
      begin(2000 + i);
    snprintf(names[i % 100], sizeof(names[0]), "brief_%u", i);
    end(i + 1, 1500 + i, names[i % 100], 1);
    died();
    if (i % 100 == 99)
      update();
  }
  ck_assert_uint_eq(groups_host(groups)->group.total.cnt, 1000);
  ck_assert_uint_eq(count_groups(), 1);
  ck_assert_uint_eq(find_group("_brief")->total.cnt, 1000);
  ck_assert_uint_eq(groups_host(groups)->folded_programs, 0);
}
END_TEST

/* --- a kernel, in which anything may happen at any moment of a read ---------
 */

enum { SLOTS = 40, RING_MAX = 1000 };
enum state { FREE, LOADED, DYING }; /* dying: nobody sees it, no record yet */

static struct slot {
  enum state state;
  uint64_t load_time_ns;
  uint64_t cnt;
  unsigned name;
} slots[SLOTS];
static const char *const names[] = {"a", "b", "c", "d"};
static struct {
  uint64_t loaded;
  uint64_t unloaded;
  uint64_t lost;
} counters;
static struct prog_sample ring[RING_MAX];
static size_t ring_num;
static uint64_t now_ns;
static uint64_t ever; /* runs, since the first read */
static uint64_t ever_by_name[4];
static uint64_t lost_by_name[4]; /* at most: some of it had been read */
static unsigned seed;
static bool loses;

static unsigned dice(unsigned sides) { return (unsigned)rand_r(&seed) % sides; }

/* The end of a program that nobody can see any more. */
static void die(uint32_t i) {
  struct slot *slot = &slots[i];
  counters.unloaded++;
  if (loses && dice(3) == 0) {
    counters.lost++;
    lost_by_name[slot->name] += slot->cnt;
  } else {
    ring[ring_num++] =
        make_sample(i + 1, slot->load_time_ns, names[slot->name], slot->cnt);
  }
  slot->state = FREE;
}

static void happen(void) {
  uint32_t i = dice(SLOTS);
  struct slot *slot = &slots[i];
  now_ns++;
  if (slot->state == FREE) {
    *slot =
        (struct slot){.state = LOADED, .load_time_ns = now_ns, .name = dice(4)};
    counters.loaded++;
  } else if (slot->state == LOADED && dice(3) != 0) {
    uint64_t runs = dice(100);
    slot->cnt += runs;
    ever += runs;
    ever_by_name[slot->name] += runs;
  } else if (slot->state == LOADED) {
    slot->state = DYING;
  } else {
    die(i);
  }
}

static void let_happen(unsigned most) {
  for (unsigned i = dice(most + 1); i > 0; i--)
    happen();
}

static int compare_finals(const void *a, const void *b) {
  const struct prog_sample *first = a;
  const struct prog_sample *second = b;
  if (first->id != second->id)
    return first->id < second->id ? -1 : 1;
  return first->load_time_ns < second->load_time_ns ? -1 : 1;
}

/* One read, with up to BUSY events at each of its moments. */
static void read_kernel(unsigned busy, bool first) {
  static uint64_t loaded, unloaded, lost_before;
  let_happen(busy);
  if (first)
    ring_num = 0;
  begin(++now_ns);
  unloads.begins = first;
  if (!first) {
    unloads.loaded = counters.loaded - loaded;
    unloads.unloaded = counters.unloaded - unloaded;
    unloads.lost = counters.lost - lost_before;
  }
  loaded = counters.loaded;
  unloaded = counters.unloaded;
  lost_before = counters.lost;
  for (uint32_t i = 0; i < SLOTS; i++) {
    if (!first) /* what dies during the very first read may be from before */
      let_happen(busy / 8);
    if (slots[i].state == LOADED)
      program(i + 1, slots[i].load_time_ns, names[slots[i].name], slots[i].cnt);
  }
  if (!first)
    let_happen(busy);
  memcpy(finals, ring, ring_num * sizeof(ring[0]));
  unloads.samples_num = ring_num;
  ring_num = 0;
  qsort(finals, unloads.samples_num, sizeof(finals[0]), compare_finals);
  update();
}

static void start_kernel(unsigned number, bool with_losses) {
  memset(slots, 0, sizeof(slots));
  memset(&counters, 0, sizeof(counters));
  memset(ever_by_name, 0, sizeof(ever_by_name));
  memset(lost_by_name, 0, sizeof(lost_by_name));
  seed = number;
  loses = with_losses;
  ring_num = 0;
  now_ns = 1;
  ever = 0;
  groups_start(1000, "name");
}

static void check_random(unsigned number, bool with_losses) {
  start_kernel(number, with_losses);
  read_kernel(0, true);
  uint64_t host_before = 0;
  uint64_t brief_before = 0;
  uint64_t before[4] = {0};
  uint64_t totals[4] = {0};
  for (int i = 0; i < 60; i++) {
    /* Now and then all comes to rest: the dying die, nothing else happens. */
    bool rest = i % 10 == 9;
    if (rest) {
      for (uint32_t s = 0; s < SLOTS; s++)
        if (slots[s].state == DYING)
          die(s);
      read_kernel(0, false);
    } else {
      read_kernel(40, false);
    }
    const struct host *host = groups_host(groups);
    ck_assert_uint_ge(host->group.total.cnt, host_before);
    ck_assert_uint_le(host->group.total.cnt, ever);
    host_before = host->group.total.cnt;
    for (size_t n = 0; n < 4; n++) {
      const struct group *group = find_group(names[n]);
      if (group == NULL)
        continue;
      totals[n] = group->total.cnt;
      ck_assert_uint_ge(totals[n], before[n]);
      ck_assert_uint_le(totals[n], ever_by_name[n]);
      before[n] = totals[n];
    }
    const struct group *brief = find_group("_brief");
    if (brief != NULL)
      ck_assert_uint_ge(brief->total.cnt, brief_before);
    brief_before = brief != NULL ? brief->total.cnt : 0;
    if (!rest)
      continue;
    uint64_t lost_cnt = 0;
    for (size_t n = 0; n < 4; n++)
      lost_cnt += lost_by_name[n];
    ck_assert_uint_ge(host->group.total.cnt, ever - lost_cnt);
    if (!with_losses)
      check_stats(host->group.total, ever);
    ck_assert_uint_eq(host->churn.loaded, counters.loaded);
    ck_assert_uint_eq(host->churn.unloaded, counters.unloaded);
    ck_assert_uint_eq(host->unwatched_unloads, counters.lost);
    /* A name that no program had yet when one of it came and went is missing
     * that one, and no other. */
    uint64_t sum = brief_before;
    for (size_t n = 0; n < 4; n++) {
      ck_assert_uint_ge(totals[n] + lost_by_name[n] + brief_before,
                        ever_by_name[n]);
      sum += totals[n];
    }
    ck_assert_uint_eq(sum, host->group.total.cnt);
  }
}

START_TEST(unloads__anything_at_any_moment__is_exact_at_rest) {
  for (unsigned number = 1; number <= 300; number++)
    check_random(number, false);
}
END_TEST

START_TEST(unloads__anything_with_losses__lacks_no_more_than_those) {
  for (unsigned number = 1; number <= 300; number++)
    check_random(number, true);
}
END_TEST

/* Its record comes when a complete snapshot already did not have it: that is
 * the program of which only the id was known, and all that it counted is not of
 * one interval. */
START_TEST(unloads__never_readable_and_vanished__is_no_spike_nor_unwatched) {
  begin(1000);
  unreadable(1);
  update();
  begin(2000);
  update();
  begin(3000);
  end(1, 100, "a", 57);
  died();
  update();
  check_group_of("_brief", 57, 0, 0);
  for (uint64_t i = 0; i < 12; i++) {
    begin(4000 + 1000 * i);
    update();
  }
  check_unwatched(0);
}
END_TEST

Suite *unloads_suite(void) {
  Suite *suite = suite_create("unloads");
  TCase *tests = tcase_create("unloads");
  tcase_add_checked_fixture(tests, groups_setup, groups_teardown);
  tcase_add_test(tests, unloads__never_seen__joins_its_group_or_the_brief_ones);
  tcase_add_test(tests, unloads__ran_on_after_its_last_read__counts_the_rest);
  tcase_add_test(tests, unloads__died_after_the_snapshot_had_it__counts_once);
  tcase_add_test(tests,
                 unloads__born_and_died_while_the_snapshot_ran__counts_once);
  tcase_add_test(tests, unloads__record_comes_late__counts_outside_the_delta);
  tcase_add_test(tests, unloads__never_seen_and_record_late__counts_once);
  tcase_add_test(tests, unloads__first_read__what_came_before_is_not_counted);
  tcase_add_test(tests, unloads__id_and_name_reused_at_once__are_two_programs);
  tcase_add_test(tests, unloads__id_reused_before_the_record__are_two_programs);
  tcase_add_test(tests, unloads__one_record_twice__counts_once);
  tcase_add_test(tests,
                 unloads__cut_walk__keeps_what_it_missed_and_ends_what_died);
  tcase_add_test(tests, unloads__unreadable_then_dead__gives_a_baseline);
  tcase_add_test(tests,
                 unloads__ring_too_small__totals_lack_the_rest_and_it_is_said);
  tcase_add_test(tests,
                 unloads__watch_silent__those_awaited_in_vain_are_unwatched);
  tcase_add_test(tests,
                 unloads__record_of_one_awaited_in_vain__counts_nothing_twice);
  tcase_add_test(tests, unloads__nobody_watches__every_unload_is_unwatched);
  tcase_add_test(tests,
                 unloads__watch_comes_and_goes__nothing_falls_or_counts_twice);
  tcase_add_test(tests,
                 unloads__ever_new_names__stay_bounded_and_the_host_has_all);
  tcase_add_test(tests, unloads__anything_at_any_moment__is_exact_at_rest);
  tcase_add_test(tests,
                 unloads__anything_with_losses__lacks_no_more_than_those);
  tcase_add_test(
      tests, unloads__never_readable_and_vanished__is_no_spike_nor_unwatched);
  suite_add_tcase(suite, tests);
  return suite;
}
