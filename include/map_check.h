/* SPDX-License-Identifier: MIT */
/* map_check: whether the formulas of the map iterator hold on this kernel.
 *
 * Of each kind of map some of our own are made, in different sizes, and what
 * the iterator says of them is compared with the kernel's own number. */
#ifndef BPF_STATS_MAP_CHECK_H
#define BPF_STATS_MAP_CHECK_H

#include "map_record.h"

struct map_check;

/* Makes the maps. Needs CAP_BPF, for some kinds CAP_NET_ADMIN as well: what
 * cannot be made is not checked. Returns NULL when out of memory. */
struct map_check *map_check_new(void);

/* Accepts NULL. */
void map_check_free(struct map_check *check);

/* Takes what the iterator says, without corrections, of a map_take: CONTEXT is
 * the check, RECORD of a map. */
int map_check_take(void *context, const void *record);

/* Fills in the difference for each kind for which it is the same for all its
 * maps; all other kinds are wrong. */
void map_check_end(const struct map_check *check,
                   struct map_correction corrections[MAP_KINDS_MAX]);

#endif
