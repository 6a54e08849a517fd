/* SPDX-License-Identifier: MIT */
/* map_check: a table of kinds, three maps for each. */
#include "map_check.h"

#include "fdinfo.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* Sizes of values and numbers of entries differ from one map to the next, so
 * that a formula that lacks one of them is found out. */
enum { SIZES_NUM = 3, VALUES_SIZE = 200 };
static const uint32_t value_sizes[SIZES_NUM] = {8, 24, VALUES_SIZE};
static const uint32_t entry_nums[SIZES_NUM] = {2, 10, 33};

enum {
  CPUS_MAX = 8192, /* that a kernel can be built for */
};

enum trait {
  FIXED_VALUE = 1, /* it has the size of an integer */
  NO_VALUE = 2,
  FILLED = 4, /* what it takes goes by what it holds */
  NESTED = 8, /* its values are maps */
};

struct kind {
  uint32_t type; /* enum bpf_map_type */
  uint32_t key_size;
  unsigned traits;
  uint32_t flags; /* of bpf(2) */
};

static const struct kind kinds[] = {
    {BPF_MAP_TYPE_HASH, 4, 0, 0},
    {BPF_MAP_TYPE_HASH, 16, FILLED, BPF_F_NO_PREALLOC},
    {BPF_MAP_TYPE_PERCPU_HASH, 8, 0, 0},
    {BPF_MAP_TYPE_PERCPU_HASH, 4, FILLED, BPF_F_NO_PREALLOC},
    {BPF_MAP_TYPE_LRU_HASH, 4, 0, 0},
    {BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 0, 0},
    {BPF_MAP_TYPE_HASH_OF_MAPS, 4, FIXED_VALUE | NESTED, 0},
    {BPF_MAP_TYPE_HASH_OF_MAPS, 8, FIXED_VALUE | NESTED | FILLED,
     BPF_F_NO_PREALLOC},
    {BPF_MAP_TYPE_ARRAY, 4, 0, 0},
    {BPF_MAP_TYPE_ARRAY, 4, 0, BPF_F_MMAPABLE},
    {BPF_MAP_TYPE_PERCPU_ARRAY, 4, 0, 0},
    {BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, FIXED_VALUE, 0},
    {BPF_MAP_TYPE_CGROUP_ARRAY, 4, FIXED_VALUE, 0},
    {BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, FIXED_VALUE | NESTED, 0},
    {BPF_MAP_TYPE_LPM_TRIE, 12, FILLED, BPF_F_NO_PREALLOC},
    {BPF_MAP_TYPE_RINGBUF, 0, NO_VALUE, 0},
    {BPF_MAP_TYPE_USER_RINGBUF, 0, NO_VALUE, 0},
    {BPF_MAP_TYPE_QUEUE, 0, 0, 0},
    {BPF_MAP_TYPE_STACK, 0, 0, 0},
    {BPF_MAP_TYPE_STACK_TRACE, 4, 0, 0},
    {BPF_MAP_TYPE_BLOOM_FILTER, 0, 0, 0},
    {BPF_MAP_TYPE_SOCKMAP, 4, FIXED_VALUE, 0},
    {BPF_MAP_TYPE_XSKMAP, 4, FIXED_VALUE, 0},
    {BPF_MAP_TYPE_CPUMAP, 4, FIXED_VALUE, 0},
    {BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, FIXED_VALUE, 0},
};
enum { KINDS_NUM = sizeof(kinds) / sizeof(kinds[0]) };

struct own_map {
  int fd; /* below 0: it could not be made */
  uint32_t id;
  bool is_shown;      /* by the iterator */
  uint32_t kind;      /* of the record */
  uint64_t bytes;     /* by the formula */
  uint64_t own_bytes; /* the kernel's own number */
};

struct map_check {
  int inner_fd;    /* the maps that others hold */
  uint8_t *values; /* one for each possible CPU, as the kernel reads them, and
                      nobody but the kernel knows how many these are */
  struct own_map maps[KINDS_NUM][SIZES_NUM];
};

