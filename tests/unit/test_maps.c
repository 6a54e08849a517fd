/* SPDX-License-Identifier: MIT */
/* Unit tests of maps: pinned iterators, and one by one. */
#include "suites.h"

#include "../open_fds.h"
#include "fake_libbpf.h"
#include "faults.h"
#include "maps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct maps *maps;
static struct map_snapshot snapshot;
static int fds;

static void setup(void) {
  fake_libbpf_reset();
  fds = count_open_fds();
}

static void teardown(void) {
  faults_arm(FAULT_NONE, 0, 0);
  maps_free(maps);
  maps = NULL;
  ck_assert_int_eq(count_open_fds(), fds);
}

static struct fake_map *add(uint32_t id, const char *name) {
  struct fake_map *map = &fake_libbpf.maps[fake_libbpf.maps_num++];
  *map = (struct fake_map){
      .id = id, .name = name, .flags = MAP_RECORD_MEASURED, .bytes = 100 * id};
  return map;
}

static void add_jit(uint64_t bytes, uint64_t limit) {
  struct fake_map *record = add(0, "");
  record->flags = MAP_RECORD_JIT;
  record->used = bytes;
  record->capacity = limit;
}

static void add_use(uint32_t prog_id, uint32_t map_id) {
  fake_libbpf.uses[fake_libbpf.uses_num++] = (struct fake_use){prog_id, map_id};
}

static void start_pinned(bool uses) {
  fake_libbpf.has_iterator = true;
  maps = maps_new(&(struct maps_options){
      .iterator_pin = "/pins/iterator", .uses = uses, .owners = uses});
}

static void start_by_id(bool uses) {
  maps = maps_new(&(struct maps_options){.by_id = true, .uses = uses});
}

START_TEST(maps_read__pinned__is_what_the_iterator_tells) {
  struct fake_map *map = add(3, "named");
  map->flags |= MAP_RECORD_FILL | MAP_RECORD_UNUSED;
  map->used = 5;
  map->capacity = 10;
  add(7, "");
  start_pinned(false);
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert_uint_eq(snapshot.samples_num, 2);
  ck_assert(snapshot.knows_unused);
  const struct map_sample *sample = &snapshot.samples[0];
  ck_assert_uint_eq(sample->id, 3);
  ck_assert_str_eq(sample->name, "named");
  ck_assert(sample->is_measured && sample->is_unused && sample->has_fill);
  ck_assert_uint_eq(sample->bytes, 300);
  ck_assert_uint_eq(sample->used, 5);
  ck_assert_uint_eq(sample->capacity, 10);
  ck_assert(!snapshot.samples[1].is_unused && !snapshot.samples[1].has_fill);
  ck_assert_uint_eq(snapshot.uses_num, 0);
}
END_TEST

START_TEST(maps_read__again__is_read_anew) {
  add(3, "a");
  add_jit(500, 1000);
  start_pinned(true);
  add_use(1, 3);
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  fake_libbpf.maps_num = fake_libbpf.uses_num = 0;
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert_uint_eq(snapshot.jit_bytes, 0);
  ck_assert_uint_eq(snapshot.jit_limit, 0);
  ck_assert_uint_eq(snapshot.samples_num, 0);
  ck_assert_uint_eq(snapshot.uses_num, 0);
}
END_TEST

START_TEST(maps_read__jited_code__is_no_map) {
  add(3, "a");
  add_jit(500, 1000);
  start_pinned(false);
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert_uint_eq(snapshot.samples_num, 1);
  ck_assert_uint_eq(snapshot.jit_bytes, 500);
  ck_assert_uint_eq(snapshot.jit_limit, 1000);
}
END_TEST

START_TEST(maps_read__uses_wanted__are_there) {
  add(3, "a");
  add_use(1, 3);
  add_use(1, 4);
  add_use(2, 3);
  start_pinned(true);
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert_uint_eq(snapshot.uses_num, 3);
  ck_assert_uint_eq(snapshot.uses[2].prog_id, 2);
  ck_assert_uint_eq(snapshot.uses[2].map_id, 3);
}
END_TEST

START_TEST(maps_read__payers_wanted__are_there_where_they_are_known) {
  add(3, "a")->payer = "agent";
  add(4, "b");
  add(5, "c")->payer = "uid-0"; /* a group that calls itself so */
  add(6, "d")->payer = "other";
  start_pinned(true);
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert_str_eq(snapshot.samples[0].owner, "agent");
  ck_assert_ptr_null(snapshot.samples[1].owner);
  ck_assert_ptr_null(snapshot.samples[2].owner);
  ck_assert_str_eq(snapshot.samples[3].owner, "other");
}
END_TEST

/* A name that fills the record has no NUL there. */
START_TEST(maps_read__name_without_an_end__gets_one) {
  add(3, "0123456789abcdef");
  start_pinned(false);
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert_str_eq(snapshot.samples[0].name, "0123456789abcde");
}
END_TEST

START_TEST(maps_read__capacity_of_one_or_none__is_no_fill) {
  struct fake_map *map = add(3, "a");
  map->flags |= MAP_RECORD_FILL;
  map->used = map->capacity = (uint64_t)_i;
  start_pinned(false);
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert(!snapshot.samples[0].has_fill);
}
END_TEST

