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

/* Which part of the interval between two reads an update ends. With a window
 * the interval has three parts; without one it is a whole. */
enum part { PART_WHOLE, PART_BEFORE_WINDOW, PART_WINDOW, PART_AFTER_WINDOW };

/* The programs that form one series. */
struct group {
  const char *name;          /* owned by the table; "" for the whole host */
  struct prog_stats total;   /* never falls */
  struct prog_stats delta;   /* what the measured programs counted in the whole
                                interval or in its window */
  struct prog_stats counted; /* since CURRENT_NS */
  struct estimate estimate;  /* what nobody counted, beyond the total */
  uint64_t current_ns; /* CLOCK_MONOTONIC, up to which counted and estimated
                          runs tell */
  bool is_current;     /* that is the last read */
  uint64_t memory_bytes;
  bool memory_unknown; /* of one of its programs at least */
  size_t programs;     /* loaded now */
  size_t unread;       /* programs that the last snapshot could not read */
  size_t unmeasured; /* programs that are not part of the delta: not read at one
                        of the snapshots that it lies between, or first seen */
};

/* The total with what was not counted. */
struct prog_stats group_estimated_total(const struct group *group);

/* Begins an update: clears what it is going to find out. */
void group_begin(struct group *group, enum part part);

/* Adds what a program has counted since the snapshot before to the delta, if
 * that is the delta of this part. */
void group_measure(struct group *group, enum part part,
                   struct prog_stats advance);

/* One of its programs was not read, or, IS_READ, not at the snapshot before. */
void group_miss(struct group *group, enum part part, bool is_read);

/* What a read knows of the time up to it. CLOCK_MONOTONIC. */
struct span {
  uint64_t now_ns;
  bool is_whole; /* all was counted */
  /* Else the window, which the deltas are of. */
  uint64_t begin_ns;
  uint64_t delta_ns; /* 0: there was none */
};

/* Brings the group up to the read; by an estimate, where not all was counted. A
 * group that came after the window, or that was not wholly measured in it,
 * waits for the next one. */
void group_bring_up(struct group *group, const struct span *span);

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
 * Those that are not touched in this interval will be idle. */
void group_table_begin(struct group_table *table, enum part part);

/* Makes it active, as one of its programs is there, or ended in this interval.
 * A group that was idle counts since SINCE_NS of CLOCK_MONOTONIC. */
void group_table_touch(struct group_table *table, struct group *group,
                       uint64_t since_ns);

/* Makes idle every group that was not touched in this interval. */
void group_table_settle(struct group_table *table);

/* Brings up every active group. */
void group_table_bring_up(struct group_table *table, const struct span *span);

/* Iterates over the active groups: the first for NULL, NULL after the last. */
const struct group *group_table_next(const struct group_table *table,
                                     const struct group *group);

#endif
