/* SPDX-License-Identifier: MIT */
/* map_iter: the iterators that read maps, loaded by this process or pinned
 * beside the one of the programs. */
#ifndef BPF_STATS_MAP_ITER_H
#define BPF_STATS_MAP_ITER_H

#include "map_stream.h"
#include "owner_stream.h"
#include "prog_record.h"

#include <stdbool.h>
#include <sys/types.h>

/* What each tells: */
enum map_iter_kind {
  MAP_ITER_MAPS,   /* of each map; records are struct map_record */
  MAP_ITER_USES,   /* which map a program uses; struct map_use_record */
  MAP_ITER_PAYERS, /* who pays for a map; those of owner_stream.h */
};

struct map_iter;

/* Loads them, the last one if PAYERS are wanted, and finds out for which kinds
 * of maps their numbers are the kernel's. Needs CAP_BPF and CAP_PERFMON.
 * Returns NULL, and why in REASON. */
struct map_iter *map_iter_load(bool payers, char *reason, size_t reason_size);

/* What is pinned in the directory of the pin ITERATOR_PIN. NULL when out of
 * memory. */
struct map_iter *map_iter_open(const char *iterator_pin);

/* Accepts NULL. */
void map_iter_free(struct map_iter *iter);

/* Hands all records of the first two kinds to TAKE. Returns as
 * map_stream_read(), or the -errno for which it cannot be read. */
int map_iter_read(struct map_iter *iter, enum map_iter_kind kind, map_take take,
                  void *context);

/* Hands the records of payers to TAKE: their ids are those of maps. Returns as
 * map_iter_read() does. */
int map_iter_read_payers(struct map_iter *iter, owner_take take, void *context);

/* Fills in the ids of the iterators that are loaded, 0 for the others. ITER:
 * may be NULL. */
void map_iter_ids(const struct map_iter *iter, uint32_t ids[MAP_PROGRAMS_NUM]);

/* Pins what is loaded in DIR, in the place of what is there. Whom MODE lets
 * read, its group being GID, can read them. Returns 0 or -errno. */
int map_iter_pin(const struct map_iter *iter, const char *dir, gid_t gid,
                 mode_t mode);

/* Takes them away. Returns 0, also when there are none, or -errno. */
int map_iter_unpin(const char *dir);

#endif
