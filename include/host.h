/* SPDX-License-Identifier: MIT */
/* host: what is known of the host as a whole, whatever the selector says. Part
 * of groups. */
#ifndef BPF_STATS_HOST_H
#define BPF_STATS_HOST_H

#include "churn.h"
#include "group.h"
#include "prog_snapshot.h"
#include "programs.h"

#include <stddef.h>
#include <stdint.h>

/* Zeroed at the start, but for the group's name. */
struct host {
  struct group group; /* of all programs; its name is "" */
  uint64_t delta_ns;  /* the time awake that the deltas of all groups are of; 0:
                         there was no snapshot before, or no window */
  uint64_t own_runs;  /* of the delta: of the plugin's own programs */
  struct churn churn;
  size_t folded_programs; /* counted under "_other" */
  size_t elsewhere;       /* programs of which the costs stand at others */
  size_t unowned;         /* programs whose owner is not found */
  /* Since the start. */
  uint64_t read_errors; /* programs that were not read */
  uint64_t
      unwatched_unloads; /* programs that went without their final counters */

  uint64_t unwatched; /* unloads while nobody watched */
  uint64_t lost;      /* unloads whose record the watch has lost */
};

/* Takes in an update of the programs from SNAPSHOT, which ends that part. */
void host_update(struct host *host, const struct programs *programs,
                 const struct prog_snapshot *snapshot, enum part part);

#endif
