/* SPDX-License-Identifier: MIT */
/* programs: the programs that are known from one snapshot to the next.
 *
 * Says of each, at each update, what has become of it, and how far its counters
 * have advanced. Part of groups. */
#ifndef BPF_STATS_PROGRAMS_H
#define BPF_STATS_PROGRAMS_H

#include "group.h"
#include "prog_snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For how long the final counters of a program that has vanished are awaited.
 * The kernel hands them over within microseconds, or leaves that to a work
 * queue that may be slow. */
static const uint64_t PROGRAM_AWAITED_MAX_NS = 60ULL * 1000 * 1000 * 1000;

struct program {
  uint32_t id;
  uint64_t load_time_ns;     /* 0: it was never read, only its id is known */
  uint64_t tag;              /* of prog_sample, as a number */
  struct group *group;       /* NULL: not selected */
  struct prog_stats counted; /* what the totals hold of it */
  uint64_t memory_bytes;
  uint64_t map_bytes; /* its share, see struct map_share */
  enum misses misses;
  bool is_elsewhere; /* see struct prog_sample */
  bool folded;       /* counted under "_other" for want of room */
  bool is_owned;     /* its owner was found, and its group goes by that */
  bool in_snapshot;  /* the last snapshot had it, readable */
  uint64_t
      missing_since_ns; /* the first complete snapshot without it, while
                           its final counters are awaited; 0: it is loaded */

  /* Of this update. */
  const struct prog_sample *sample; /* what it has counted by now; or NULL */
  struct prog_stats advance;        /* since it was last read */
  bool measured; /* the advance covers the whole time since that snapshot */
  bool missing_before; /* it was missing already at the snapshot before */
  bool is_new;         /* first seen */
  bool ended;          /* it was unloaded, and the sample is its end */
  bool wants_group;    /* for groups: first seen, or its owner was found, and
                          selected */
  bool has_joined;     /* for groups: its group is another one than before */
};

struct program_list {
  struct program *items; /* ids ascending */
  size_t num;
  size_t capacity;
};

/* Zeroed at the start. */
struct programs {
  struct program_list list;
  struct program_list next; /* under construction */
  uint64_t first_time_ns;   /* of the snapshots; 0: none yet */
  uint64_t last_time_ns;
  uint64_t last_awake_ns;
  bool last_complete;
  uint64_t given_up; /* whose final counters were awaited in vain */
};

/* Frees what they own. */
void programs_clear(struct programs *programs);

/* Brings the list up to date. When nobody watches unloads, a program that a
 * complete snapshot does not have is forgotten at once. SNAPSHOT is borrowed
 * until programs_settle().
 * Returns 0; or -ENOMEM, then the list is unchanged. */
int programs_update(struct programs *programs,
                    const struct prog_snapshot *snapshot);

/* Whether it counts as loaded. */
bool program_is_loaded(const struct program *program);

/* Adds to the group, in an update that ends that part, what there is to say of
 * the program. */
void program_add_up(const struct program *program, struct group *group,
                    enum part part);

/* Ends the update: forgets the programs that have ended. */
void programs_settle(struct programs *programs,
                     const struct prog_snapshot *snapshot);

#endif
