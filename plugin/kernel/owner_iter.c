/* SPDX-License-Identifier: MIT */
/* owner_iter: loads the skeleton that bpftool made of owner_iter.bpf.c, and
 * pins it. */
#include "owner_iter.h"

#include "bpf_load.h"
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
#include "owner_iter.skel.h"
#else
struct owner_programs;
#endif

struct owner_iter {
  struct owner_programs *skeleton; /* NULL: they are pinned */
  char *dir;                       /* there */
};

static const char *const files[OWNER_PROGRAMS_NUM] = {
    [OWNER_ITER_PAYER] = "owner_payer", [OWNER_ITER_FILES] = "owner_files"};

int owner_iter_unpin(const char *dir) {
  int rc = 0;
  for (int i = 0; i < OWNER_PROGRAMS_NUM && rc == 0; i++)
    rc = pins_remove(dir, files[i]);
  return rc;
}

#ifdef HAVE_BPF_PROGRAMS

static struct bpf_link *link_of(const struct owner_iter *iter, int kind) {
  const struct owner_programs *skeleton = iter->skeleton;
  return kind == OWNER_ITER_PAYER ? skeleton->links.bpf_stats_payer
                                  : skeleton->links.bpf_stats_files;
}

/* WITHOUT: of the two, OWNER_PROGRAMS_NUM for none. */
static struct owner_programs *load(int without) {
  char reason[300];
  bpf_load_begin();
  struct owner_programs *skeleton = owner_programs__open();
  int rc = skeleton == NULL ? -errno : 0;
  if (rc == 0 && without == OWNER_ITER_PAYER)
    bpf_program__set_autoload(skeleton->progs.bpf_stats_payer, false);
  if (rc == 0 && without == OWNER_ITER_FILES)
    bpf_program__set_autoload(skeleton->progs.bpf_stats_files, false);
  if (rc == 0)
    rc = owner_programs__load(skeleton);
  if (rc == 0)
    rc = owner_programs__attach(skeleton);
  bpf_load_end(rc, "iterator of owners", NULL, reason, sizeof(reason));
  if (rc == 0)
    return skeleton;
  owner_programs__destroy(skeleton);
  return NULL;
}

struct owner_iter *owner_iter_load(void) {
  struct owner_iter *iter = calloc(1, sizeof(*iter));
  if (iter == NULL)
    return NULL;
  for (int without = OWNER_PROGRAMS_NUM; without >= 0; without--)
    if (iter->skeleton == NULL)
      iter->skeleton = load(without);
  if (iter->skeleton != NULL)
    return iter;
  free(iter);
  return NULL;
}

static void destroy(struct owner_iter *iter) {
  owner_programs__destroy(iter->skeleton);
}

/* Begins a walk. */
static int open_own(const struct owner_iter *iter, enum owner_iter_kind kind) {
  struct bpf_link *link = link_of(iter, (int)kind);
  return link == NULL ? -ENOTSUP : bpf_iter_create(bpf_link__fd(link));
}

void owner_iter_ids(const struct owner_iter *iter,
                    uint32_t ids[OWNER_PROGRAMS_NUM]) {
  for (int i = 0; i < OWNER_PROGRAMS_NUM; i++)
    ids[i] = iter == NULL || iter->skeleton == NULL
                 ? 0
                 : bpf_load_iter_id(link_of(iter, i));
}

int owner_iter_pin(const struct owner_iter *iter, const char *dir, gid_t gid,
                   mode_t mode) {
  int rc = 0;
  for (int i = 0; i < OWNER_PROGRAMS_NUM && rc == 0; i++)
    rc = link_of(iter, i) != NULL ? pins_replace(bpf_link__fd(link_of(iter, i)),
                                                 dir, files[i], gid, mode)
                                  : pins_remove(dir, files[i]);
  return rc;
}

#else

struct owner_iter *owner_iter_load(void) {
  return NULL;
}

static void destroy(struct owner_iter *iter) { (void)iter; }

static int open_own(const struct owner_iter *iter, enum owner_iter_kind kind) {
  (void)iter;
  (void)kind;
  return -ENOTSUP;
}

void owner_iter_ids(const struct owner_iter *iter,
                    uint32_t ids[OWNER_PROGRAMS_NUM]) {
  (void)iter;
  memset(ids, 0, OWNER_PROGRAMS_NUM * sizeof(ids[0]));
}

#endif

struct owner_iter *owner_iter_open(const char *iterator_pin) {
  struct owner_iter *iter = calloc(1, sizeof(*iter));
  if (iter == NULL)
    return NULL;
  iter->dir = pins_dir_of(iterator_pin);
  if (iter->dir != NULL)
    return iter;
  free(iter);
  return NULL;
}

void owner_iter_free(struct owner_iter *iter) {
  if (iter == NULL)
    return;
  if (iter->skeleton != NULL)
    destroy(iter);
  free(iter->dir);
  free(iter);
}

int owner_iter_read(struct owner_iter *iter, enum owner_iter_kind kind,
                    owner_take take, void *context) {
  int fd = iter->dir != NULL ? pins_open_in(iter->dir, files[kind])
                             : open_own(iter, kind);
  if (fd < 0)
    return fd;
  int rc = owner_stream_read(fd, take, context);
  close(fd);
  return rc;
}
