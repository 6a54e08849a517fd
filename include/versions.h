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
  VERSION_MEANS_NUM = 32,
  VERSION_OWNER_SIZE = 64,
  /* Before what a version costs is told. */
  VERSION_RUNS_MIN = 1000,
  VERSION_INTERVALS_MIN = 5,
  /* For how many intervals a version is judged, and from how many means. */
  VERSION_JUDGED_INTERVALS = 20,
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
  struct version *new; /* NULL: there was none */
  struct version *old; /* which it replaces; NULL: it was the first load */
  bool is_priced;      /* what it costs was told */

  /* Of the last read. */
  bool is_deployed;    /* that was the last deploy */
  bool has_price;      /* it is known now what the last deploy costs */
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

/* How many of its last intervals are known, in which it ran. */
size_t version_means_num(const struct version *version);

/* What a run cost in the median of these, in ns; 0.0: there is none. */
double version_median_ns(const struct version *version);

/* Whether both versions of the last deploy ran often enough to compare them. */
bool versions_are_comparable(const struct versions *versions);

/* Whether the new version of the last deploy costs more than PERCENT a run
 * above the old one, beyond the spread of both: three quarters of its intervals
 * are above that, seen from the dearest quarter of the old version's. */
bool versions_cost_more(const struct versions *versions, double percent);

#endif
