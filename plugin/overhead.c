/* SPDX-License-Identifier: MIT */
/* overhead: what is chosen lies below the limit, so that a little more costs no
 * more than the limit, and a little less changes nothing. */
#include "overhead.h"

static const double share_of_limit = 0.8;
static const double runs_share_min =
    0.1; /* where windows leave no more of it */
static const double parts_max = 1e6;

void overhead_init(struct overhead *overhead, double limit_percent) {
  *overhead = (struct overhead){.limit_percent = limit_percent, .parts = 1};
}

static double larger(double a, double b) { return a > b ? a : b; }

static double cost_of(const struct overhead *overhead, double percent,
                      uint64_t parts) {
  return parts == 1 ? percent
                    : percent / (double)parts + overhead->windows_percent;
}

static uint64_t parts_for(const struct overhead *overhead, double percent) {
  const double most = share_of_limit * overhead->limit_percent;
  const double room = larger(most - overhead->windows_percent,
                             runs_share_min * overhead->limit_percent);
  if (percent <= most)
    return 1;
  const double num = percent / room;
  const uint64_t parts =
      num < parts_max ? (uint64_t)num + 1 : (uint64_t)parts_max;
  return cost_of(overhead, percent, parts) < percent ? parts : 1;
}

static void choose(struct overhead *overhead, uint64_t parts) {
  overhead->parts = parts;
  overhead->intervals = 0;
  overhead->peak_percent = 0.0;
}

void overhead_update(struct overhead *overhead, double percent,
                     double windows_percent) {
  overhead->percent = percent;
  overhead->windows_percent = windows_percent;
  if (overhead->limit_percent == 0.0)
    return;
  if (!overhead_is_kept(overhead)) {
    choose(overhead, parts_for(overhead, percent));
    return;
  }
  overhead->peak_percent = larger(percent, overhead->peak_percent);
  if (++overhead->intervals < OVERHEAD_CALM_INTERVALS)
    return;
  const uint64_t parts = parts_for(overhead, overhead->peak_percent);
  choose(overhead, parts < overhead->parts ? parts : overhead->parts);
}

bool overhead_is_kept(const struct overhead *overhead) {
  return overhead->limit_percent == 0.0 ||
         cost_of(overhead, overhead->percent, overhead->parts) <=
             overhead->limit_percent;
}
