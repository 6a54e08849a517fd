/* SPDX-License-Identifier: MIT */
/* Unit tests of map_fills: names are folded, sorted and bounded. */
#include "suites.h"

#include "faults.h"
#include "map_fills.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES_MAX = 3000 };
static struct map_fills fills;
static struct map_sample samples[SAMPLES_MAX];
static struct map_snapshot maps;
static const uint64_t second_ns = 1000000000;

static void setup(void) {
  memset(samples, 0, sizeof(samples));
  maps = (struct map_snapshot){.samples = samples};
  fills = (struct map_fills){.top = 2, .places_max = 1000};
}

static void teardown(void) { map_fills_clear(&fills); }

static struct map_sample *add(const char *name, uint64_t used) {
  struct map_sample *sample = &samples[maps.samples_num++];
  *sample =
      (struct map_sample){.has_fill = true, .used = used, .capacity = 100};
  memcpy(sample->name, name, strnlen(name, sizeof(sample->name)));
  return sample;
}

static void update(uint64_t now_ns) {
  ck_assert_int_eq(map_fills_update(&fills, &maps, now_ns), 0);
}

/* All names in order, those that are shown with a star. */
static void check(const char *expected) {
  char text[500] = "";
  for (size_t i = 0; i < fills.fills_num; i++) {
    const size_t len = strlen(text);
    snprintf(text + len, sizeof(text) - len, "%s%s %.0f%s", i > 0 ? ", " : "",
             fills.fills[i].name, fills.fills[i].fill * 100,
             fills.fills[i].is_shown ? "*" : "");
  }
  ck_assert_str_eq(text, expected);
}

START_TEST(map_fills__several__the_fullest_come_first_and_are_shown) {
  add("a", 10);
  add("b", 30);
  add("c", 20);
  update(second_ns);
  check("b 30*, c 20*, a 10");
  ck_assert_uint_eq(fills.fills[0].used, 30);
  ck_assert_uint_eq(fills.fills[0].capacity, 100);
}
END_TEST

START_TEST(map_fills__same_name__is_the_fullest_of_them) {
  add("a", 10);
  add("b", 20);
  add("a", 30);
  add("a", 0);
  update(second_ns);
  check("a 30*, b 20*");
}
END_TEST

START_TEST(map_fills__not_known__is_left_out) {
  add("a", 10);
  add("array", 100)->has_fill = false;
  update(second_ns);
  check("a 10*");
}
END_TEST

START_TEST(map_fills__hostile_names__are_safe) {
  add("a.b/c d\n", 3);
  add("", 2);
  add("\xff\"';0123456789ab", 1);
  update(second_ns);
  check("a_b_c_d_ 3*, _unnamed 2*, ____0123456789a 1");
}
END_TEST

START_TEST(map_fills__top_of_none__shows_nothing) {
  fills.top = 0;
  add("a", 10);
  update(second_ns);
  check("a 10");
}
END_TEST

START_TEST(
    map_fills__ever_new_names__an_hour_has_no_more_than_there_are_places) {
  fills.places_max = 3;
  fills.top = 1;
  uint64_t now_ns = second_ns;
  char name[] = "flood_0";
  for (int i = 0; i < 10; i++, now_ns += second_ns) {
    maps.samples_num = 0;
    name[sizeof(name) - 2] = (char)('0' + i);
    add(name, 50);
    update(now_ns);
    ck_assert_int_eq(fills.fills[0].is_shown, i < 3);
  }
  maps.samples_num = 0;
  add("flood_1", 50); /* it has a place */
  update(now_ns);
  check("flood_1 50*");
  maps.samples_num = 0;
  add("late", 60);
  add("flood_1", 50);
  update(now_ns + second_ns); /* in whose place another one is shown */
  check("late 60, flood_1 50*");
  update(second_ns + MAP_FILLS_KEPT_NS); /* the first one's is free */
  check("late 60*, flood_1 50");
}
END_TEST

START_TEST(map_fills__no_limit__all_are_shown) {
  fills.places_max = 0;
  fills.top = SAMPLES_MAX;
  char name[MAP_NAME_SIZE];
  for (int i = 0; i < SAMPLES_MAX; i++) {
    snprintf(name, sizeof(name), "map_%d", i);
    add(name, 50);
  }
  update(second_ns);
  for (size_t i = 0; i < SAMPLES_MAX; i++)
    ck_assert(fills.fills[i].is_shown);
}
END_TEST

START_TEST(map_fills__no_memory__there_are_none) {
  add("a", 10);
  update(second_ns);
  map_fills_clear(&fills);
  faults_arm(FAULT_MEMORY, 1, ENOMEM);
  ck_assert_int_eq(map_fills_update(&fills, &maps, second_ns), -ENOMEM);
  faults_arm(FAULT_NONE, 0, 0);
  ck_assert_uint_eq(fills.fills_num, 0);
}
END_TEST

Suite *map_fills_suite(void) {
  Suite *suite = suite_create("map_fills");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core,
                 map_fills__several__the_fullest_come_first_and_are_shown);
  tcase_add_test(core, map_fills__same_name__is_the_fullest_of_them);
  tcase_add_test(core, map_fills__not_known__is_left_out);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits, map_fills__hostile_names__are_safe);
  tcase_add_test(limits, map_fills__top_of_none__shows_nothing);
  tcase_add_test(
      limits,
      map_fills__ever_new_names__an_hour_has_no_more_than_there_are_places);
  tcase_add_test(limits, map_fills__no_limit__all_are_shown);
  tcase_add_test(limits, map_fills__no_memory__there_are_none);
  suite_add_tcase(suite, limits);
  return suite;
}
