/* SPDX-License-Identifier: MIT */
/* map_bill: what maps take, of the host and of each program.
 *
 * The programs that use a map share what it takes in equal parts, to the byte;
 * where it is known who pays for a map, those of its programs alone that have
 * the same owner, if there are any. So each byte is in one group and no other,
 * however programs are grouped. What only other maps use, as the inner ones of
 * maps of maps, is the host's alone.
 */
#ifndef BPF_STATS_MAP_BILL_H
#define BPF_STATS_MAP_BILL_H

#include "map_snapshot.h"
#include "prog_snapshot.h"

/* Zeroed at the start. */
struct map_bill {
  size_t maps;
  size_t unused;
  size_t unmeasured;
  uint64_t bytes;        /* of those that are measured */
  uint64_t unused_bytes; /* of these */
  double fill_max;       /* 0..1, of the fullest one */
  bool knows_unused;
  uint64_t jit_bytes; /* as in the snapshot */
  uint64_t jit_limit;
  bool knows_fill;          /* of at least one map */
  struct map_share *shares; /* owned; in ascending order of programs */
  size_t shares_num;
  size_t shares_max;

  struct map_split *splits; /* of each map, while it is shared; owned */
  size_t splits_max;
};

/* Frees what it owns. */
void map_bill_clear(struct map_bill *bill);

/* Adds up. MAPS and PROGRAMS, which know their owners: borrowed for the call.
 * Returns 0; or -ENOMEM, then the bill says nothing. */
int map_bill_update(struct map_bill *bill, const struct map_snapshot *maps,
                    const struct prog_snapshot *programs);

#endif
