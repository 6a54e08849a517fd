/* SPDX-License-Identifier: MIT */
/* members: the programs that are known from one snapshot to the next.
 *
 * Says of each, at each update, what has become of it: first seen, still there,
 * unloaded. Part of groups. */
#ifndef BPF_STATS_MEMBERS_H
#define BPF_STATS_MEMBERS_H

#include "group_table.h"
#include "prog_snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct member {
  uint32_t id;
  uint64_t load_time_ns;  /* 0: it was never read, only its id is known */
  struct group *group;    /* NULL: not selected */
  struct prog_stats last; /* what totals hold of it */
  uint64_t memory_bytes;
  bool folded;     /* counted under "_other" for want of room */
  bool read;       /* the last snapshot had it, readable */
  unsigned absent; /* so many complete snapshots have not had it, while its
                      final counters are awaited; 0: it is loaded */

  /* Of this update. */
  const struct prog_sample *sample; /* what it has counted by now; or NULL */
  bool seen;                        /* the snapshot has it, be it unreadable */
  bool is_new;                      /* first seen */
  bool has_delta; /* all that it counted since LAST belongs to this interval */
  bool gone;      /* it was unloaded, and SAMPLE is its end */
  bool wants_group; /* for groups: first seen, and selected */
};

struct member_list {
  struct member *items; /* ids ascending */
  size_t num;
  size_t capacity;
};

/* Zeroed at the start. */
struct members {
  struct member_list list;
  struct member_list next; /* under construction */
  uint64_t first_time_ns;  /* of the snapshots; 0: none yet */
  uint64_t last_time_ns;
  bool last_complete;
  uint64_t given_up; /* whose final counters were awaited in vain */
};

/* Frees what they own. */
void members_clear(struct members *members);

/* Brings the list up to date. When nobody watches unloads, a program that a
 * complete snapshot does not have is forgotten at once. SNAPSHOT is borrowed
 * until members_settle().
 * Returns 0; or -ENOMEM, then the list is unchanged. */
int members_update(struct members *members,
                   const struct prog_snapshot *snapshot);

/* Ends the update: forgets the programs that are gone. */
void members_settle(struct members *members,
                    const struct prog_snapshot *snapshot);

#endif
