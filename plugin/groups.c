/* SPDX-License-Identifier: MIT */
/* groups: merges each snapshot with the programs known from the one before.
 *
 * Both are in ascending order of ids, so that one pass suffices. All that can
 * fail comes before the first change of a total. */
#include "groups.h"

#include <errno.h>
#include <stdlib.h>

/* A program that was there in the last snapshot, as far as we know. */
struct member {
  uint32_t id;
  uint64_t load_time_ns;  /* 0: it was never read, only its id is known */
  struct group *group;    /* NULL: not selected */
  struct prog_stats last; /* what totals hold of it */
  uint64_t memory_bytes;
  bool folded; /* counted under "_other" for want of room */
  bool read;   /* the snapshot had it */

  /* Only while that snapshot is taken in. */
  const struct prog_sample *sample; /* NULL unless read */
  bool wants_group;                 /* first seen, and selected */
  bool has_delta; /* all that it counted since LAST belongs to this interval */
};

struct members {
  struct member *items; /* ids strictly ascending */
  size_t num;
  size_t capacity;
};

struct groups {
  struct groups_options options;
  struct group_table *table;
  struct members members;
  struct members next; /* under construction */
  struct host host;
  uint64_t first_time_ns; /* of the snapshots; 0: none yet */
  uint64_t last_time_ns;
  bool last_complete;
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
  free(groups->members.items);
  free(groups->next.items);
  free(groups);
}

static int members_reserve(struct members *members, size_t num) {
  if (num <= members->capacity)
    return 0;
  size_t capacity = num + num / 2;
  struct member *items = reallocarray(members->items, capacity, sizeof(*items));
  if (items == NULL)
    return -ENOMEM;
  members->items = items;
  members->capacity = capacity;
  return 0;
}

/* A program was born in this interval when it was loaded after the previous
 * snapshot, or when that one was complete and did not have it: load_time is
 * taken before verification, which can take longer than an interval. */
static bool is_born(const struct groups *groups,
                    const struct prog_sample *sample,
                    const struct member *same_id) {
  if (groups->first_time_ns == 0)
    return false;
  if (sample->load_time_ns > groups->last_time_ns)
    return true;
  bool was_unread = same_id != NULL && !same_id->read;
  return groups->last_complete && !was_unread;
}

static struct member as_unread(struct member member) {
  member.read = false;
  member.sample = NULL;
  member.wants_group = false;
  member.has_delta = false;
  return member;
}

/* Makes a member of the sample; KNOWN is the member of its id, or NULL. */
static struct member merge_one(struct groups *groups,
                               const struct prog_sample *sample,
                               const struct member *known) {
  if (sample->unreadable)
    return known == NULL ? (struct member){.id = sample->id}
                         : as_unread(*known);
  if (known != NULL && known->load_time_ns == sample->load_time_ns) {
    struct member member = *known;
    member.has_delta = known->read;
    member.read = true;
    member.sample = sample;
    member.memory_bytes = sample->memory_bytes;
    member.wants_group = false;
    return member;
  }
  bool born = is_born(groups, sample, known);
  bool loaded = born || (groups->first_time_ns != 0 &&
                         sample->load_time_ns > groups->first_time_ns);
  churn_see(&groups->host.churn, sample->id, sample->load_time_ns, loaded);
  return (struct member){
      .id = sample->id,
      .load_time_ns = sample->load_time_ns,
      .memory_bytes = sample->memory_bytes,
      .read = true,
      .sample = sample,
      .wants_group = selector_matches(groups->options.selector, sample->name,
                                      sample->type_name),
      .has_delta = born,
  };
}

/* Fills groups->next, which has room for all: the programs of the snapshot and,
 * when it is not complete, those that it may have missed. */
static void merge(struct groups *groups, const struct prog_snapshot *snapshot) {
  const struct members *known = &groups->members;
  struct members *next = &groups->next;
  next->num = 0;
  size_t k = 0;
  for (size_t s = 0; s <= snapshot->samples_num; s++) {
    const struct prog_sample *sample =
        s < snapshot->samples_num ? &snapshot->samples[s] : NULL;
    for (;
         k < known->num && (sample == NULL || known->items[k].id < sample->id);
         k++) {
      if (snapshot->complete)
        continue; /* gone */
      next->items[next->num++] = as_unread(known->items[k]);
    }
    if (sample == NULL)
      break;
    const struct member *same_id = NULL;
    if (k < known->num && known->items[k].id == sample->id)
      same_id = &known->items[k++];
    next->items[next->num++] = merge_one(groups, sample, same_id);
  }
}

/* Finds the group of the member that wants one, or, if CREATE, makes it.
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

/* Joins every member with its group. Groups that live on are joined before room
 * is made for others, so that a reload cannot lose its group. */
static void assign(struct groups *groups) {
  struct members *next = &groups->next;
  group_table_begin(groups->table);
  for (size_t i = 0; i < next->num; i++) {
    struct member *member = &next->items[i];
    if (member->wants_group)
      find_group(groups, member, false);
    if (member->group != NULL)
      group_table_join(groups->table, member->group);
  }
  group_table_settle(groups->table);
  for (size_t i = 0; i < next->num; i++) {
    struct member *member = &next->items[i];
    if (!member->wants_group || member->group != NULL)
      continue;
    if (find_group(groups, member, true) == 0) {
      group_table_join(groups->table, member->group);
    } else { /* no memory: as if it had not been read, and again next time */
      *member = (struct member){.id = member->id};
      groups->host.read_errors++;
    }
  }
}

static void add_member(struct group *group, const struct member *member,
                       struct prog_stats advance) {
  group->total = prog_stats_add(group->total, advance);
  group->memory_bytes += member->memory_bytes;
  group->memory_unknown |= member->memory_bytes == 0;
  if (member->has_delta)
    group->delta = prog_stats_add(group->delta, advance);
  else
    group->unmeasured++;
}

/* Adds to totals and deltas what each member counted since it was last read. */
static void account(struct groups *groups) {
  struct host *host = &groups->host;
  host->folded_programs = 0;
  host->group = (struct group){.name = "", .total = host->group.total};
  for (size_t i = 0; i < groups->next.num; i++) {
    struct member *member = &groups->next.items[i];
    struct prog_stats advance = {0};
    if (member->read)
      advance = prog_stats_sub(member->sample->stats, member->last);
    member->last = prog_stats_add(member->last, advance);
    member->sample = NULL;
    host->folded_programs += member->folded;
    host->group.programs++;
    add_member(&host->group, member, advance);
    if (member->group != NULL)
      add_member(member->group, member, advance);
  }
}

int groups_update(struct groups *groups, const struct prog_snapshot *snapshot) {
  int rc = members_reserve(&groups->next,
                           groups->members.num + snapshot->samples_num);
  if (rc != 0)
    return rc;
  merge(groups, snapshot);
  assign(groups);
  account(groups);

  struct members recycled = groups->members;
  groups->members = groups->next;
  groups->next = recycled;
  struct host *host = &groups->host;
  host->read_errors += snapshot->read_errors;
  if (snapshot->complete)
    churn_settle(&host->churn, snapshot->samples_num);
  if (groups->first_time_ns == 0)
    groups->first_time_ns = snapshot->time_ns;
  else
    host->elapsed_ns = snapshot->time_ns - groups->last_time_ns;
  groups->last_time_ns = snapshot->time_ns;
  groups->last_complete = snapshot->complete;
  return 0;
}

const struct host *groups_host(const struct groups *groups) {
  return &groups->host;
}

const struct group *groups_next(const struct groups *groups,
                                const struct group *group) {
  return group_table_next(groups->table, group);
}
