/* SPDX-License-Identifier: MIT */
/* versions: the programs of a group by their tags, and since when they are
 * others.
 *
 * Programs of one group and one tag are one version. A deploy is the first load
 * of a version that the group was not last seen with; a reload of one that it
 * was seen with is none, also after a gap. While old and new are loaded side by
 * side a deploy is under way: {a}, {a, b}, {b} is one. Tags are compared while
 * the plugin runs, and so within one boot, as they differ between kernels.
 *
 * Each version keeps counters of its own, by the rules of groups, and what a
 * run cost in each of its last intervals. Part of groups. */
#ifndef BPF_STATS_VERSIONS_H
#define BPF_STATS_VERSIONS_H

#include "group.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  VERSIONS_MAX = 8, /* of a group; with more at a time it has no deploys */
  VERSION_OWNER_SIZE = 64,
  /* Before it is known what a version costs. */
  VERSION_RUNS_MIN = 1000,
  VERSION_INTERVALS_MIN = 5,
  /* From then on it is looked so often whether that is too much, once in each
   * interval in which it ran; at the last ones of the new and of the old. */
  VERSIONS_LOOKS = 6,
  VERSIONS_NEW_INTERVALS = 10,
  VERSION_MEANS_NUM = 32,
  /* Intervals between two times that deploys of one group are told of: twice as
   * many each time, as long as it has no rest. */
  VERSIONS_QUIET_MIN = 5,
  VERSIONS_QUIET_MAX = 320,
};

struct version {
  struct version *next;  /* which was first seen earlier */
  uint64_t tag;          /* as 16 hex digits it is what bpftool shows */
  uint64_t load_time_ns; /* CLOCK_BOOTTIME, of its newest program */
  char owner[VERSION_OWNER_SIZE]; /* of that, cut; "": not asked for */
  struct group sum;               /* since it was first seen, or deployed */
  float means[VERSION_MEANS_NUM]; /* ns a run, of the last intervals, in a ring
                                   */
  unsigned intervals;             /* in which it ran, since then */
  bool is_current;                /* the group was last seen with it */
  bool has_joined;                /* by a load since the last read */
  bool is_active; /* it had programs at the last read, or has now */
};

/* Zeroed at the start. */
struct versions {
  struct version *newest; /* a list, owned */
  size_t num;
  bool is_crowded; /* there is no place, or no memory, for one of them */

  /* The last deploy. */
  struct version *deployed; /* NULL: there was none */
  struct version *replaced; /* NULL: it was the first load */
  unsigned looks; /* intervals in which the new one ran, since it is known
                     what both cost */

  /* Of the last read. */
  bool is_deployed;    /* that was the last deploy */
  bool is_looked;      /* one of these intervals has ended */
  size_t told_deploys; /* it is time to tell of so many */
  size_t untold_deploys;
  unsigned told_intervals;  /* since deploys were told of */
  unsigned quiet_intervals; /* for which nothing more is told then */
};

/* A program that joins its group. */
struct version_program {
  uint64_t tag;
  uint64_t load_time_ns;
  const char *owner; /* NULL: not asked for */
  bool is_load;      /* it was loaded since the plugin began to read */
  bool is_moved;     /* from another group: its load was told of there, unless
                        it replaces a version here */
  uint64_t since_ns; /* CLOCK_MONOTONIC, since when it counts */
};

/* Frees what they own. */
void versions_clear(struct versions *versions);

/* Begins an update. */
void versions_begin(struct versions *versions, enum part part);

/* Takes in a program that joins, and returns its version. It may take the place
 * of a version that has no program any more; NULL: there is none, or no memory.
 */
struct version *versions_join(struct versions *versions,
                              const struct version_program *program);

/* Returns the version with that tag, or NULL. */
struct version *versions_find(const struct versions *versions, uint64_t tag);

/* The group has no programs any more: time passes without it. */
void versions_rest(struct versions *versions);

/* Brings the versions up to a read, and finds what there is to tell of it. */
void versions_bring_up(struct versions *versions, const struct span *span);

/* Takes in what a run of the version has cost in an interval, in ns. */
void version_take_mean(struct version *version, double ns_per_call);

/* What one run of the version has cost so far, in ns; 0.0: it never ran. */
double version_ns_per_call(const struct version *version);

/* How many of its last intervals are known, in which it ran, MAX at most. */
size_t version_intervals(const struct version *version, size_t max);

/* What a run cost in the median of these, in ns; 0.0: there is none. */
double version_median_ns(const struct version *version, size_t max);

/* Takes each of the last intervals of the new version of the last deploy, and
 * each of the old one: the share of these pairs, 0..1, in which the new one
 * costs more than PERCENT a run above the old one. Intervals that are off by
 * any factor weigh no more than others; and neither the median nor the spread
 * of either version is left out. 0.0: the versions cannot be compared. */
double versions_share_above(const struct versions *versions, double percent);

/* The share that makes an alarm, if it is looked; and one that ends it. */
static const double VERSIONS_SHARE_RAISED = 0.75;
static const double VERSIONS_SHARE_CALM = 0.5;

#endif
