/* SPDX-License-Identifier: MIT */
/* group_table: the groups by name, bounded.
 *
 * A group is active while it has programs. Without any it is idle: its total is
 * kept so that it can go on, until the room is needed; then the group that has
 * been idle for longest is forgotten. */
#ifndef BPF_STATS_GROUP_TABLE_H
#define BPF_STATS_GROUP_TABLE_H

#include "estimate.h"
#include "prog_stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an update is of. With windows an interval has three, up to the window's
 * begin, up to its end, and up to the interval's; otherwise the first alone. */
enum part { PART_FIRST, PART_WINDOW, PART_LAST };

/* The programs that form one series. */
struct group {
  const char *name;          /* owned by the table; "" for the whole host */
  struct prog_stats total;   /* never falls */
  struct prog_stats delta;   /* this interval, or its window, of the programs
                                measured in it */
  struct prog_stats outside; /* the same of the interval without its window */
  struct estimate estimate;  /* what nobody counted, beyond the total */
  uint64_t memory_bytes;
  bool memory_unknown; /* of one of its programs at least */
  size_t programs;     /* loaded now */
  size_t unmeasured;   /* how many add to the total without adding to delta: not
                          read this time or the last, or first seen just now */
};

/* The total with what was not counted. */
struct prog_stats group_estimated_total(const struct group *group);

/* Begins an update: clears what it is going to find out. */
void group_begin(struct group *group, enum part part);

/* Adds to the estimate, from DELTA of the window, and OUTSIDE. */
void group_extrapolate(struct group *group, uint64_t interval_ns,
                       uint64_t window_ns);

struct group_table;

/* A table for at most GROUPS_MAX groups beside "_other"; 0: no limit, but then
 * idle groups are still bounded. Returns NULL when out of memory. */
struct group_table *group_table_new(size_t groups_max);

/* Accepts NULL. */
void group_table_free(struct group_table *table);

/* Returns the group, active or idle, or NULL. */
struct group *group_table_find(struct group_table *table, const char *name);

/* Creates a group, idle as yet, of a NAME that the table does not have. May
 * forget an idle group. Returns 0; -ENOSPC when all groups are active; -ENOMEM.
 */
int group_table_create(struct group_table *table, const char *name,
                       struct group **ret_group);

/* "_other": the group of the programs for which there was no room. */
struct group *group_table_other(struct group_table *table);

/* Begins an update: clears of every active group what it is going to find out.
 * Those that are neither joined nor touched in this interval will be idle. */
void group_table_begin(struct group_table *table, enum part part);

/* Counts one program of the group; makes it active if it was idle. */
void group_table_join(struct group_table *table, struct group *group);

/* Makes it active without counting a program. */
void group_table_touch(struct group_table *table, struct group *group);

/* Makes idle every group that was neither joined nor touched in this interval.
 */
void group_table_settle(struct group_table *table);

/* Extrapolates every active group. */
void group_table_extrapolate(struct group_table *table, uint64_t interval_ns,
                             uint64_t window_ns);

/* Iterates over the active groups: the first for NULL, NULL after the last. */
const struct group *group_table_next(const struct group_table *table,
                                     const struct group *group);

#endif
