/* SPDX-License-Identifier: MIT */
/* churn: how many BPF programs were loaded and unloaded.
 *
 * A watch counts that. Otherwise polling has to tell: the kernel gives out
 * program ids in ascending order, so the advance of the newest id counts also
 * the loads of programs that were gone before any snapshot; it shows when a
 * younger program is seen. Unloads follow from the loads and the number of
 * programs that are left. */
#ifndef BPF_STATS_CHURN_H
#define BPF_STATS_CHURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed at the start. The counters never fall. */
struct churn {
  uint64_t loaded;
  uint64_t unloaded;

  uint32_t newest_id; /* 0: no program was seen yet */
  uint64_t newest_load_time_ns;
  bool has_base;
  uint64_t base; /* programs that were there before any that loaded counts */
};

/* Takes in a program that was not seen before; LOADED: it was loaded since the
 * first snapshot. */
void churn_see(struct churn *churn, uint32_t id, uint64_t load_time_ns,
               bool loaded);

/* Takes in the end of a complete walk that found PROGRAMS. */
void churn_settle(struct churn *churn, size_t programs);

/* With a watch, in place of churn_settle(): takes in what the watch has counted
 * since the last time. */
void churn_count(struct churn *churn, uint64_t loaded, uint64_t unloaded);

#endif