static int fill_map(const struct map_check *check, const struct kind *kind,
                    int fd, uint32_t num) {
  int rc = 0;
  *(int *)(void *)check->values =
      (kind->traits & NESTED) != 0 ? check->inner_fd : 0;
  for (uint32_t i = 0; i < num && rc == 0; i++) {
    /* Of a trie the length of a prefix, and what follows. */
    const uint32_t key[4] = {kind->type == BPF_MAP_TYPE_LPM_TRIE ? 32 : i, i};
    rc = bpf_map_update_elem(fd, key, check->values, BPF_ANY);
  }
  return rc;
}

static uint32_t value_size_of(const struct kind *kind, size_t size) {
  if ((kind->traits & NO_VALUE) != 0)
    return 0;
  return (kind->traits & FIXED_VALUE) != 0 ? sizeof(uint32_t)
                                           : value_sizes[size];
}

/* Ring buffers hold pages, in a power of two. */
static uint32_t entries_of(const struct kind *kind, size_t size) {
  return (kind->traits & NO_VALUE) != 0 ? (uint32_t)getpagesize() << size
                                        : entry_nums[size];
}

static void make(struct map_check *check, size_t kind_index, size_t size) {
  const struct kind *kind = &kinds[kind_index];
  struct own_map *map = &check->maps[kind_index][size];
  LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = kind->flags);
  if ((kind->traits & NESTED) != 0)
    opts.inner_map_fd = (uint32_t)check->inner_fd;
  map->fd =
      bpf_map_create(kind->type, "bpf_stats_check", kind->key_size,
                     value_size_of(kind, size), entries_of(kind, size), &opts);
  if (map->fd < 0)
    return;
  struct bpf_map_info info = {0};
  uint32_t info_len = sizeof(info);
  if (bpf_obj_get_info_by_fd(map->fd, &info, &info_len) == 0 &&
      ((kind->traits & FILLED) == 0 ||
       fill_map(check, kind, map->fd, (uint32_t)size) == 0) &&
      fdinfo_memory(map->fd, &map->own_bytes))
    map->id = info.id;
}

struct map_check *map_check_new(void) {
  struct map_check *check = calloc(1, sizeof(*check));
  uint8_t *values = calloc(CPUS_MAX, VALUES_SIZE);
  if (check == NULL || values == NULL) {
    free(check);
    free(values);
    return NULL;
  }
  check->values = values;
  check->inner_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bpf_stats_check",
                                   sizeof(uint32_t), 8, 1, NULL);
  for (size_t i = 0; i < KINDS_NUM; i++)
    for (size_t size = 0; size < SIZES_NUM; size++)
      make(check, i, size);
  return check;
}

void map_check_free(struct map_check *check) {
  if (check == NULL)
    return;
  for (size_t i = 0; i < KINDS_NUM; i++)
    for (size_t size = 0; size < SIZES_NUM; size++)
      if (check->maps[i][size].fd >= 0)
        close(check->maps[i][size].fd);
  if (check->inner_fd >= 0)
    close(check->inner_fd);
  free(check->values);
  free(check);
}

int map_check_take(void *context, const void *record) {
  struct map_check *check = context;
  const struct map_record *shown = record;
  struct own_map *maps = check->maps[0];
  for (size_t i = 0; i < sizeof(check->maps) / sizeof(maps[0]); i++)
    if (maps[i].id != 0 && maps[i].id == shown->id) {
      maps[i].is_shown = (shown->head.flags & MAP_RECORD_MEASURED) != 0;
      maps[i].kind = shown->kind;
      maps[i].bytes = shown->bytes;
    }
  return 0;
}

void map_check_end(const struct map_check *check,
                   struct map_correction corrections[MAP_KINDS_MAX]) {
  for (size_t i = 0; i < MAP_KINDS_MAX; i++)
    corrections[i] = (struct map_correction){.is_wrong = true};
  for (size_t i = 0; i < KINDS_NUM; i++) {
    const struct own_map *maps = check->maps[i];
    const int64_t bytes = (int64_t)(maps[0].own_bytes - maps[0].bytes);
    bool is_right = true;
    for (size_t size = 0; size < SIZES_NUM; size++)
      is_right = is_right && maps[size].is_shown &&
                 maps[size].kind == maps[0].kind &&
                 (int64_t)(maps[size].own_bytes - maps[size].bytes) == bytes;
    if (is_right && maps[0].kind < MAP_KINDS_MAX)
      corrections[maps[0].kind] = (struct map_correction){.bytes = bytes};
  }
}
