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

/* The programs that form one series. */
struct group {
  const char *name;        /* owned by the table; "" for the whole host */
  struct prog_stats total; /* never falls */
  struct prog_stats delta; /* this interval, of the programs measured in it */
  struct prog_stats last_delta; /* the same of the update before this one */
  struct estimate estimate;     /* what nobody counted, beyond the total */
  uint64_t memory_bytes;
  bool memory_unknown; /* of one of its programs at least */
  size_t programs;     /* loaded now */
  size_t unmeasured;   /* how many add to the total without adding to delta: not
                          read this time or the last, or first seen just now */
};

/* The total with what was not counted. */
struct prog_stats group_estimated_total(const struct group *group);

/* Begins an update: clears what is of one update alone. */
void group_begin(struct group *group);

/* Adds to the estimate: DELTA is of the window, LAST_DELTA of the rest of the
 * interval. */
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

/* Begins an update: clears of every active group what is of one update alone.
 * NEW_INTERVAL: those that are neither joined nor touched from now on will be
 * idle; otherwise only those that were not before, in this interval. */
void group_table_begin(struct group_table *table, bool new_interval);

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
