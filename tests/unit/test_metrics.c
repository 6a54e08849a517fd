/* SPDX-License-Identifier: MIT */
/* Unit tests of metrics: guards of each series, and the table in the README. */
#include "suites.h"

#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct host host;
static struct prog_snapshot snapshot;
static struct map_bill bill;
static struct reading reading;
static union metric_value value;

/* An ordinary interval: one second, statistics on. */
static void setup(void) {
  host = (struct host){
      .group = {.total = {.cnt = 100, .nsecs = 5000, .misses = 300},
                .delta = {.cnt = 10, .nsecs = 20000000, .misses = 30},
                .skipping = {.cnt = 10, .nsecs = 20000000, .misses = 30},
                .misses = 1U << MISSES_OF_ITSELF,
                .has_begun = true,
                .memory_bytes = 8192,
                .map_bytes = 1000,
                .loads = 3,
                .load_time_ns = 4000000000,
                .is_current = true,
                .programs = 2,
                .name = "group"},
      .churn = {.loaded = 5, .unloaded = 3},
      .folded_programs = 1,
      .elsewhere = 4,
      .unowned = 6,
      .read_errors = 9,
  };
  snapshot = (struct prog_snapshot){.time_ns = 6500000000,
                                    .duration_ns = 1500000,
                                    .complete = true,
                                    .knows_elsewhere = true};
  bill = (struct map_bill){.maps = 7,
                           .unused = 2,
                           .unmeasured = 1,
                           .bytes = 70000,
                           .unused_bytes = 3000,
                           .fill_max = 0.5,
                           .knows_unused = true,
                           .knows_fill = true,
                           .jit_bytes = 2500,
                           .jit_limit = 10000};
  reading = (struct reading){
      .map_bill = &bill,
      .host = &host,
      .snapshot = &snapshot,
      .wants_owners = true,
      .coverage = {.share = 1.0, .measured_ns = 1000000000},
      .statistics_cost_ns = 90,
  };
}

static const struct metric *find(const char *key) {
  size_t num = 0;
  const struct metric *metrics = metrics_all(&num);
  for (size_t i = 0; i < num; i++)
    if (strcmp(metrics[i].key, key) == 0)
      return &metrics[i];
  ck_abort_msg("no metric %s", key);
}

static bool compute(const char *key) {
  return find(key)->compute(&reading, &host.group, &value);
}

static void check_derive(const char *key, int64_t expected) {
  ck_assert_int_eq(find(key)->kind, METRIC_DERIVE);
  ck_assert(compute(key));
  ck_assert_int_eq(value.derive, expected);
}

static void check_gauge(const char *key, double expected) {
  ck_assert_int_eq(find(key)->kind, METRIC_GAUGE);
  ck_assert(compute(key));
  ck_assert_double_eq_tol(value.gauge, expected, 1e-12);
}

START_TEST(metrics__ordinary_interval__all_have_their_value) {
  check_derive("invocations", 100);
  check_derive("run_time_ns", 5000);
  check_derive("recursion_misses", 300);
  check_gauge("ns_per_call", 2000000);
  check_gauge("miss_rate", 0.75);
  check_gauge("programs", 2);
  check_gauge("cpu_percent", 2);
  check_gauge("ns_per_call_lifetime", 50);
  check_gauge("miss_rate_lifetime", 0.75);
  check_gauge("memory", 9192);
  check_gauge("memory_programs", 8192);
  check_gauge("memory_maps", 70000);
  check_gauge("memory_unused_maps", 3000);
  check_gauge("maps", 7);
  check_gauge("unused_maps", 2);
  check_gauge("unmeasured_maps", 1);
  check_gauge("map_fill_max", 0.5);
  check_gauge("memory_jit", 2500);
  check_gauge("jit_fill", 0.25);
  check_derive("loads", 3);
  check_gauge("age", 2.5);
  check_gauge("coverage", 1);
  check_gauge("statistics_percent", 0.00009);
  check_derive("programs_loaded", 5);
  check_derive("programs_unloaded", 3);
  check_gauge("folded_programs", 1);
  check_gauge("unowned_programs", 6);
  check_derive("read_errors", 9);
  check_gauge("read", 0.0015);
}
END_TEST

