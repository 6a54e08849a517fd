/* SPDX-License-Identifier: MIT */
/* maps: two lists, which the iterators or bpf(2) fill. */
#include "maps.h"

#include "fdinfo.h"
#include "map_iter.h"
#include "pins.h"
#include "reserve.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAPS_MAX = 1 << 20, USES_MAX = 1 << 22 };

/* Of one map. */
struct payer {
  uint32_t map_id;
  char name[OWNER_NAME_SIZE];
};

struct maps {
  struct maps_options options;
  bool is_open;
  struct map_iter *iter; /* NULL: one by one */
  char reason[300];      /* why there is none; "": nobody asked for one */
  struct map_sample *samples;
  size_t samples_num;
  size_t samples_max;
  struct map_use *uses;
  size_t uses_num;
  size_t uses_max;
  struct payer *payers; /* in the order of the samples */
  size_t payers_num;
  size_t payers_max;
  uint64_t jit_bytes;
  uint64_t jit_limit;
  char text[PINS_TEXT_SIZE]; /* of maps_explain() */
};

struct maps *maps_new(const struct maps_options *options) {
  struct maps *maps = calloc(1, sizeof(*maps));
  if (maps != NULL)
    maps->options = *options;
  return maps;
}

void maps_free(struct maps *maps) {
  if (maps == NULL)
    return;
  map_iter_free(maps->iter);
  free(maps->samples);
  free(maps->uses);
  free(maps->payers);
  free(maps);
}

void maps_open(struct maps *maps) {
  if (maps->options.iterator_pin != NULL && maps->iter == NULL)
    maps->iter = map_iter_open(maps->options.iterator_pin);
  else if (maps->options.iterator_pin == NULL && !maps->is_open &&
           !maps->options.by_id)
    maps->iter =
        map_iter_load(maps->options.owners, maps->reason, sizeof(maps->reason));
  maps->is_open = true;
}

void maps_ids(const struct maps *maps, uint32_t ids[MAP_PROGRAMS_NUM]) {
  map_iter_ids(maps->iter, ids);
}

static int append(struct maps *maps, uint32_t id,
                  struct map_sample **ret_sample) {
  const size_t num = maps->samples_num;
  if (num == MAPS_MAX || (num > 0 && maps->samples[num - 1].id >= id))
    return -ELOOP;
  struct map_sample *samples =
      reserve(maps->samples, num + 1, &maps->samples_max, sizeof(*samples));
  if (samples == NULL)
    return -ENOMEM;
  maps->samples = samples;
  samples[maps->samples_num++] = (struct map_sample){.id = id};
  *ret_sample = &samples[num];
  return 0;
}

static int append_use(struct maps *maps, uint32_t prog_id, uint32_t map_id) {
  const size_t num = maps->uses_num;
  if (num == USES_MAX || (num > 0 && maps->uses[num - 1].prog_id > prog_id))
    return -ELOOP;
  struct map_use *uses =
      reserve(maps->uses, num + 1, &maps->uses_max, sizeof(*uses));
  if (uses == NULL)
    return -ENOMEM;
  maps->uses = uses;
  uses[maps->uses_num++] = (struct map_use){prog_id, map_id};
  return 0;
}

/* --- by the iterator -------------------------------------------------------
 */

static int take_map(void *context, const void *data) {
  struct maps *maps = context;
  const struct map_record *record = data;
  const unsigned flags = record->head.flags;
  if ((flags & MAP_RECORD_JIT) != 0) {
    maps->jit_bytes = record->used;
    maps->jit_limit = record->capacity;
    return 0;
  }
  struct map_sample *sample = NULL;
  int rc = append(maps, record->id, &sample);
  if (rc != 0)
    return rc;
  sample->is_measured = (flags & MAP_RECORD_MEASURED) != 0;
  sample->is_unused = (flags & MAP_RECORD_UNUSED) != 0;
  /* A map for one entry is full as soon as it is used. */
  sample->has_fill = (flags & MAP_RECORD_FILL) != 0 && record->capacity > 1;
  sample->is_ring = record->type == BPF_MAP_TYPE_RINGBUF ||
                    record->type == BPF_MAP_TYPE_USER_RINGBUF;
  sample->bytes = sample->is_measured ? record->bytes : 0;
  sample->used = record->used;
  sample->capacity = record->capacity;
  memcpy(sample->name, record->name, sizeof(sample->name) - 1);
  return 0;
}

static int take_use(void *context, const void *data) {
  const struct map_use_record *record = data;
  return append_use(context, record->prog_id, record->map_id);
}

/* Reads the kernel's own number. Up to 6.3 that is 0 for a ring buffer, which
 * is not true; later it is for a trie without entries. */
static void measure(struct map_sample *sample, int fd, uint32_t type) {
  sample->is_measured = fdinfo_memory(fd, &sample->bytes) &&
                        (sample->bytes != 0 || type == BPF_MAP_TYPE_LPM_TRIE);
}

/* Measures those for which the iterator has no formula, one by one, as far as
 * that is allowed. */
static void measure_rest(struct maps *maps) {
  size_t num = 0;
  for (size_t i = 0; i < maps->samples_num && num < MAPS_FDINFO_MAX; i++) {
    struct map_sample *sample = &maps->samples[i];
    if (sample->is_measured)
      continue;
    int fd = bpf_map_get_fd_by_id(sample->id);
    if (fd == -ENOENT)
      continue; /* gone */
    if (fd < 0)
      return;
    measure(sample, fd, BPF_MAP_TYPE_UNSPEC);
    close(fd);
    num++;
  }
}

