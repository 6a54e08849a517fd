/* SPDX-License-Identifier: MIT */
/* maps: reads all maps, by the iterator where it loads, otherwise one by one.
 */
#ifndef BPF_STATS_MAPS_H
#define BPF_STATS_MAPS_H

#include "map_snapshot.h"
#include "prog_record.h"
#include "refusal.h"

#include <stdbool.h>

enum {
  MAPS_BY_ID_MAX = 4000, /* that are read one by one; each takes some 20 us */
  MAPS_FDINFO_MAX = 100, /* of those that the iterator does not measure */
};

/* What is wanted of maps. */
struct maps_options {
  const char *iterator_pin; /* read what is pinned beside that, and nothing
                               else; NULL: none. Borrowed */
  bool by_id;               /* one by one, whatever loads */
  bool uses;                /* which programs use them */
  bool owners; /* who pays for them, as far as an iterator can tell */
};

struct maps;

/* Returns NULL when out of memory. */
struct maps *maps_new(const struct maps_options *options);

/* Accepts NULL. */
void maps_free(struct maps *maps);

/* Loads what it needs, once. */
void maps_open(struct maps *maps);

/* Fills in the ids of our own programs that are loaded for this; 0 for none. */
void maps_ids(const struct maps *maps, uint32_t ids[MAP_PROGRAMS_NUM]);

/* Reads them all. *RET_SNAPSHOT and what it points to are owned by the maps and
 * valid until the next call. Returns 0; or -errno when not all could be read:
 * -E2BIG when there are more than MAPS_BY_ID_MAX and no iterator. */
int maps_read(struct maps *maps, struct map_snapshot *ret_snapshot);

/* Returns what an error of maps_read() means: a part of a sentence, valid until
 * the next call. */
const char *maps_explain(struct maps *maps, int error);

#endif