START_TEST(metrics__first_read__no_gauge_of_the_interval) {
  host.group.delta = (struct prog_stats){0};
  host.group.unmeasured = 2;
  reading.coverage = (struct coverage){.share = -1.0};
  ck_assert(!compute("ns_per_call"));
  ck_assert(!compute("miss_rate"));
  ck_assert(!compute("cpu_percent"));
  ck_assert(!compute("coverage"));
  ck_assert(!compute("statistics_percent"));
  check_derive("invocations", 100);
}
END_TEST

START_TEST(metrics__never_ran__no_ratio) {
  host.group.total = host.group.delta = host.group.skipping =
      (struct prog_stats){0};
  ck_assert(!compute("ns_per_call"));
  ck_assert(!compute("miss_rate"));
  ck_assert(!compute("ns_per_call_lifetime"));
  ck_assert(!compute("miss_rate_lifetime"));
  check_gauge("cpu_percent", 0);
}
END_TEST

START_TEST(metrics__only_skipped__has_a_miss_rate_of_one) {
  host.group.delta = host.group.skipping = (struct prog_stats){.misses = 3};
  check_gauge("miss_rate", 1);
  ck_assert(!compute("ns_per_call"));
}
END_TEST

START_TEST(metrics__statistics_on_for_a_part__no_miss_rate_nor_cpu_percent) {
  reading.coverage = (struct coverage){.share = 0.999};
  ck_assert(!compute("miss_rate"));
  ck_assert(!compute("cpu_percent"));
  check_gauge("ns_per_call", 2000000);
  check_gauge("coverage", 0.999);
}
END_TEST

START_TEST(metrics__statistics_off__coverage_is_zero) {
  reading.coverage = (struct coverage){.share = 0.0};
  host.group.delta = host.group.skipping = (struct prog_stats){.misses = 3};
  check_gauge("coverage", 0);
  check_gauge("statistics_percent", 0);
  ck_assert(!compute("miss_rate"));
  ck_assert(!compute("ns_per_call"));
}
END_TEST

START_TEST(metrics__nobody_knows__no_coverage) {
  reading.coverage = (struct coverage){.share = -1.0};
  ck_assert(!compute("coverage"));
  ck_assert(!compute("statistics_percent"));
  check_gauge("ns_per_call", 2000000);
}
END_TEST

START_TEST(metrics__of_a_window__gauges_are_of_it_and_counters_estimated) {
  reading.coverage = (struct coverage){.share = 0.1, .measured_ns = 100000000};
  host.group.estimate = (struct estimate){.cnt = 900, .nsecs = 45000};
  check_derive("invocations", 1000);
  check_derive("run_time_ns", 50000);
  check_derive("recursion_misses", 300);
  check_gauge("ns_per_call", 2000000);
  check_gauge("miss_rate", 0.75);
  check_gauge("cpu_percent", 20);
  check_gauge("statistics_percent", 0.00009); /* on for a tenth */
  check_gauge("coverage", 0.1);
  check_gauge("ns_per_call_lifetime", 50);
  check_gauge("miss_rate_lifetime", 300.0 / 1300.0);
}
END_TEST

START_TEST(metrics__window_lost__no_runs_and_no_run_time) {
  reading.coverage = (struct coverage){.share = -1.0};
  host.group.is_current = false;
  ck_assert(!compute("invocations"));
  ck_assert(!compute("run_time_ns"));
  check_derive("recursion_misses", 300);
}
END_TEST

START_TEST(metrics__not_begun__no_series_of_runs) {
  host.group.has_begun = false;
  ck_assert(!compute("invocations"));
  ck_assert(!compute("run_time_ns"));
  ck_assert(!compute("recursion_misses"));
  ck_assert(!compute("cpu_percent"));
  ck_assert(!compute("loads"));
  ck_assert(!compute("age"));
  check_gauge("programs", 2);
  check_gauge("memory", 9192);
}
END_TEST

START_TEST(metrics__maps_not_read__nothing_that_needs_them) {
  reading.map_bill = NULL;
  ck_assert(!compute("memory"));
  ck_assert(!compute("memory_maps"));
  ck_assert(!compute("maps"));
  ck_assert(!compute("unused_maps"));
  ck_assert(!compute("map_fill_max"));
  check_gauge("memory_programs", 8192);
}
END_TEST

START_TEST(metrics__maps_read_one_by_one__nobody_knows_what_is_unused_or_full) {
  bill.knows_unused = bill.knows_fill = false;
  ck_assert(!compute("unused_maps"));
  ck_assert(!compute("memory_unused_maps"));
  ck_assert(!compute("map_fill_max"));
  check_gauge("maps", 7);
}
END_TEST

