/* SPDX-License-Identifier: MIT */
/* group: adds up programs, and brings the sum up to a read. */
#include "group.h"

struct prog_stats group_estimated_total(const struct group *group) {
  return estimate_total(&group->estimate, group->total);
}

bool group_counts_misses(const struct group *group) {
  const unsigned uncounted = 1U << MISSES_UNCOUNTED;
  const bool is_host = group->name[0] == '\0';
  return (group->misses & ~uncounted) != 0 &&
         (is_host || (group->misses & uncounted) == 0);
}

void group_begin(struct group *group, enum part part) {
  group->memory_bytes = group->map_bytes = 0;
  group->memory_unknown = false;
  group->is_new = false;
  group->programs = 0;
  group->unread = 0;
  if (part_is_first(part))
    group->misses = 0;
  if (part == PART_AFTER_WINDOW)
    return;
  group->delta = group->skipping = (struct prog_stats){0};
  group->unmeasured = 0;
}

void group_measure(struct group *group, enum part part,
                   struct prog_stats advance, enum misses misses) {
  if (part != PART_WHOLE && part != PART_WINDOW)
    return;
  group->delta = prog_stats_add(group->delta, advance);
  if (misses != MISSES_UNCOUNTED)
    group->skipping = prog_stats_add(group->skipping, advance);
}

void group_join(struct group *group, uint64_t load_time_ns) {
  group->loads++;
  if (load_time_ns > group->load_time_ns)
    group->load_time_ns = load_time_ns;
}

void group_miss(struct group *group, enum part part, bool is_read) {
  group->unread += !is_read;
  if (part != PART_AFTER_WINDOW)
    group->unmeasured++;
}

static bool is_zero(struct prog_stats stats) {
  return stats.cnt == 0 && stats.misses == 0;
}

/* A group begins with its first run. It had none at the read before, and at the
 * last one that it was told of, if all that it has was counted since. */
static void find_beginning(struct group *group, const struct span *span,
                           uint64_t told_ns) {
  const bool is_all = group->total.cnt == group->counted.cnt &&
                      group->total.misses == group->counted.misses;
  if (group->has_run || is_zero(group_estimated_total(group)))
    return;
  group->has_run = group->has_begun = true;
  group->loads_zero = group->loads_told;
  if (is_all && span->last_ns != 0)
    group->zero_ns = told_ns < span->last_ns ? told_ns : span->last_ns;
}

void group_bring_up(struct group *group, const struct span *span) {
  const bool is_read = group->unread == 0;
  const bool is_estimated = span->delta_ns != 0 && is_read &&
                            group->unmeasured == 0 &&
                            group->current_ns <= span->begin_ns;
  group->is_current = span->is_whole || is_estimated;
  group->zero_ns = 0;
  if (!group->is_current || !is_read)
    return; /* what was not read is part of what is yet to come */
  if (!span->is_whole)
    estimate_add(&group->estimate, group->delta, span->delta_ns, group->counted,
                 span->now_ns - group->current_ns);
  find_beginning(group, span, group->current_ns);
  group->counted = (struct prog_stats){0};
  group->current_ns = span->now_ns;
  group->loads_told = group->loads;
}
