/* SPDX-License-Identifier: MIT */
/* groups: turns per-program kernel counters into per-group totals.
 *
 * Kernel counters vanish when a program is unloaded. Totals here only grow, so
 * they suit a DERIVE. Filters and names are evaluated once per program, when it
 * is first seen. Not thread-safe: one read callback calls it. */
#ifndef BPF_STATS_GROUPS_H
#define BPF_STATS_GROUPS_H

#include "group_name.h"
#include "group_table.h"
#include "host.h"
#include "prog_snapshot.h"
#include "selector.h"

struct groups;

struct groups_options {
  struct selector *selector; /* borrowed; outlives the groups */
  struct group_name_format name_format;
  size_t groups_max; /* further programs are summed under "_other"; 0: none */
  bool shows_idle;   /* groups that have not run yet have begun as well */
};

/* Returns NULL when out of memory. */
struct groups *groups_new(const struct groups_options *options);

/* Accepts NULL. */
void groups_free(struct groups *groups);

/* Before the first snapshot, when nobody watches: the kernel has given out all
 * ids up to ID, the last to a program of that load time. What was loaded and
 * unloaded until then, as in trying what the kernel allows, is no churn. */
void groups_begin_after(struct groups *groups, uint32_t id,
                        uint64_t load_time_ns);

/* Takes one snapshot in, which is borrowed, and ends that part of the interval.
 * The deltas, and host.delta_ns, are those of the whole interval or of its
 * window; they stay until the next interval's first update, and groups_next()
 * then goes over all groups that any part would have. Returns 0, or -ENOMEM:
 * then totals and deltas are unchanged. */
int groups_update(struct groups *groups, enum part part,
                  const struct prog_snapshot *snapshot);

/* Brings all groups up to the read, each by itself; see group_bring_up(). */
void groups_bring_up(struct groups *groups, const struct span *span);

/* Owned by the groups; valid until the next update or free. */
const struct host *groups_host(const struct groups *groups);

/* Iterates over the groups that have programs, or had one that was unloaded in
 * this interval: the first for NULL, NULL after the last. Valid until the next
 * update or free. */
const struct group *groups_next(const struct groups *groups,
                                const struct group *group);

/* The versions of the programs of such a group, valid as long as that; NULL:
 * none are kept, as of groups of programs of several names. */
const struct versions *groups_versions(const struct group *group);

#endif
