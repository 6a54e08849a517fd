/* SPDX-License-Identifier: MIT */
/* Unit tests of prog_stats: the arithmetic, above all at its limits. */
#include "suites.h"

#include "prog_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct prog_stats max_stats = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

START_TEST(prog_stats_ns_per_call__ran__is_the_mean) {
  struct prog_stats stats = {.cnt = 4, .nsecs = 10};
  ck_assert_double_eq(prog_stats_ns_per_call(stats), 2.5);
}
END_TEST

START_TEST(prog_stats_ns_per_call__never_ran__is_zero) {
  struct prog_stats stats = {.cnt = 0, .nsecs = 10, .misses = 3};
  ck_assert_double_eq(prog_stats_ns_per_call(stats), 0.0);
}
END_TEST

START_TEST(prog_stats_miss_rate__ran_and_missed__is_share_of_attempts) {
  struct prog_stats stats = {.cnt = 3, .misses = 1};
  ck_assert_double_eq(prog_stats_miss_rate(stats), 0.25);
}
END_TEST

START_TEST(prog_stats_miss_rate__only_missed__is_one) {
  struct prog_stats stats = {.misses = 7};
  ck_assert_double_eq(prog_stats_miss_rate(stats), 1.0);
}
END_TEST

START_TEST(prog_stats_miss_rate__no_attempt__is_zero) {
  struct prog_stats stats = {.nsecs = 5};
  ck_assert_double_eq(prog_stats_miss_rate(stats), 0.0);
}
END_TEST

START_TEST(prog_stats_miss_rate__attempts_overflow__saturates) {
  struct prog_stats stats = {.cnt = UINT64_MAX, .misses = UINT64_MAX};
  ck_assert_double_eq(prog_stats_miss_rate(stats), 1.0);
  stats.misses = UINT64_MAX / 2;
  ck_assert_double_eq_tol(prog_stats_miss_rate(stats), 0.5, 1e-12);
}
END_TEST

START_TEST(prog_stats_add__small_values__adds_each_field) {
  struct prog_stats a = {1, 20, 300};
  struct prog_stats b = {4, 50, 600};
  struct prog_stats sum = prog_stats_add(a, b);
  ck_assert_uint_eq(sum.cnt, 5);
  ck_assert_uint_eq(sum.nsecs, 70);
  ck_assert_uint_eq(sum.misses, 900);
}
END_TEST

START_TEST(prog_stats_add__overflow__saturates_each_field) {
  struct prog_stats one = {1, 1, 1};
  struct prog_stats sum = prog_stats_add(max_stats, one);
  ck_assert_mem_eq(&sum, &max_stats, sizeof(sum));
  sum = prog_stats_add(max_stats, max_stats);
  ck_assert_mem_eq(&sum, &max_stats, sizeof(sum));
  struct prog_stats almost = {UINT64_MAX - 1, 0, UINT64_MAX};
  sum = prog_stats_add(almost, one);
  ck_assert_uint_eq(sum.cnt, UINT64_MAX);
  ck_assert_uint_eq(sum.nsecs, 1);
  ck_assert_uint_eq(sum.misses, UINT64_MAX);
}
END_TEST

START_TEST(prog_stats_sub__increase__is_the_difference) {
  struct prog_stats later = {UINT64_MAX, 70, 900};
  struct prog_stats earlier = {1, 20, 300};
  struct prog_stats delta = prog_stats_sub(later, earlier);
  ck_assert_uint_eq(delta.cnt, UINT64_MAX - 1);
  ck_assert_uint_eq(delta.nsecs, 50);
  ck_assert_uint_eq(delta.misses, 600);
}
END_TEST

START_TEST(prog_stats_sub__one_field_decreased__only_that_is_zero) {
  struct prog_stats later = {5, 10, 7};
  struct prog_stats earlier = {6, 4, 7};
  struct prog_stats delta = prog_stats_sub(later, earlier);
  ck_assert_uint_eq(delta.cnt, 0);
  ck_assert_uint_eq(delta.nsecs, 6);
  ck_assert_uint_eq(delta.misses, 0);
}
END_TEST

static void check_line(const char *name, struct prog_stats stats,
                       const char *expected) {
  char line[256];
  int len = prog_stats_format(line, sizeof(line), name, stats);
  ck_assert_str_eq(line, expected);
  ck_assert_int_eq(len, (int)strlen(expected));
}

START_TEST(prog_stats_format__ran_and_missed__shows_all) {
  check_line("xdp", (struct prog_stats){.cnt = 4, .nsecs = 10, .misses = 1},
             "xdp: 4 invocations, 10 ns, 1 recursion misses, 2.500 ns/call, "
             "miss rate 0.200000");
}
END_TEST

START_TEST(prog_stats_format__never_ran__shows_no_ratio) {
  check_line("idle", (struct prog_stats){0},
             "idle: 0 invocations, 0 ns, 0 recursion misses");
}
END_TEST

