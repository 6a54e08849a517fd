/* SPDX-License-Identifier: MIT */
/* metrics: how each series is named and computed.
 *
 * No value rather than a false value: a compute function returns false where
 * its guard fires. Units: ns of run time, bytes, seconds, 0..1 for shares. */
#include "metrics.h"

#include <string.h>

/* collectd's DERIVE is an int64. */
static bool derive(uint64_t count, union metric_value *ret_value) {
  ret_value->derive = count > INT64_MAX ? INT64_MAX : (int64_t)count;
  return true;
}

static bool gauge(double value, union metric_value *ret_value) {
  ret_value->gauge = value;
  return true;
}

#define COMPUTE(name)                                                          \
  static bool compute_##name(                                                  \
      __attribute__((unused)) const struct reading *reading,                   \
      __attribute__((unused)) const struct group *group,                       \
      union metric_value *ret_value)

/* With windows, runs that nobody counted may have to wait for the next one. */
COMPUTE(invocations) {
  return group->has_begun && group->is_current &&
         derive(group_estimated_total(group).cnt, ret_value);
}

COMPUTE(run_time_ns) {
  return group->has_begun && group->is_current &&
         derive(group_estimated_total(group).nsecs, ret_value);
}

COMPUTE(recursion_misses) {
  return group->has_begun && group_counts_misses(group) &&
         derive(group->total.misses, ret_value);
}

COMPUTE(ns_per_call) {
  return group->delta.cnt != 0 &&
         gauge(prog_stats_ns_per_call(group->delta), ret_value);
}

/* The kernel counts misses even while statistics are off; then the rate would
 * be 1. The host's is of those programs of which misses are counted. */
COMPUTE(miss_rate) {
  return group_counts_misses(group) && reading->coverage.measured_ns != 0 &&
         (group->skipping.cnt != 0 || group->skipping.misses != 0) &&
         gauge(prog_stats_miss_rate(group->skipping), ret_value);
}

/* A walk that was cut short does not know. */
COMPUTE(programs) {
  return reading->snapshot->complete &&
         gauge((double)group->programs, ret_value);
}

COMPUTE(cpu_percent) {
  uint64_t measured_ns = reading->coverage.measured_ns;
  return group->has_begun && measured_ns != 0 && group->unmeasured == 0 &&
         gauge((double)group->delta.nsecs / (double)measured_ns * 100.0,
               ret_value);
}

COMPUTE(ns_per_call_lifetime) {
  struct prog_stats total = group_estimated_total(group);
  return total.cnt != 0 && gauge(prog_stats_ns_per_call(total), ret_value);
}

COMPUTE(miss_rate_lifetime) {
  struct prog_stats total = group_estimated_total(group);
  return group_counts_misses(group) && total.cnt != 0 &&
         gauge(prog_stats_miss_rate(total), ret_value);
}

COMPUTE(memory) {
  return !group->memory_unknown && reading->map_bill != NULL &&
         gauge((double)(group->memory_bytes + group->map_bytes), ret_value);
}

COMPUTE(memory_programs) {
  return !group->memory_unknown && reading->snapshot->complete &&
         gauge((double)group->memory_bytes, ret_value);
}

#define COMPUTE_BILL(name, knows, value)                                       \
  COMPUTE(name) {                                                              \
    const struct map_bill *bill = reading->map_bill;                           \
    return bill != NULL && (knows) && gauge((double)(value), ret_value);       \
  }

COMPUTE_BILL(memory_maps, true, bill->bytes)
COMPUTE_BILL(memory_unused_maps, bill->knows_unused, bill->unused_bytes)
COMPUTE_BILL(maps, true, bill->maps)
COMPUTE_BILL(unused_maps, bill->knows_unused, bill->unused)
COMPUTE_BILL(unmeasured_maps, true, bill->unmeasured)
COMPUTE_BILL(map_fill_max, bill->knows_fill, bill->fill_max)
COMPUTE_BILL(memory_jit, bill->jit_limit != 0, bill->jit_bytes)
COMPUTE_BILL(jit_fill, bill->jit_limit != 0,
             (double)bill->jit_bytes / (double)bill->jit_limit)

COMPUTE(loads) { return group->has_begun && derive(group->loads, ret_value); }

/* A program may be loaded after the walk has begun, and be found by it. */
COMPUTE(age) {
  const uint64_t now_ns = reading->snapshot->time_ns;
  const uint64_t load_ns = group->load_time_ns;
  return group->has_begun && load_ns != 0 &&
         gauge(now_ns > load_ns ? (double)(now_ns - load_ns) / 1e9 : 0.0,
               ret_value);
}

COMPUTE(coverage) {
  return reading->coverage.share >= 0.0 &&
         gauge(reading->coverage.share, ret_value);
}

/* Of the rate at which programs ran while that was measured, and with what
 * windows cost. */
COMPUTE(statistics_percent) {
  const struct coverage *coverage = &reading->coverage;
  if (coverage->share == 0.0)
    return gauge(0.0, ret_value);
  return coverage->share > 0.0 && coverage->measured_ns != 0 &&
         group->unmeasured == 0 &&
         gauge((double)group->delta.cnt / (double)coverage->measured_ns *
                       coverage->share * reading->statistics_cost_ns * 100.0 +
                   (reading->is_sampled ? reading->windows_percent : 0.0),
               ret_value);
}

COMPUTE(programs_loaded) {
  return derive(reading->host->churn.loaded, ret_value);
}

