/* SPDX-License-Identifier: MIT */
/* Unit tests of map_bill: sums, parts and fill. */
#include "suites.h"

#include "faults.h"
#include "map_bill.h"

#include <errno.h>
#include <string.h>

static struct map_bill bill;
static struct map_sample samples[4];
static struct map_use uses[8];
static struct map_snapshot maps;
static struct prog_sample loaded[4]; /* ids 1 to 4 */
static struct prog_snapshot programs;

static void setup(void) {
  memset(samples, 0, sizeof(samples));
  for (uint32_t i = 0; i < 4; i++) {
    samples[i].id = 10 * (i + 1);
    samples[i].is_measured = true;
  }
  memset(loaded, 0, sizeof(loaded));
  for (uint32_t i = 0; i < 4; i++)
    loaded[i].id = i + 1;
  programs = (struct prog_snapshot){.samples = loaded, .samples_num = 4};
  maps = (struct map_snapshot){
      .samples = samples, .samples_num = 4, .uses = uses, .knows_unused = true};
}

static void teardown(void) { map_bill_clear(&bill); }

static void use(uint32_t prog_id, uint32_t map_id) {
  uses[maps.uses_num++] = (struct map_use){prog_id, map_id};
}

static void update(void) {
  ck_assert_int_eq(map_bill_update(&bill, &maps, &programs), 0);
}

static uint64_t share_of(uint32_t prog_id) {
  for (size_t i = 0; i < bill.shares_num; i++)
    if (bill.shares[i].prog_id == prog_id)
      return bill.shares[i].bytes;
  return UINT64_MAX;
}

START_TEST(map_bill__maps__are_counted_and_added_up) {
  samples[0].bytes = 1000;
  samples[1].bytes = 200;
  samples[1].is_unused = true;
  samples[2].is_measured = false;
  update();
  ck_assert_uint_eq(bill.maps, 4);
  ck_assert_uint_eq(bill.bytes, 1200);
  ck_assert_uint_eq(bill.unused, 1);
  ck_assert_uint_eq(bill.unused_bytes, 200);
  ck_assert_uint_eq(bill.unmeasured, 1);
  update(); /* anew, not on top */
  ck_assert_uint_eq(bill.bytes, 1200);
}
END_TEST

START_TEST(map_bill__one_user__pays_all_its_maps) {
  samples[0].bytes = 1000;
  samples[1].bytes = 200;
  use(1, 10);
  use(1, 20);
  update();
  ck_assert_uint_eq(share_of(1), 1200);
  ck_assert_uint_eq(bill.shares_num, 1);
}
END_TEST

START_TEST(map_bill__several_users__share_to_the_byte) {
  samples[3].bytes = 1001;
  use(1, 40);
  use(2, 40);
  use(5, 40);
  update();
  ck_assert_uint_eq(bill.shares_num, 3);
  uint64_t sum = 0;
  for (size_t i = 0; i < 3; i++) {
    ck_assert_uint_ge(bill.shares[i].bytes, 333);
    ck_assert_uint_le(bill.shares[i].bytes, 334);
    sum += bill.shares[i].bytes;
  }
  ck_assert_uint_eq(sum, 1001);
}
END_TEST

static void set_owner(uint32_t prog_id, const char *owner, bool is_owned) {
  loaded[prog_id - 1].owner = owner;
  loaded[prog_id - 1].is_owned = is_owned;
}

START_TEST(map_bill__owner_known__its_programs_alone_pay) {
  samples[0].bytes = 1000;
  samples[0].owner = "a.service";
  set_owner(1, "b.service", true);
  set_owner(2, "a.service", true);
  set_owner(3, "b.service", true);
  set_owner(4, "a.service", true);
  for (uint32_t id = 1; id <= 4; id++)
    use(id, 10);
  update();
  ck_assert_uint_eq(bill.shares_num, 2);
  ck_assert_uint_eq(share_of(2), 500);
  ck_assert_uint_eq(share_of(4), 500);
}
END_TEST

START_TEST(map_bill__owner_uses_it_no_more__those_who_do_pay) {
  samples[0].bytes = 1000;
  samples[0].owner = "a.service";
  set_owner(1, "b.service", true);
  set_owner(2, "a.service", false); /* nobody knows whether it is */
  use(1, 10);
  use(2, 10);
  use(9, 10); /* of which nothing is known */
  update();
  ck_assert_uint_eq(bill.shares_num, 3);
  ck_assert_uint_eq(share_of(1) + share_of(2) + share_of(9), 1000);
}
END_TEST

START_TEST(map_bill__map_that_came_or_went__nobody_pays) {
  samples[0].bytes = 1000;
  use(1, 5);
  use(2, 10);
  use(2, 99);
  update();
  ck_assert_uint_eq(share_of(2), 1000);
  ck_assert_uint_eq(bill.shares_num, 1);
}
END_TEST

START_TEST(map_bill__fullest_map__is_found) {
  update();
  ck_assert(!bill.knows_fill);
  samples[0] =
      (struct map_sample){.id = 10, .has_fill = true, .used = 1, .capacity = 4};
  samples[1] =
      (struct map_sample){.id = 20, .has_fill = true, .used = 3, .capacity = 4};
  samples[2].used = 9; /* nobody says that it can be full */
  samples[2].capacity = 9;
  update();
  ck_assert(bill.knows_fill);
  ck_assert_double_eq(bill.fill_max, 0.75);
  samples[1].used = 5; /* entries that were added while it was read */
  update();
  ck_assert_double_eq(bill.fill_max, 1.0);
}
END_TEST

START_TEST(map_bill__no_maps__is_nothing) {
  maps.samples = NULL;
  maps.samples_num = 0;
  use(1, 10);
  update();
  ck_assert_uint_eq(bill.maps, 0);
  ck_assert_uint_eq(bill.shares_num, 0);
}
END_TEST

START_TEST(map_bill__no_memory__is_said) {
  for (unsigned call = 1; call <= 2; call++) {
    faults_arm(FAULT_MEMORY, call, ENOMEM);
    ck_assert_int_eq(map_bill_update(&bill, &maps, &programs), -ENOMEM);
    ck_assert(faults_hit());
    faults_arm(FAULT_NONE, 0, 0);
    map_bill_clear(&bill);
  }
  update();
}
END_TEST

Suite *map_bill_suite(void) {
  Suite *suite = suite_create("map_bill");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, map_bill__maps__are_counted_and_added_up);
  tcase_add_test(core, map_bill__one_user__pays_all_its_maps);
  tcase_add_test(core, map_bill__several_users__share_to_the_byte);
  tcase_add_test(core, map_bill__owner_known__its_programs_alone_pay);
  tcase_add_test(core, map_bill__owner_uses_it_no_more__those_who_do_pay);
  tcase_add_test(core, map_bill__fullest_map__is_found);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits, map_bill__map_that_came_or_went__nobody_pays);
  tcase_add_test(limits, map_bill__no_maps__is_nothing);
  tcase_add_test(limits, map_bill__no_memory__is_said);
  suite_add_tcase(suite, limits);
  return suite;
}
