/* SPDX-License-Identifier: MIT */
/* map_bill: counts the programs of each map, and then hands out parts: each is
 * of what is left, for those who are left. */
#include "map_bill.h"

#include "reserve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct map_split {
  uint64_t bytes; /* that nobody has been charged yet */
  uint64_t users; /* programs that have not had their part */
  bool is_owned;  /* these have the owner of the map */
};

void map_bill_clear(struct map_bill *bill) {
  free(bill->shares);
  free(bill->splits);
  *bill = (struct map_bill){0};
}

static void add_up(struct map_bill *bill, const struct map_snapshot *maps) {
  bill->maps = maps->samples_num;
  bill->unused = bill->unmeasured = 0;
  bill->bytes = bill->unused_bytes = 0;
  bill->knows_unused = maps->knows_unused;
  bill->jit_bytes = maps->jit_bytes;
  bill->jit_limit = maps->jit_limit;
  bill->knows_fill = false;
  bill->fill_max = 0.0;
  for (size_t i = 0; i < maps->samples_num; i++) {
    const struct map_sample *map = &maps->samples[i];
    bill->unmeasured += !map->is_measured;
    bill->bytes += map->bytes;
    if (map->is_unused) {
      bill->unused++;
      bill->unused_bytes += map->bytes;
    }
    bill->knows_fill |= map->has_fill;
    const double fill = map_sample_fill(map);
    if (fill > bill->fill_max)
      bill->fill_max = fill;
  }
}

static int make_room(struct map_bill *bill, const struct map_snapshot *maps) {
  struct map_share *shares = reserve(bill->shares, maps->uses_num + 1,
                                     &bill->shares_max, sizeof(*shares));
  if (shares == NULL)
    return -ENOMEM;
  bill->shares = shares;
  struct map_split *splits = reserve(bill->splits, maps->samples_num + 1,
                                     &bill->splits_max, sizeof(*splits));
  if (splits == NULL)
    return -ENOMEM;
  bill->splits = splits;
  for (size_t i = 0; i < maps->samples_num; i++)
    splits[i] = (struct map_split){.bytes = maps->samples[i].bytes};
  return 0;
}

static int compare_map(const void *id, const void *map) {
  const uint32_t other = ((const struct map_sample *)map)->id;
  return (*(const uint32_t *)id > other) - (*(const uint32_t *)id < other);
}

static int compare_program(const void *id, const void *program) {
  const uint32_t other = ((const struct prog_sample *)program)->id;
  return (*(const uint32_t *)id > other) - (*(const uint32_t *)id < other);
}

/* Returns the map that is used, or NULL when it came or went meanwhile. */
static const struct map_sample *find_map(const struct map_snapshot *maps,
                                         const struct map_use *use) {
  return maps->samples_num == 0
             ? NULL
             : bsearch(&use->map_id, maps->samples, maps->samples_num,
                       sizeof(maps->samples[0]), compare_map);
}

/* Whether the program has the owner of the map. */
static bool has_owner(const struct map_sample *map, const struct map_use *use,
                      const struct prog_snapshot *programs) {
  if (map->owner == NULL || programs->samples_num == 0)
    return false;
  const struct prog_sample *sample =
      bsearch(&use->prog_id, programs->samples, programs->samples_num,
              sizeof(programs->samples[0]), compare_program);
  return sample != NULL && sample->is_owned &&
         strcmp(sample->owner, map->owner) == 0;
}

/* Adds a program's part. */
static void charge(struct map_bill *bill, uint32_t prog_id, uint64_t bytes) {
  struct map_share *last =
      bill->shares_num == 0 ? NULL : &bill->shares[bill->shares_num - 1];
  if (last != NULL && last->prog_id == prog_id)
    last->bytes += bytes;
  else
    bill->shares[bill->shares_num++] = (struct map_share){prog_id, bytes};
}

static void count_users(struct map_bill *bill, const struct map_snapshot *maps,
                        const struct prog_snapshot *programs) {
  for (size_t i = 0; i < maps->uses_num; i++) {
    const struct map_sample *map = find_map(maps, &maps->uses[i]);
    if (map == NULL)
      continue;
    struct map_split *split = &bill->splits[map - maps->samples];
    const bool is_owned = has_owner(map, &maps->uses[i], programs);
    if (is_owned && !split->is_owned)
      split->users = 0; /* the others need not pay */
    split->users += is_owned || !split->is_owned;
    split->is_owned |= is_owned;
  }
}

static void share(struct map_bill *bill, const struct map_snapshot *maps,
                  const struct prog_snapshot *programs) {
  count_users(bill, maps, programs);
  bill->shares_num = 0;
  for (size_t i = 0; i < maps->uses_num; i++) {
    const struct map_use *use = &maps->uses[i];
    const struct map_sample *map = find_map(maps, use);
    if (map == NULL)
      continue;
    struct map_split *split = &bill->splits[map - maps->samples];
    if (split->is_owned && !has_owner(map, use, programs))
      continue;
    const uint64_t part = split->bytes / split->users--;
    split->bytes -= part;
    charge(bill, use->prog_id, part);
  }
}

int map_bill_update(struct map_bill *bill, const struct map_snapshot *maps,
                    const struct prog_snapshot *programs) {
  int rc = make_room(bill, maps);
  if (rc != 0)
    return rc;
  add_up(bill, maps);
  share(bill, maps, programs);
  return 0;
}
