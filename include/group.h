/* SPDX-License-Identifier: MIT */
/* group: what some programs have counted together, up to a read.
 *
 * Those of one series, those of the whole host. Part of groups. */
#ifndef BPF_STATS_GROUP_H
#define BPF_STATS_GROUP_H

#include "estimate.h"
#include "prog_snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which part of the interval between two reads an update ends. With a window
 * the interval has three parts; without one it is a whole. */
enum part { PART_WHOLE, PART_BEFORE_WINDOW, PART_WINDOW, PART_AFTER_WINDOW };

/* Whether the update is the first of the interval. */
static inline bool part_is_first(enum part part) {
  return part == PART_WHOLE || part == PART_BEFORE_WINDOW;
}

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
  uint64_t loads;             /* programs that joined it, ever */
  uint64_t loads_told;        /* of those, up to CURRENT_NS */
  uint64_t loads_zero;        /* of those, up to ZERO_NS */
  uint64_t load_time_ns;      /* CLOCK_BOOTTIME, of the newest of them */
  uint64_t current_ns; /* CLOCK_MONOTONIC, up to which counted and estimated
                          runs tell */
  bool is_current;     /* that is the last read */
  bool is_new;         /* made since the last update began */
  bool has_run;        /* some time, or it was skipped */
  bool has_begun;      /* it has, or idle groups are wanted as well */
  uint64_t zero_ns; /* CLOCK_MONOTONIC, at which it had not run yet, if it has
                       begun since the last read; 0: it has not, or nobody
                       knows */
  uint64_t memory_bytes; /* of its programs */
  uint64_t map_bytes;    /* of their maps */
  bool memory_unknown;   /* of one of its programs at least */
  size_t programs;       /* loaded now */
  size_t unread;         /* programs that the last snapshot could not read */
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

/* A program joins it. */
void group_join(struct group *group, uint64_t load_time_ns);

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

#endif