/* Without memory for it, nobody is known to pay. */
static void take_payer(void *context, const struct owner_record *record,
                       const struct owner_path *path) {
  struct maps *maps = context;
  const size_t num = maps->payers_num;
  struct payer *payers =
      reserve(maps->payers, num + 1, &maps->payers_max, sizeof(*payers));
  if (payers == NULL)
    return;
  maps->payers = payers;
  payers[num].map_id = record->id;
  maps->payers_num +=
      owner_record_name(record, path, payers[num].name) == OWNER_FULL;
}

/* What is not in the order of ids is passed over. */
static void set_owners(struct maps *maps) {
  size_t next = 0;
  for (size_t i = 0; i < maps->samples_num; i++) {
    struct map_sample *sample = &maps->samples[i];
    while (next < maps->payers_num && maps->payers[next].map_id < sample->id)
      next++;
    if (next < maps->payers_num && maps->payers[next].map_id == sample->id)
      sample->owner = maps->payers[next].name;
  }
}

static int read_by_iterator(struct maps *maps) {
  int rc = map_iter_read(maps->iter, MAP_ITER_MAPS, take_map, maps);
  if (rc == 0 && maps->options.uses)
    rc = map_iter_read(maps->iter, MAP_ITER_USES, take_use, maps);
  if (rc == 0 && maps->options.owners &&
      map_iter_read_payers(maps->iter, take_payer, maps) == 0)
    set_owners(maps);
  if (rc == 0)
    measure_rest(maps);
  return rc;
}

/* --- one by one ------------------------------------------------------------
 */

static int read_map(struct maps *maps, uint32_t id, int fd) {
  struct bpf_map_info info = {0};
  uint32_t info_len = sizeof(info);
  struct map_sample *sample = NULL;
  int rc = bpf_obj_get_info_by_fd(fd, &info, &info_len);
  if (rc == 0)
    rc = append(maps, id, &sample);
  if (rc != 0)
    return rc;
  memcpy(sample->name, info.name, sizeof(sample->name) - 1);
  measure(sample, fd, info.type);
  return 0;
}

static int read_maps_by_id(struct maps *maps) {
  for (uint32_t id = 0;;) {
    int rc = bpf_map_get_next_id(id, &id);
    if (rc != 0)
      return rc == -ENOENT ? 0 : rc;
    if (maps->samples_num == MAPS_BY_ID_MAX)
      return -E2BIG;
    int fd = bpf_map_get_fd_by_id(id);
    if (fd == -ENOENT)
      continue; /* gone */
    if (fd < 0)
      return fd;
    rc = read_map(maps, id, fd);
    close(fd);
    if (rc != 0)
      return rc;
  }
}

static int read_uses_of(struct maps *maps, uint32_t prog_id, int fd) {
  uint32_t ids[PROG_USED_MAPS_MAX];
  struct bpf_prog_info info = {.nr_map_ids = PROG_USED_MAPS_MAX,
                               .map_ids = (uintptr_t)ids};
  uint32_t info_len = sizeof(info);
  int rc = bpf_obj_get_info_by_fd(fd, &info, &info_len);
  for (uint32_t i = 0; rc == 0 && i < info.nr_map_ids && i < PROG_USED_MAPS_MAX;
       i++)
    rc = append_use(maps, prog_id, ids[i]);
  return rc;
}

static int read_uses_by_id(struct maps *maps) {
  for (uint32_t id = 0;;) {
    int rc = bpf_prog_get_next_id(id, &id);
    if (rc != 0)
      return rc == -ENOENT ? 0 : rc;
    int fd = bpf_prog_get_fd_by_id(id);
    if (fd == -ENOENT)
      continue; /* gone */
    if (fd < 0)
      return fd;
    rc = read_uses_of(maps, id, fd);
    close(fd);
    if (rc != 0)
      return rc;
  }
}

static int read_by_id(struct maps *maps) {
  int rc = read_maps_by_id(maps);
  return rc == 0 && maps->options.uses ? read_uses_by_id(maps) : rc;
}

int maps_read(struct maps *maps, struct map_snapshot *ret_snapshot) {
  maps_open(maps);
  if (maps->options.iterator_pin != NULL && maps->iter == NULL)
    return -ENOMEM;
  maps->samples_num = maps->uses_num = maps->payers_num = 0;
  maps->jit_bytes = maps->jit_limit = 0;
  int rc = maps->iter != NULL ? read_by_iterator(maps) : read_by_id(maps);
  if (rc != 0)
    return rc;
  *ret_snapshot = (struct map_snapshot){
      .samples = maps->samples,
      .samples_num = maps->samples_num,
      .uses = maps->uses,
      .uses_num = maps->uses_num,
      .knows_unused = maps->iter != NULL,
      .jit_bytes = maps->jit_bytes,
      .jit_limit = maps->jit_limit,
  };
  return 0;
}

const char *maps_explain(struct maps *maps, int error) {
  if (maps->iter != NULL)
    pins_explain(error, "iterator", maps->text);
  else if (error == -E2BIG)
    snprintf(maps->text, sizeof(maps->text),
             "there are more than %d, and no iterator reads them",
             MAPS_BY_ID_MAX);
  else if (maps->reason[0] != '\0' && error != -EACCES)
    return maps->reason; /* it needs less than to open those of others does */
  else
    refusal_explain(error, PRIVILEGE_SYS_ADMIN, maps->text, sizeof(maps->text));
  return maps->text;
}
