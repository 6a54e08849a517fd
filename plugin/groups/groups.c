/* SPDX-License-Identifier: MIT */
/* groups: what each program has counted since it was last read goes to the
 * totals of its group and of the host.
 *
 * All that can fail comes before the first change of a total. */
#include "groups.h"

#include "host_total.h"
#include "members.h"

#include <errno.h>
#include <stdlib.h>

struct groups {
  struct groups_options options;
  struct group_table *table;
  struct members members;
  struct host host;
  uint64_t unwatched; /* unloads while nobody watched */
  uint64_t lost;      /* unloads whose record the watch has lost */
  struct host_basis basis;
};

struct groups *groups_new(const struct groups_options *options) {
  struct groups *groups = calloc(1, sizeof(*groups));
  struct group_table *table = group_table_new(options->groups_max);
  if (groups == NULL || table == NULL) {
    free(groups);
    group_table_free(table);
    return NULL;
  }
  groups->options = *options;
  groups->table = table;
  groups->host.group.name = "";
  return groups;
}

void groups_free(struct groups *groups) {
  if (groups == NULL)
    return;
  group_table_free(groups->table);
  members_clear(&groups->members);
  free(groups);
}

void groups_begin_after(struct groups *groups, uint32_t id,
                        uint64_t load_time_ns) {
  churn_see(&groups->host.churn, id, load_time_ns, false);
}

/* Takes note of a program that is first seen. WATCHED: loads are counted by the
 * kernel. Returns whether it is selected. */
static bool meet(struct groups *groups, const struct member *member,
                 bool watched) {
  const struct prog_sample *sample = member->sample;
  const struct members *members = &groups->members;
  bool loaded =
      member->has_delta || (members->first_time_ns != 0 &&
                            sample->load_time_ns > members->first_time_ns);
  churn_see(&groups->host.churn, sample->id, sample->load_time_ns,
            loaded && !watched);
  return selector_matches(groups->options.selector, sample->name,
                          sample->type_name);
}

/* Finds the group of a program that is selected, or, if CREATE, makes it.
 * Returns 0, or -ENOMEM. */
static int find_group(struct groups *groups, struct member *member,
                      bool create) {
  char name[GROUP_NAME_SIZE];
  group_name_of(&groups->options.name_format, member->sample, name);
  member->group = group_table_find(groups->table, name);
  if (member->group != NULL || !create)
    return 0;
  int rc = group_table_create(groups->table, name, &member->group);
  if (rc != -ENOSPC)
    return rc;
  member->folded = true;
  member->group = group_table_other(groups->table);
  return 0;
}

static bool is_loaded(const struct member *member) {
  return !member->gone && member->absent == 0;
}

/* One that is not loaded any more does not count, but has its group shown. */
static void join(struct groups *groups, const struct member *member) {
  if (is_loaded(member))
    group_table_join(groups->table, member->group);
  else
    group_table_touch(groups->table, member->group);
}

/* Joins every member with its group. Groups that live on are joined before room
 * is made for others, so that a reload cannot lose its group. */
static void assign(struct groups *groups, bool watched, enum part part) {
  struct member_list *list = &groups->members.list;
  group_table_begin(groups->table, part);
  for (size_t i = 0; i < list->num; i++) {
    struct member *member = &list->items[i];
    member->wants_group = member->is_new && meet(groups, member, watched);
    if (member->wants_group)
      find_group(groups, member, false);
    if (member->group != NULL)
      join(groups, member);
  }
  group_table_settle(groups->table);
  for (size_t i = 0; i < list->num; i++) {
    struct member *member = &list->items[i];
    if (!member->wants_group || member->group != NULL)
      continue;
    if (find_group(groups, member, true) == 0) {
      join(groups, member);
      continue;
    }
    groups->host.read_errors++; /* no memory */
    if (!member->gone) /* as if it had not been read, and again next time */
      *member = (struct member){.id = member->id, .seen = true};
  }
}

/* Adds what was counted since the last update to the delta that it is of. */
static void add_delta(struct group *group, enum part part,
                      struct prog_stats advance) {
  struct prog_stats *delta =
      part == PART_LAST ? &group->outside : &group->delta;
  *delta = prog_stats_add(*delta, advance);
}

