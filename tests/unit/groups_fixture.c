/* SPDX-License-Identifier: MIT */
/* groups_fixture: one of everything, made anew for each test. */
#include "groups_fixture.h"

#include <check.h>

#include <string.h>

struct selector *selector;
struct groups *groups;
struct prog_sample samples[SAMPLES_MAX];
struct prog_snapshot snapshot;

void groups_start(size_t groups_max, const char *format) {
  struct groups_options options = {.selector = selector,
                                   .groups_max = groups_max};
  ck_assert_int_eq(group_name_format_parse(format, &options.name_format), 0);
  groups_free(groups);
  groups = groups_new(&options);
  ck_assert_ptr_nonnull(groups);
}

void groups_setup(void) {
  selector = selector_new();
  ck_assert_ptr_nonnull(selector);
  groups_start(1000, "name");
}

void groups_teardown(void) {
  groups_free(groups);
  groups = NULL;
  selector_free(selector);
}

void begin_snapshot(uint64_t time_ns) {
  snapshot = (struct prog_snapshot){.time_ns = time_ns,
                                    .awake_ns = time_ns,
                                    .samples = samples,
                                    .complete = true};
}

struct prog_sample make_sample(uint32_t id, uint64_t load_time_ns,
                               const char *name, uint64_t cnt) {
  return (struct prog_sample){
      .id = id,
      .load_time_ns = load_time_ns,
      .name = name,
      .type_name = "xdp",
      .memory_bytes = 4096,
      .misses = MISSES_OF_ITSELF,
      .stats = {.cnt = cnt, .nsecs = cnt * 10, .misses = cnt * 2},
  };
}

struct prog_sample *program(uint32_t id, uint64_t load_time_ns,
                            const char *name, uint64_t cnt) {
  struct prog_sample *sample = &samples[snapshot.samples_num++];
  *sample = make_sample(id, load_time_ns, name, cnt);
  return sample;
}

void unreadable(uint32_t id) {
  samples[snapshot.samples_num++] =
      (struct prog_sample){.id = id, .unreadable = true};
  snapshot.read_errors++;
}

const struct group *find_group(const char *name) {
  for (const struct group *group = groups_next(groups, NULL); group != NULL;
       group = groups_next(groups, group))
    if (strcmp(group->name, name) == 0)
      return group;
  return NULL;
}

size_t count_groups(void) {
  size_t num = 0;
  for (const struct group *group = groups_next(groups, NULL); group != NULL;
       group = groups_next(groups, group))
    num++;
  return num;
}

void check_stats(struct prog_stats stats, uint64_t cnt) {
  ck_assert_uint_eq(stats.cnt, cnt);
  ck_assert_uint_eq(stats.nsecs, cnt * 10);
  ck_assert_uint_eq(stats.misses, cnt * 2);
}

void check_group_of(const char *name, uint64_t total, uint64_t delta,
                    size_t programs) {
  const struct group *group = find_group(name);
  ck_assert_msg(group != NULL, "no group %s", name);
  check_stats(group->total, total);
  check_stats(group->delta, delta);
  ck_assert_uint_eq(group->programs, programs);
}