START_TEST(maps_read__without_a_formula__is_looked_at_by_its_id) {
  add(3, "a")->flags = 0;
  start_pinned(false);
  fake_libbpf.maps[0].fd_error = -EPERM;
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert(!snapshot.samples[0].is_measured);
  ck_assert_uint_eq(snapshot.samples[0].bytes, 0);
  fake_libbpf.maps[0].fd_error = 0; /* the fake's file tells no memory */
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert(!snapshot.samples[0].is_measured);
}
END_TEST

START_TEST(maps_read__ids_not_ascending__is_refused) {
  add(7, "a");
  add(3, "b");
  start_pinned(true);
  ck_assert_int_eq(maps_read(maps, &snapshot), -ELOOP);
  fake_libbpf.maps_num = 1;
  add_use(2, 7);
  add_use(1, 7);
  ck_assert_int_eq(maps_read(maps, &snapshot), -ELOOP);
}
END_TEST

START_TEST(maps_read__no_pin__is_said) {
  maps = maps_new(&(struct maps_options){.iterator_pin = "/no/pins/iterator"});
  ck_assert_int_eq(maps_read(maps, &snapshot), -ENOENT);
  ck_assert_ptr_nonnull(strstr(maps_explain(maps, -ENOENT), "no such file"));
}
END_TEST

START_TEST(maps_read__one_by_one__are_all_there) {
  add(3, "named");
  add(7, "gone")->fd_error = -ENOENT;
  add(9, "");
  start_by_id(true);
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert_uint_eq(snapshot.samples_num, 2);
  ck_assert_str_eq(snapshot.samples[0].name, "named");
  ck_assert_uint_eq(snapshot.samples[1].id, 9);
  ck_assert(!snapshot.knows_unused && !snapshot.samples[0].has_fill);
}
END_TEST

START_TEST(maps_read__too_many_one_by_one__says_so) {
  for (uint32_t i = 1; i <= MAPS_BY_ID_MAX; i++)
    add(i, "map");
  start_by_id(false);
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert_uint_eq(snapshot.samples_num, MAPS_BY_ID_MAX);
  add(MAPS_BY_ID_MAX + 1, "one more");
  ck_assert_int_eq(maps_read(maps, &snapshot), -E2BIG);
  ck_assert_ptr_nonnull(strstr(maps_explain(maps, -E2BIG), "more than 4000"));
}
END_TEST

START_TEST(maps_read__not_allowed__says_what_is_missing) {
  fake_libbpf.map_next_id_error = -EPERM;
  start_by_id(false);
  ck_assert_int_eq(maps_read(maps, &snapshot), -EPERM);
  ck_assert_ptr_nonnull(strstr(maps_explain(maps, -EPERM), "CAP_SYS_ADMIN"));
}
END_TEST

/* Nothing is left behind, whatever fails. */
static void check_faults(enum fault_kind kind, int error) {
  for (unsigned at = 1;; at++) {
    faults_arm(kind, at, error);
    int rc = maps_read(maps, &snapshot);
    const bool hit = faults_hit();
    faults_arm(FAULT_NONE, 0, 0);
    if (!hit) {
      ck_assert_int_eq(rc, 0);
      return;
    }
    ck_assert_int_eq(maps_read(maps, &snapshot), 0);
    ck_assert_uint_eq(snapshot.samples_num, 2);
  }
}

START_TEST(maps_read__each_call_fails__works_the_next_time) {
  add(3, "a");
  add(7, "b");
  add_use(1, 3);
  fake_libbpf_add(1, 100, "prog", 0);
  if (_i == 0)
    start_pinned(true);
  else
    start_by_id(true);
  check_faults(FAULT_MEMORY, ENOMEM);
  check_faults(FAULT_CALL, EMFILE);
}
END_TEST

Suite *maps_suite(void) {
  Suite *suite = suite_create("maps");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, maps_read__pinned__is_what_the_iterator_tells);
  tcase_add_test(core, maps_read__again__is_read_anew);
  tcase_add_test(core, maps_read__jited_code__is_no_map);
  tcase_add_test(core, maps_read__uses_wanted__are_there);
  tcase_add_test(core,
                 maps_read__payers_wanted__are_there_where_they_are_known);
  tcase_add_test(core, maps_read__one_by_one__are_all_there);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits, maps_read__name_without_an_end__gets_one);
  tcase_add_loop_test(limits, maps_read__capacity_of_one_or_none__is_no_fill, 0,
                      2);
  tcase_add_test(limits, maps_read__without_a_formula__is_looked_at_by_its_id);
  tcase_add_test(limits, maps_read__ids_not_ascending__is_refused);
  tcase_add_test(limits, maps_read__no_pin__is_said);
  tcase_add_test(limits, maps_read__too_many_one_by_one__says_so);
  tcase_add_test(limits, maps_read__not_allowed__says_what_is_missing);
  tcase_add_loop_test(limits, maps_read__each_call_fails__works_the_next_time,
                      0, 2);
  suite_add_tcase(suite, limits);
  return suite;
}
