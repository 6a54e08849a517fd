/* SPDX-License-Identifier: MIT */
/* host_total: two ways to the same number, of which the larger is taken.
 *
 * What the host has counted is at least what is known of its programs one by
 * one; and at least BASE, all that was unloaded since, and all that is loaded.
 * That is more when records of unloaded programs were lost, or are on their
 * way. A program that was unloaded between the reading of the watch's counts
 * and the snapshot's coming to it is in neither sum, so it may be too small for
 * now, but never too large. */
#include "host_total.h"

struct prog_stats host_total_next(struct host_basis *basis,
                                  struct prog_stats total,
                                  const struct host_sums *sums,
                                  const struct prog_snapshot *snapshot) {
  const struct unloads *unloads = snapshot->unloads;
  if (unloads == NULL) { /* nothing is on its way */
    basis->counted = prog_stats_add(total, sums->advance);
    return basis->counted;
  }
  basis->counted = prog_stats_add(basis->counted, sums->advance);
  total = prog_stats_max(total, basis->counted);
  basis->dead = prog_stats_add(basis->dead, unloads->stats);
  if (unloads->begins) {
    basis->dead = (struct prog_stats){0};
    basis->base = prog_stats_sub(total, sums->loaded);
    basis->base = prog_stats_sub(basis->base, sums->ended);
    basis->base = prog_stats_sub(basis->base, sums->awaited);
  } else if (snapshot->complete) {
    struct prog_stats sum = prog_stats_add(basis->dead, sums->loaded);
    total = prog_stats_max(total, prog_stats_add(basis->base, sum));
  }
  return total;
}
