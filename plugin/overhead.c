/* SPDX-License-Identifier: MIT */
/* overhead: what is chosen lies below the limit, so that a little more costs no
 * more than the limit, and a little less changes nothing. */
#include "overhead.h"

static const double share_of_limit = 0.8;
static const double parts_max = 1e6;

void overhead_init(struct overhead *overhead, double limit_percent) {
  *overhead = (struct overhead){.limit_percent = limit_percent, .parts = 1};
}

static uint64_t parts_for(const struct overhead *overhead, double percent) {
  const double parts = percent / (share_of_limit * overhead->limit_percent);
  return parts < parts_max ? (uint64_t)parts + 1 : (uint64_t)parts_max;
}

static void choose(struct overhead *overhead, uint64_t parts) {
  overhead->parts = parts;
  overhead->intervals = 0;
  overhead->peak_percent = 0.0;
}

void overhead_update(struct overhead *overhead, double percent) {
  overhead->percent = percent;
  if (overhead->limit_percent == 0.0)
    return;
  if (percent > overhead->limit_percent * (double)overhead->parts) {
    choose(overhead, parts_for(overhead, percent));
    return;
  }
  if (percent > overhead->peak_percent)
    overhead->peak_percent = percent;
  if (++overhead->intervals < OVERHEAD_CALM_INTERVALS)
    return;
  const uint64_t parts = parts_for(overhead, overhead->peak_percent);
  choose(overhead, parts < overhead->parts ? parts : overhead->parts);
}