/* Adds all but what was counted. */
static void add_member(struct group *group, const struct member *member,
                       enum part part) {
  if (is_loaded(member)) {
    group->memory_bytes += member->memory_bytes;
    group->memory_unknown |= member->memory_bytes == 0;
  }
  /* Later than that nothing is left to be measured. */
  if (!member->has_delta && member->absent <= 1 && part != PART_LAST)
    group->unmeasured++;
}

static void sum_up(struct host_sums *sums, const struct member *member,
                   struct prog_stats advance) {
  sums->advance = prog_stats_add(sums->advance, advance);
  if (member->has_delta)
    sums->measured = prog_stats_add(sums->measured, advance);
  if (member->seen)
    sums->loaded = prog_stats_add(sums->loaded, member->last);
  else if (member->gone)
    sums->ended = prog_stats_add(sums->ended, member->last);
  else
    sums->awaited = prog_stats_add(sums->awaited, member->last);
}

/* Adds to totals and deltas what each member counted since it was last read. */
static struct host_sums account(struct groups *groups, enum part part) {
  struct host_sums sums = {0};
  struct host *host = &groups->host;
  host->folded_programs = 0;
  group_begin(&host->group, part);
  for (size_t i = 0; i < groups->members.list.num; i++) {
    struct member *member = &groups->members.list.items[i];
    struct prog_stats advance = {0};
    if (member->sample != NULL)
      advance = prog_stats_sub(member->sample->stats, member->last);
    member->last = prog_stats_add(member->last, advance);
    if (is_loaded(member)) {
      host->folded_programs += member->folded;
      host->group.programs++;
    }
    add_member(&host->group, member, part);
    if (member->group != NULL) {
      add_member(member->group, member, part);
      if (member->has_delta)
        add_delta(member->group, part, advance);
      member->group->total = prog_stats_add(member->group->total, advance);
    }
    sum_up(&sums, member, advance);
  }
  return sums;
}

/* Sets the host's total and delta. MEASURED: that it rose by more, or less,
 * than the programs' advance belongs to this interval. */
static void account_host(struct groups *groups,
                         const struct prog_snapshot *snapshot,
                         const struct host_sums *sums, enum part part,
                         bool measured) {
  struct group *host = &groups->host.group;
  const struct prog_stats before = host->total;
  host->total = host_total_next(&groups->basis, before, sums, snapshot);
  struct prog_stats rise = prog_stats_sub(host->total, before);
  struct prog_stats delta = sums->measured;
  if (measured && snapshot->unloads != NULL)
    delta = prog_stats_sub(prog_stats_add(delta, rise), sums->advance);
  add_delta(host, part, delta);
}

static void count_churn(struct groups *groups,
                        const struct prog_snapshot *snapshot) {
  const struct unloads *unloads = snapshot->unloads;
  struct churn *churn = &groups->host.churn;
  if (unloads != NULL) {
    churn_count(churn, unloads->loaded, unloads->unloaded);
    groups->lost += unloads->lost;
  } else if (snapshot->complete) {
    uint64_t unloaded = churn->unloaded;
    churn_settle(churn, groups->host.group.programs);
    groups->unwatched += churn->unloaded - unloaded;
  }
  /* A watch that loses a record says so; one that is not there any more, or has
   * another reader, does not. */
  uint64_t given_up = groups->members.given_up;
  groups->host.unwatched_unloads =
      groups->unwatched + (groups->lost > given_up ? groups->lost : given_up);
}

int groups_update(struct groups *groups, enum part part,
                  const struct prog_snapshot *snapshot) {
  struct members *members = &groups->members;
  int rc = members_update(members, snapshot);
  if (rc != 0)
    return rc;
  assign(groups, snapshot->unloads != NULL, part);
  struct host_sums sums = account(groups, part);
  account_host(groups, snapshot, &sums, part, members->last_complete);
  count_churn(groups, snapshot);
  groups->host.read_errors += snapshot->read_errors;
  if (members->first_time_ns != 0)
    groups->host.elapsed_ns = snapshot->time_ns - members->last_time_ns;
  members_settle(members, snapshot);
  return 0;
}

void groups_extrapolate(struct groups *groups, uint64_t interval_ns,
                        uint64_t window_ns) {
  group_table_extrapolate(groups->table, interval_ns, window_ns);
  group_extrapolate(&groups->host.group, interval_ns, window_ns);
}

const struct host *groups_host(const struct groups *groups) {
  return &groups->host;
}

const struct group *groups_next(const struct groups *groups,
                                const struct group *group) {
  return group_table_next(groups->table, group);
}
