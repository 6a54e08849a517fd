/* SPDX-License-Identifier: MIT */
/* map_iter: loads the skeleton that bpftool made of map_iter.bpf.c, checks it,
 * and pins it. */
#include "map_iter.h"

#include "bpf_load.h"
#include "give_back.h"
#include "jit_check.h"
#include "map_check.h"
#include "pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_BPF_PROGRAMS
#include "map_iter.skel.h"
#include "map_iter_plain.skel.h"
#else
struct map_programs;
#endif

struct map_iter {
  struct map_programs *skeleton; /* NULL: they are pinned */
  char *dir;                     /* there */
  struct map_stream stream;
};

static const char *const files[MAP_PROGRAMS_NUM] = {
    [MAP_ITER_MAPS] = "maps",
    [MAP_ITER_USES] = "map_uses",
    [MAP_ITER_PAYERS] = "map_payers"};

static const uint32_t magics[] = {
    [MAP_ITER_MAPS] = MAP_RECORD_MAGIC, [MAP_ITER_USES] = MAP_USE_MAGIC};

int map_iter_unpin(const char *dir) {
  int rc = 0;
  for (int i = 0; i < MAP_PROGRAMS_NUM && rc == 0; i++)
    rc = pins_remove(dir, files[i]);
  return rc;
}

#ifdef HAVE_BPF_PROGRAMS

static struct bpf_link *link_of(const struct map_iter *iter, int kind) {
  const struct map_programs *skeleton = iter->skeleton;
  struct bpf_link *const links[MAP_PROGRAMS_NUM] = {
      [MAP_ITER_MAPS] = skeleton->links.bpf_stats_maps,
      [MAP_ITER_USES] = skeleton->links.bpf_stats_uses,
      [MAP_ITER_PAYERS] = skeleton->links.bpf_stats_map_payers};
  return links[kind];
}

/* PLAIN: with the object for kernels that refuse the skeleton's own, of the
 * same source. */
static int load_and_attach(struct map_programs *skeleton, bool payers,
                           bool plain, const struct jit_symbols *where) {
  struct bpf_object_skeleton *object = skeleton->skeleton;
  if (plain)
    object->data = (void *)map_iter_plain__elf_bytes(&object->data_sz);
  int rc = bpf_object__open_skeleton(object, NULL);
  if (rc != 0)
    return rc;
  bpf_program__set_autoload(skeleton->progs.bpf_stats_map_payers, payers);
  skeleton->rodata->page_size = (unsigned)getpagesize();
  skeleton->rodata->jit_used_address = where->used;
  skeleton->rodata->jit_limit_address = where->limit;
  rc = map_programs__load(skeleton);
  if (rc == 0)
    rc = bpf_load_find_cpus(skeleton->progs.bpf_stats_cpus,
                            bpf_map__fd(skeleton->maps.anchor));
  return rc == 0 ? map_programs__attach(skeleton) : rc;
}

/* WHERE: what of JITed code is counted. */
static struct map_programs *load(bool payers, bool plain,
                                 const struct jit_symbols *where, char *reason,
                                 size_t reason_size) {
  struct map_programs *skeleton = calloc(1, sizeof(*skeleton));
  bpf_load_begin();
  int rc = skeleton == NULL ? -ENOMEM : map_programs__create_skeleton(skeleton);
  if (rc == 0)
    rc = load_and_attach(skeleton, payers, plain, where);
  bpf_load_end(rc, "iterator of maps", NULL, reason, reason_size);
  if (rc == 0)
    return skeleton;
  map_programs__destroy(skeleton);
  return NULL;
}

/* Begins a walk. */
static int open_own(const struct map_iter *iter, enum map_iter_kind kind) {
  struct bpf_link *link = link_of(iter, (int)kind);
  return link == NULL ? -ENOTSUP : bpf_iter_create(bpf_link__fd(link));
}

static void destroy(struct map_iter *iter) {
  map_programs__destroy(iter->skeleton);
}

static int take_jit(void *context, const void *record) {
  const struct map_record *shown = record;
  if ((shown->head.flags & MAP_RECORD_JIT) != 0)
    memcpy(context, &shown->used, sizeof(shown->used));
  return 0;
}

