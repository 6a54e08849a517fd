/* SPDX-License-Identifier: MIT */
/* map_fills: how full maps are, folded by their names.
 *
 * The fullest ones are shown, each as a series of its own. A name keeps its
 * place for an hour, so that no hour has more new names than there are places.
 */
#ifndef BPF_STATS_MAP_FILLS_H
#define BPF_STATS_MAP_FILLS_H

#include "map_snapshot.h"

/* For how long a name that is not shown keeps its place. */
static const uint64_t MAP_FILLS_KEPT_NS = 3600ULL * 1000 * 1000 * 1000;

/* The fullest map of a name. */
struct map_fill {
  char name[MAP_NAME_SIZE]; /* [A-Za-z0-9_-] alone; "_unnamed" without one */
  double fill;              /* 0..1 */
  uint64_t used;
  uint64_t capacity;
  bool is_ring; /* these are bytes, else entries */
  bool is_shown;
};

/* A name that is or was shown. */
struct map_fills_place {
  char name[MAP_NAME_SIZE];
  uint64_t shown_ns; /* CLOCK_MONOTONIC, the last time */
};

/* Zeroed at the start, but for the first two. */
struct map_fills {
  size_t top;             /* how many names are shown at most */
  size_t places_max;      /* 0: no limit */
  struct map_fill *fills; /* owned; the fullest one first, then by name */
  size_t fills_num;
  size_t fills_max;
  struct map_fills_place *places; /* owned */
  size_t places_num;
  size_t places_room;
};

/* Frees what it owns. */
void map_fills_clear(struct map_fills *fills);

/* Takes in all maps that can be full. MAPS: borrowed for the call. NOW_NS:
 * CLOCK_MONOTONIC. Returns 0; or -ENOMEM, then there are none. */
int map_fills_update(struct map_fills *fills, const struct map_snapshot *maps,
                     uint64_t now_ns);

#endif
