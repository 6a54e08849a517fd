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

#include "estimate.h"
#include "group_name.h"
#include "prog_snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which part of the interval between two reads an update ends. With a window
 * the interval has three parts; without one it is a whole. */
enum part { PART_WHOLE, PART_BEFORE_WINDOW, PART_WINDOW, PART_AFTER_WINDOW };

/* For how long a group without programs keeps its place. */
static const uint64_t GROUP_IDLE_MIN_NS = 3600ULL * 1000 * 1000 * 1000;

/* The programs that form one series. */
struct group {
  const char *name;           /* owned by the table; "" for the whole host */
  struct prog_stats total;    /* never falls */
  struct prog_stats delta;    /* what the measured programs counted in the whole
                                 interval or in its window */
  struct prog_stats counted;  /* since CURRENT_NS */
  struct prog_stats skipping; /* the part of the delta of those programs of
                                 which the kernel counts misses */
  unsigned misses;            /* a bit for each enum misses of its programs in
                                 this interval */
  struct estimate estimate;   /* what nobody counted, beyond the total */
  uint64_t current_ns; /* CLOCK_MONOTONIC, up to which counted and estimated
                          runs tell */
  bool is_current;     /* that is the last read */
  bool is_new;         /* made since the last update began */
  bool has_run;        /* some time, or it was skipped */
  bool has_begun;      /* it has, or idle groups are wanted as well */
  uint64_t zero_ns; /* CLOCK_MONOTONIC, at which it had not run yet, if it has
                       begun since the last read; 0: it has not, or nobody
                       knows */
  uint64_t memory_bytes;
  bool memory_unknown; /* of one of its programs at least */
  size_t programs;     /* loaded now */
  size_t unread;       /* programs that the last snapshot could not read */
  size_t unmeasured; /* programs that are not part of the delta: not read at one
                        of the snapshots that it lies between, or first seen */
};

/* The total with what was not counted. */
struct prog_stats group_estimated_total(const struct group *group);

/* Whether the kernel counts the misses of all its programs; for the host, of
 * any. */
bool group_counts_misses(const struct group *group);

/* Begins an update: clears what it is going to find out. */
void group_begin(struct group *group, enum part part);

/* Adds what a program has counted since the snapshot before to the delta, if
 * that is the delta of this part. MISSES: of the program. */
void group_measure(struct group *group, enum part part,
                   struct prog_stats advance, enum misses misses);

/* One of its programs was not read, or, IS_READ, not at the snapshot before. */
void group_miss(struct group *group, enum part part, bool is_read);

/* What a read knows of the time up to it. CLOCK_MONOTONIC. */
struct span {
  uint64_t last_ns; /* the read before; 0: there was none */
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
