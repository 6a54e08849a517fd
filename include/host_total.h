/* SPDX-License-Identifier: MIT */
/* host_total: what all programs of the host have counted, also those that were
 * unloaded, as exactly as is known. */
#ifndef BPF_STATS_HOST_TOTAL_H
#define BPF_STATS_HOST_TOTAL_H

#include "prog_snapshot.h"

/* What the total rests on. Zeros: nothing was counted. */
struct host_basis {
  struct prog_stats counted; /* by the host's programs, one by one */
  struct prog_stats dead;    /* by all that were unloaded since BASE was set */
  struct prog_stats base;    /* of the total: neither DEAD nor loaded */
};

/* Sums over the host's programs, of one update. */
struct host_sums {
  struct prog_stats advance;  /* what they counted since they were last read */
  struct prog_stats measured; /* the same of those of which it is a delta */
  struct prog_stats loaded;   /* all that those in the snapshot ever counted */
  struct prog_stats ended;    /* the same of those that were unloaded before */
  struct prog_stats awaited;  /* and of all others, as far as that is known */
};

/* Takes the sums of one update in. TOTAL: as it was before. SNAPSHOT:
 * what they are from; borrowed. Returns the total, which never falls. */
struct prog_stats host_total_next(struct host_basis *basis,
                                  struct prog_stats total,
                                  const struct host_sums *sums,
                                  const struct prog_snapshot *snapshot);

#endif