START_TEST(metrics__jited_code_not_counted__has_no_value) {
  bill.jit_bytes = bill.jit_limit = 0;
  ck_assert(!compute("memory_jit"));
  ck_assert(!compute("jit_fill"));
}
END_TEST

START_TEST(metrics__loaded_while_the_walk_was_on__has_no_age_yet) {
  host.group.load_time_ns = snapshot.time_ns + 1;
  check_gauge("age", 0);
}
END_TEST

START_TEST(metrics__misses_of_one_program_uncounted__host_alone_has_them) {
  host.group.misses |= 1U << MISSES_UNCOUNTED;
  ck_assert(!compute("recursion_misses"));
  ck_assert(!compute("miss_rate"));
  ck_assert(!compute("miss_rate_lifetime"));
  host.group.name = "";
  host.group.delta.cnt = 1000; /* mostly of the other program */
  check_derive("recursion_misses", 300);
  check_gauge("miss_rate", 0.75);
}
END_TEST

START_TEST(metrics__kernel_does_not_tell_who_is_called__no_number_of_them) {
  check_gauge("uncounted_programs", 4);
  snapshot.knows_elsewhere = false;
  ck_assert(!compute("uncounted_programs"));
}
END_TEST

START_TEST(metrics__nobody_asks_for_owners__no_number_of_the_unowned) {
  reading.wants_owners = false;
  ck_assert(!compute("unowned_programs"));
}
END_TEST

START_TEST(metrics__misses_uncounted__no_series_of_them) {
  host.group.misses = 1U << MISSES_UNCOUNTED;
  ck_assert(!compute("recursion_misses"));
  ck_assert(!compute("miss_rate"));
  ck_assert(!compute("miss_rate_lifetime"));
}
END_TEST

START_TEST(metrics__walk_cut_short__number_of_programs_is_unknown) {
  snapshot.complete = false;
  ck_assert(!compute("programs"));
}
END_TEST

START_TEST(metrics__program_unmeasured__no_cpu_percent) {
  host.group.unmeasured = 1;
  ck_assert(!compute("cpu_percent"));
}
END_TEST

START_TEST(metrics__memory_unknown__no_value) {
  host.group.memory_unknown = true;
  ck_assert(!compute("memory"));
}
END_TEST

START_TEST(metrics__largest_counters__saturate_at_int64) {
  host.group.total =
      (struct prog_stats){UINT64_MAX, (uint64_t)INT64_MAX + 1, INT64_MAX};
  check_derive("invocations", INT64_MAX);
  check_derive("run_time_ns", INT64_MAX);
  check_derive("recursion_misses", INT64_MAX);
}
END_TEST

START_TEST(metrics_default__is_the_six) {
  static const char *const six[] = {"invocations",      "run_time_ns",
                                    "recursion_misses", "ns_per_call",
                                    "miss_rate",        "programs"};
  metric_set expected = 0;
  for (size_t i = 0; i < 6; i++) {
    ck_assert_uint_ne(metrics_find(six[i]), 0);
    expected |= metrics_find(six[i]);
  }
  ck_assert_uint_eq(metrics_default(), expected);
}
END_TEST

START_TEST(metrics_find__not_of_a_group__is_empty) {
  ck_assert_uint_eq(metrics_find("coverage"), 0);
  ck_assert_uint_eq(metrics_find("read_errors"), 0);
  ck_assert_uint_eq(metrics_find("nonsense"), 0);
  ck_assert_uint_eq(metrics_find(""), 0);
  ck_assert_uint_ne(metrics_find("memory"), 0);
}
END_TEST

START_TEST(metrics_host__is_all_but_those_of_groups_alone) {
  size_t num = 0;
  const struct metric *metrics = metrics_all(&num);
  for (size_t i = 0; i < num; i++) {
    bool expected = strstr(metrics[i].key, "lifetime") == NULL &&
                    strcmp(metrics[i].key, "memory") != 0 &&
                    strcmp(metrics[i].key, "loads") != 0 &&
                    strcmp(metrics[i].key, "age") != 0;
    ck_assert_int_eq(metrics_host() >> i & 1, expected);
  }
}
END_TEST