START_TEST(prog_stats_format__only_missed__shows_no_ns_per_call) {
  check_line("hot", (struct prog_stats){.misses = 2},
             "hot: 0 invocations, 0 ns, 2 recursion misses, "
             "miss rate 1.000000");
}
END_TEST

START_TEST(prog_stats_format__largest_values__are_whole) {
  check_line("max", max_stats,
             "max: 18446744073709551615 invocations, 18446744073709551615 ns, "
             "18446744073709551615 recursion misses, 1.000 ns/call, "
             "miss rate 1.000000");
}
END_TEST

START_TEST(prog_stats_format__small_buffer__is_cut_and_tells_the_length) {
  char line[8];
  int len =
      prog_stats_format(line, sizeof(line), "abc", (struct prog_stats){0});
  ck_assert_str_eq(line, "abc: 0 ");
  ck_assert_int_eq(len, (int)strlen("abc: 0 invocations, 0 ns, 0 recursion "
                                    "misses"));
}
END_TEST

/* 64 random bits, of a random magnitude, so that limits come up often. */
static uint64_t random_u64(unsigned *seed) {
  uint64_t bits = 0;
  for (int i = 0; i < 5; i++)
    bits = bits << 15 ^ (uint64_t)rand_r(seed);
  switch (rand_r(seed) % 8) {
  case 0:
    return 0;
  case 1:
    return UINT64_MAX;
  case 2:
    return UINT64_MAX - bits % 4;
  default:
    return bits >> rand_r(seed) % 64;
  }
}

START_TEST(prog_stats__random_triples__stay_finite_and_in_range) {
  unsigned seed = 20231;
  for (int i = 0; i < 1000000; i++) {
    struct prog_stats a = {random_u64(&seed), random_u64(&seed),
                           random_u64(&seed)};
    struct prog_stats b = {random_u64(&seed), random_u64(&seed),
                           random_u64(&seed)};
    double ns_per_call = prog_stats_ns_per_call(a);
    double miss_rate = prog_stats_miss_rate(a);
    if (!isfinite(ns_per_call) || ns_per_call < 0.0 || !isfinite(miss_rate) ||
        miss_rate < 0.0 || miss_rate > 1.0)
      ck_abort_msg("%g %g of %llu %llu %llu", ns_per_call, miss_rate,
                   (unsigned long long)a.cnt, (unsigned long long)a.nsecs,
                   (unsigned long long)a.misses);
    struct prog_stats sum = prog_stats_add(a, b);
    struct prog_stats delta = prog_stats_sub(a, b);
    /* The exact results, in 128 bits. */
    unsigned __int128 exact = (unsigned __int128)a.nsecs + b.nsecs;
    uint64_t expected = exact > UINT64_MAX ? UINT64_MAX : (uint64_t)exact;
    if (sum.nsecs != expected || sum.cnt < a.cnt || sum.misses < b.misses ||
        delta.nsecs != (a.nsecs > b.nsecs ? a.nsecs - b.nsecs : 0))
      ck_abort_msg("add or sub of %llu and %llu", (unsigned long long)a.nsecs,
                   (unsigned long long)b.nsecs);
  }
}
END_TEST

Suite *prog_stats_suite(void) {
  Suite *suite = suite_create("prog_stats");
  TCase *core = tcase_create("core");
  tcase_add_test(core, prog_stats_ns_per_call__ran__is_the_mean);
  tcase_add_test(core,
                 prog_stats_miss_rate__ran_and_missed__is_share_of_attempts);
  tcase_add_test(core, prog_stats_add__small_values__adds_each_field);
  tcase_add_test(core, prog_stats_sub__increase__is_the_difference);
  tcase_add_test(core, prog_stats_format__ran_and_missed__shows_all);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_test(limits, prog_stats_ns_per_call__never_ran__is_zero);
  tcase_add_test(limits, prog_stats_miss_rate__only_missed__is_one);
  tcase_add_test(limits, prog_stats_miss_rate__no_attempt__is_zero);
  tcase_add_test(limits, prog_stats_miss_rate__attempts_overflow__saturates);
  tcase_add_test(limits, prog_stats_add__overflow__saturates_each_field);
  tcase_add_test(limits,
                 prog_stats_sub__one_field_decreased__only_that_is_zero);
  tcase_add_test(limits, prog_stats_format__never_ran__shows_no_ratio);
  tcase_add_test(limits, prog_stats_format__only_missed__shows_no_ns_per_call);
  tcase_add_test(limits, prog_stats_format__largest_values__are_whole);
  tcase_add_test(limits,
                 prog_stats_format__small_buffer__is_cut_and_tells_the_length);
  tcase_add_test(limits, prog_stats__random_triples__stay_finite_and_in_range);
  suite_add_tcase(suite, limits);
  return suite;
}