/* A jit_read. */
static bool read_jit(void *context, uint64_t *ret_bytes) {
  *ret_bytes = 0;
  return map_iter_read(context, MAP_ITER_MAPS, take_jit, ret_bytes) == 0 &&
         *ret_bytes != 0;
}

static int find_corrections(struct map_iter *iter) {
  struct map_check *check = map_check_new();
  if (check == NULL)
    return -ENOMEM;
  int rc = map_iter_read(iter, MAP_ITER_MAPS, map_check_take, check);
  if (rc == 0)
    map_check_end(check, iter->skeleton->bss->corrections);
  map_check_free(check);
  iter->skeleton->bss->jit_is_wrong = !jit_check_grows(read_jit, iter);
  give_back_memory();
  return rc;
}

struct map_iter *map_iter_load(bool payers, char *reason, size_t reason_size) {
  struct map_iter *iter = calloc(1, sizeof(*iter));
  if (iter == NULL)
    return NULL;
  const struct jit_symbols where = jit_check_find("/proc/kallsyms");
  iter->skeleton = load(payers, false, &where, reason, reason_size);
  if (iter->skeleton == NULL)
    iter->skeleton = load(payers, true, &where, reason, reason_size);
  int rc = iter->skeleton == NULL ? -ENOTSUP : find_corrections(iter);
  if (rc == 0)
    return iter;
  if (iter->skeleton != NULL)
    snprintf(reason, reason_size, "the iterator of maps cannot be checked: %s",
             strerror(-rc));
  map_iter_free(iter);
  return NULL;
}

void map_iter_ids(const struct map_iter *iter, uint32_t ids[MAP_PROGRAMS_NUM]) {
  for (int i = 0; i < MAP_PROGRAMS_NUM; i++)
    ids[i] = iter == NULL || iter->skeleton == NULL
                 ? 0
                 : bpf_load_iter_id(link_of(iter, i));
}

int map_iter_pin(const struct map_iter *iter, const char *dir, gid_t gid,
                 mode_t mode) {
  int rc = 0;
  for (int i = 0; i < MAP_PROGRAMS_NUM && rc == 0; i++)
    rc = pins_replace(bpf_link__fd(link_of(iter, i)), dir, files[i], gid, mode);
  return rc;
}

#else

struct map_iter *map_iter_load(bool payers, char *reason, size_t reason_size) {
  (void)payers;
  snprintf(reason, reason_size, "this build has no iterator");
  return NULL;
}

static void destroy(struct map_iter *iter) { (void)iter; }

static int open_own(const struct map_iter *iter, enum map_iter_kind kind) {
  (void)iter;
  (void)kind;
  return -ENOTSUP;
}

void map_iter_ids(const struct map_iter *iter, uint32_t ids[MAP_PROGRAMS_NUM]) {
  (void)iter;
  memset(ids, 0, MAP_PROGRAMS_NUM * sizeof(ids[0]));
}

#endif

struct map_iter *map_iter_open(const char *iterator_pin) {
  struct map_iter *iter = calloc(1, sizeof(*iter));
  if (iter == NULL)
    return NULL;
  iter->dir = pins_dir_of(iterator_pin);
  if (iter->dir != NULL)
    return iter;
  free(iter);
  return NULL;
}

void map_iter_free(struct map_iter *iter) {
  if (iter == NULL)
    return;
  if (iter->skeleton != NULL)
    destroy(iter);
  free(iter->dir);
  free(iter);
}

static int open_walk(const struct map_iter *iter, enum map_iter_kind kind) {
  return iter->dir != NULL ? pins_open_in(iter->dir, files[kind])
                           : open_own(iter, kind);
}

int map_iter_read(struct map_iter *iter, enum map_iter_kind kind, map_take take,
                  void *context) {
  int fd = open_walk(iter, kind);
  if (fd < 0)
    return fd;
  int rc = map_stream_read(&iter->stream, fd, magics[kind], take, context);
  close(fd);
  return rc;
}

int map_iter_read_payers(struct map_iter *iter, owner_take take,
                         void *context) {
  int fd = open_walk(iter, MAP_ITER_PAYERS);
  if (fd < 0)
    return fd;
  int rc = owner_stream_read(fd, take, context);
  close(fd);
  return rc;
}
