/* SPDX-License-Identifier: MIT */
/* group_table: the groups by name, bounded.
 *
 * A group is active while it has programs. Without any it is idle: its total is
 * kept so that it can go on. A group gives up its place only for another one,
 * and only when it has been idle for an hour: so no hour has more new names
 * than there are places, and a flood of names costs the older groups nothing.
 */
#ifndef BPF_STATS_GROUP_TABLE_H
#define BPF_STATS_GROUP_TABLE_H

#include "group.h"
#include "group_name.h"
#include "versions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For how long a group without programs keeps its place. */
static const uint64_t GROUP_IDLE_MIN_NS = 3600ULL * 1000 * 1000 * 1000;

struct group_table;

/* A table with GROUPS_MAX places for groups, beside those with a reserved name;
 * 0: no limit, but of the groups that have been idle for an hour only some
 * are kept. SHOWS_IDLE: each group has begun when it is made. Returns NULL when
 * out of memory. */
struct group_table *group_table_new(size_t groups_max, bool shows_idle);

/* Accepts NULL. */
void group_table_free(struct group_table *table);

/* Returns the group, active or idle, or NULL. */
struct group *group_table_find(struct group_table *table, const char *name);

/* Creates a group, idle as yet, of a NAME that the table does not have. May
 * forget an idle group. NOW_NS: CLOCK_MONOTONIC. Returns 0; -ENOSPC when there
 * is no place for it; -ENOMEM. */
int group_table_create(struct group_table *table, const char *name,
                       uint64_t now_ns, struct group **ret_group);

/* The group of that name, which takes no place. */
struct group *group_table_reserved(struct group_table *table,
                                   enum group_reserved which);

/* The versions of the programs of a group of the table; NULL for those with a
 * reserved name. */
struct versions *group_table_versions(const struct group *group);

/* Begins an update: clears of every active group what it is going to find out.
 * Those that are not touched in this interval will be idle. */
void group_table_begin(struct group_table *table, enum part part);

/* Makes it active, as one of its programs is there, or ended in this interval.
 * A group that was idle counts since SINCE_NS of CLOCK_MONOTONIC. */
void group_table_touch(struct group_table *table, struct group *group,
                       uint64_t since_ns);

/* Makes idle every group that was not touched in this interval, but for
 * "_brief", whose programs never stay. NOW_NS: CLOCK_MONOTONIC. */
void group_table_settle(struct group_table *table, uint64_t now_ns);

/* Brings up every active group. */
void group_table_bring_up(struct group_table *table, const struct span *span);

/* Iterates over the active groups: the first for NULL, NULL after the last. */
const struct group *group_table_next(const struct group_table *table,
                                     const struct group *group);

#endif