COMPUTE(programs_unloaded) {
  return derive(reading->host->churn.unloaded, ret_value);
}

COMPUTE(folded_programs) {
  return gauge((double)reading->host->folded_programs, ret_value);
}

COMPUTE(uncounted_programs) {
  return reading->snapshot->knows_elsewhere &&
         gauge((double)reading->host->elsewhere, ret_value);
}

COMPUTE(unowned_programs) {
  return reading->wants_owners &&
         gauge((double)reading->host->unowned, ret_value);
}

COMPUTE(unwatched_unloads) {
  return derive(reading->host->unwatched_unloads, ret_value);
}

COMPUTE(read_errors) { return derive(reading->host->read_errors, ret_value); }

COMPUTE(read) {
  return gauge((double)reading->snapshot->duration_ns / 1e9, ret_value);
}

#define METRIC(key_, type_, instance_, kind_, group_, host_)                   \
  {                                                                            \
    .key = #key_, .type = (type_), .type_instance = (instance_),               \
    .kind = METRIC_##kind_, .group_scope = METRIC_##group_,                    \
    .host_scope = METRIC_##host_, .compute = compute_##key_                    \
  }

/* clang-format off */
static const struct metric metrics[] = {
    METRIC(invocations, "invocations", "", DERIVE, DEFAULT, ALWAYS),
    METRIC(run_time_ns, "derive", "run_time_ns", DERIVE, DEFAULT, ALWAYS),
    METRIC(recursion_misses, "derive", "recursion_misses", DERIVE, DEFAULT, ALWAYS),
    METRIC(ns_per_call, "gauge", "ns_per_call", GAUGE, DEFAULT, ALWAYS),
    METRIC(miss_rate, "gauge", "miss_rate", GAUGE, DEFAULT, ALWAYS),
    METRIC(programs, "count", "programs", GAUGE, DEFAULT, ALWAYS),
    METRIC(cpu_percent, "gauge", "cpu_percent", GAUGE, OPTION, ALWAYS),
    METRIC(ns_per_call_lifetime, "gauge", "ns_per_call_lifetime", GAUGE, OPTION, NEVER),
    METRIC(miss_rate_lifetime, "gauge", "miss_rate_lifetime", GAUGE, OPTION, NEVER),
    METRIC(memory, "memory", "", GAUGE, OPTION, NEVER),
    METRIC(loads, "derive", "loads", DERIVE, OPTION, NEVER),
    METRIC(age, "gauge", "age", GAUGE, OPTION, NEVER),
    METRIC(coverage, "gauge", "coverage", GAUGE, NEVER, ALWAYS),
    METRIC(statistics_percent, "gauge", "statistics_percent", GAUGE, NEVER, ALWAYS),
    METRIC(programs_loaded, "derive", "programs_loaded", DERIVE, NEVER, ALWAYS),
    METRIC(programs_unloaded, "derive", "programs_unloaded", DERIVE, NEVER, ALWAYS),
    METRIC(folded_programs, "count", "folded_programs", GAUGE, NEVER, ALWAYS),
    METRIC(uncounted_programs, "count", "uncounted_programs", GAUGE, NEVER, ALWAYS),
    METRIC(unowned_programs, "count", "unowned_programs", GAUGE, NEVER, ALWAYS),
    METRIC(unwatched_unloads, "derive", "unwatched_unloads", DERIVE, NEVER, ALWAYS),
    METRIC(read_errors, "derive", "read_errors", DERIVE, NEVER, ALWAYS),
    METRIC(read, "duration", "read", GAUGE, NEVER, ALWAYS),
    METRIC(memory_programs, "memory", "programs", GAUGE, NEVER, ALWAYS),
    METRIC(memory_maps, "memory", "maps", GAUGE, NEVER, ALWAYS),
    METRIC(memory_unused_maps, "memory", "unused_maps", GAUGE, NEVER, ALWAYS),
    METRIC(maps, "count", "maps", GAUGE, NEVER, ALWAYS),
    METRIC(unused_maps, "count", "unused_maps", GAUGE, NEVER, ALWAYS),
    METRIC(unmeasured_maps, "count", "unmeasured_maps", GAUGE, NEVER, ALWAYS),
    METRIC(map_fill_max, "gauge", "map_fill_max", GAUGE, NEVER, ALWAYS),
    METRIC(memory_jit, "memory", "jit", GAUGE, NEVER, ALWAYS),
    METRIC(jit_fill, "gauge", "jit_fill", GAUGE, NEVER, ALWAYS),
};
/* clang-format on */

static const size_t metrics_num = sizeof(metrics) / sizeof(metrics[0]);

const struct metric *metrics_all(size_t *ret_num) {
  *ret_num = metrics_num;
  return metrics;
}

metric_set metrics_default(void) {
  metric_set set = 0;
  for (size_t i = 0; i < metrics_num; i++)
    if (metrics[i].group_scope == METRIC_DEFAULT)
      set |= (metric_set)1 << i;
  return set;
}

metric_set metrics_host(void) {
  metric_set set = 0;
  for (size_t i = 0; i < metrics_num; i++)
    if (metrics[i].host_scope == METRIC_ALWAYS)
      set |= (metric_set)1 << i;
  return set;
}

metric_set metrics_find(const char *key) {
  for (size_t i = 0; i < metrics_num; i++)
    if (metrics[i].group_scope != METRIC_NEVER &&
        strcmp(metrics[i].key, key) == 0)
      return (metric_set)1 << i;
  return 0;
}
