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

void host_total_update(struct host_total *total, const struct host_sums *sums,
                       const struct unloads *unloads, bool complete) {
  if (unloads == NULL) { /* nothing is on its way */
    total->stats = prog_stats_add(total->stats, sums->advance);
    total->counted = total->stats;
    return;
  }
  total->counted = prog_stats_add(total->counted, sums->advance);
  total->stats = prog_stats_max(total->stats, total->counted);
  total->dead = prog_stats_add(total->dead, unloads->stats);
  if (unloads->begins) {
    total->dead = (struct prog_stats){0};
    total->base = prog_stats_sub(total->stats, sums->loaded);
    total->base = prog_stats_sub(total->base, sums->ended);
    total->base = prog_stats_sub(total->base, sums->awaited);
  } else if (complete) {
    struct prog_stats sum = prog_stats_add(total->dead, sums->loaded);
    total->stats =
        prog_stats_max(total->stats, prog_stats_add(total->base, sum));
  }
}
