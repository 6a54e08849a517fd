/* SPDX-License-Identifier: MIT */
/* groups_check: compares groups to the truth after each read. */
#ifndef BPF_STATS_TESTS_GROUPS_CHECK_H
#define BPF_STATS_TESTS_GROUPS_CHECK_H

#include "groups_kernel.h"

#include "groups.h"

/* CHANGING: unloads are watched now and then. */
enum trial_mode { TRIAL_POLLED, TRIAL_WATCHED, TRIAL_CHANGING, TRIAL_MODES };

/* Beside the groups of the kernel. */
enum {
  TRIAL_OTHER = KERNEL_GROUPS,
  TRIAL_BRIEF,
  TRIAL_GROUPS,
};

/* What was last seen of a group. */
struct trial_group {
  bool shown;
  bool has_place;         /* if it takes one */
  uint64_t idle_since_ns; /* the first read that did not show it */
  struct prog_stats total;
  struct prog_stats estimated;
  struct prog_stats counted; /* since then */
  uint64_t current_ns;
  unsigned tags; /* a bit for each with which it was last seen */
};

struct trial {
  enum trial_mode mode;
  struct groups *groups;
  size_t groups_max;
  size_t reads;
  enum part part;   /* what the read is of */
  bool at_rest;     /* nothing happened during this read, and nobody is dying */
  uint64_t last_ns; /* of the last read that was brought up; 0: none */
  bool whole;       /* the last snapshot was complete and had all readable */
  /* As the watch has counted them, up to this read. */
  uint64_t loaded;
  uint64_t unloaded;
  uint64_t lost;
  struct host host; /* of the last read */
  struct trial_group seen[TRIAL_GROUPS];
  struct trial_group seen_host;
};

/* After each read. UNLOADS is NULL when nobody watched. */
void trial_check(struct trial *trial, struct kernel *kernel,
                 const struct prog_snapshot *snapshot);

/* After the groups were brought up: which have begun, and since when. */
void trial_check_beginnings(struct trial *trial);

#endif
