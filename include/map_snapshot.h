/* SPDX-License-Identifier: MIT */
/* map_snapshot: all maps at one instant, and which programs use them. */
#ifndef BPF_STATS_MAP_SNAPSHOT_H
#define BPF_STATS_MAP_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAP_NAME_SIZE = 16 }; /* BPF_OBJ_NAME_LEN */

struct map_sample {
  uint32_t id;
  bool is_measured;  /* BYTES tells */
  bool is_unused;    /* no program and no other map uses it */
  bool has_fill;     /* USED and CAPACITY tell; not of what is full by design,
                        as arrays, LRU hashes and maps for one entry are */
  bool is_ring;      /* a ring buffer */
  uint64_t bytes;    /* of kernel memory, as bpftool's memlock */
  uint64_t used;     /* entries; of a ring buffer bytes, not consumed yet */
  uint64_t capacity; /* of the same */
  const char *owner; /* who pays for it, as the owner of a program; NULL: not
                        known, or not asked for */
  char name[MAP_NAME_SIZE]; /* any bytes; "" when it has none */
};

/* How full it is, 0..1; 0 when that is not known. */
static inline double map_sample_fill(const struct map_sample *map) {
  if (!map->has_fill)
    return 0.0;
  return map->used >= map->capacity ? 1.0
                                    : (double)map->used / (double)map->capacity;
}

/* That a program uses a map. */
struct map_use {
  uint32_t prog_id;
  uint32_t map_id;
};

struct map_snapshot {
  const struct map_sample *samples; /* ids strictly ascending */
  size_t samples_num;
  const struct map_use *uses; /* ids of programs ascending; of what the samples
                                 do not have as well */
  size_t uses_num;
  bool knows_unused;  /* it could be seen which ones are unused */
  uint64_t jit_bytes; /* of JITed code, in the whole kernel */
  uint64_t jit_limit; /* for them; 0: neither is known */
};

#endif