/* The row of the README's table for the metric, up to its meaning. */
static void format_row(const struct metric *metric, char *row, size_t size) {
  static const char *const scopes[] = {
      [METRIC_NEVER] = "-",
      [METRIC_OPTION] = "opt",
      [METRIC_DEFAULT] = "x",
      [METRIC_ALWAYS] = "x",
  };
  snprintf(row, size, "| `%s` | `%s%s%s` | %s | %s | %s | ", metric->key,
           metric->type, metric->type_instance[0] != '\0' ? "-" : "",
           metric->type_instance,
           metric->kind == METRIC_DERIVE ? "DERIVE" : "GAUGE",
           scopes[metric->group_scope], scopes[metric->host_scope]);
}

START_TEST(metrics_all__table_in_the_readme__is_the_same) {
  const char *srcdir = getenv("srcdir");
  char path[4096];
  snprintf(path, sizeof(path), "%s/README.md", srcdir != NULL ? srcdir : ".");
  FILE *readme = fopen(path, "r");
  ck_assert_msg(readme != NULL, "cannot open %s", path);
  size_t num = 0;
  const struct metric *metrics = metrics_all(&num);
  size_t seen = 0;
  bool in_table = false;
  char line[1024];
  while (fgets(line, sizeof(line), readme) != NULL) {
    if (strncmp(line, "| key | type - type instance |", 30) == 0) {
      in_table = true;
      ck_assert_ptr_nonnull(fgets(line, sizeof(line), readme)); /* |---| */
    } else if (in_table && line[0] == '|') {
      ck_assert_uint_lt(seen, num);
      char row[256];
      format_row(&metrics[seen++], row, sizeof(row));
      ck_assert_msg(strncmp(line, row, strlen(row)) == 0,
                    "README has %sthe table of metrics has %s", line, row);
    } else {
      in_table = false;
    }
  }
  fclose(readme);
  ck_assert_uint_eq(seen, num);
}
END_TEST

Suite *metrics_suite(void) {
  Suite *suite = suite_create("metrics");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, NULL);
  tcase_add_test(core, metrics__ordinary_interval__all_have_their_value);
  tcase_add_test(core, metrics_default__is_the_six);
  tcase_add_test(core, metrics_find__not_of_a_group__is_empty);
  tcase_add_test(core, metrics_host__is_all_but_those_of_groups_alone);
  tcase_add_test(core, metrics_all__table_in_the_readme__is_the_same);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, NULL);
  tcase_add_test(limits, metrics__first_read__no_gauge_of_the_interval);
  tcase_add_test(limits, metrics__never_ran__no_ratio);
  tcase_add_test(limits, metrics__maps_not_read__nothing_that_needs_them);
  tcase_add_test(
      limits,
      metrics__maps_read_one_by_one__nobody_knows_what_is_unused_or_full);
  tcase_add_test(limits, metrics__only_skipped__has_a_miss_rate_of_one);
  tcase_add_test(
      limits, metrics__statistics_on_for_a_part__no_miss_rate_nor_cpu_percent);
  tcase_add_test(limits, metrics__statistics_off__coverage_is_zero);
  tcase_add_test(limits, metrics__nobody_knows__no_coverage);
  tcase_add_test(limits,
                 metrics__of_a_window__gauges_are_of_it_and_counters_estimated);
  tcase_add_test(limits, metrics__window_lost__no_runs_and_no_run_time);
  tcase_add_test(limits, metrics__misses_uncounted__no_series_of_them);
  tcase_add_test(limits,
                 metrics__nobody_asks_for_owners__no_number_of_the_unowned);
  tcase_add_test(limits,
                 metrics__misses_of_one_program_uncounted__host_alone_has_them);
  tcase_add_test(limits, metrics__jited_code_not_counted__has_no_value);
  tcase_add_test(limits, metrics__loaded_while_the_walk_was_on__has_no_age_yet);
  tcase_add_test(limits, metrics__not_begun__no_series_of_runs);
  tcase_add_test(
      limits, metrics__kernel_does_not_tell_who_is_called__no_number_of_them);
  tcase_add_test(limits,
                 metrics__walk_cut_short__number_of_programs_is_unknown);
  tcase_add_test(limits, metrics__program_unmeasured__no_cpu_percent);
  tcase_add_test(limits, metrics__memory_unknown__no_value);
  tcase_add_test(limits, metrics__largest_counters__saturate_at_int64);
  suite_add_tcase(suite, limits);
  return suite;
}
