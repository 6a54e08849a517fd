/* SPDX-License-Identifier: MIT */
/* owner_iter: loads the skeleton that bpftool made of owner_iter.bpf.c, and
 * pins it. */
#include "owner_iter.h"

#include "bpf_load.h"
#include "pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <limits.h>
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
static const char file_new[] = "owner_new";

static int join_path(char path[PATH_MAX], const char *dir, const char *file) {
  return snprintf(path, PATH_MAX, "%s/%s", dir, file) < PATH_MAX
             ? 0
             : -ENAMETOOLONG;
}

static int take_away(const char *dir, const char *file) {
  char path[PATH_MAX];
  int rc = join_path(path, dir, file);
  return rc == 0 && unlink(path) != 0 && errno != ENOENT ? -errno : rc;
}

int owner_iter_unpin(const char *dir) {
  int rc = take_away(dir, file_new);
  for (int i = 0; i < OWNER_PROGRAMS_NUM && rc == 0; i++)
    rc = take_away(dir, files[i]);
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

struct prog_record_siblings owner_iter_ids(const struct owner_iter *iter) {
  struct prog_record_siblings siblings = {{0}};
  for (int i = 0; i < OWNER_PROGRAMS_NUM; i++) {
    struct bpf_link_info info = {0};
    uint32_t info_len = sizeof(info);
    if (iter != NULL && iter->skeleton != NULL && link_of(iter, i) != NULL &&
        bpf_obj_get_info_by_fd(bpf_link__fd(link_of(iter, i)), &info,
                               &info_len) == 0)
      siblings.ids[i] = info.prog_id;
  }
  return siblings;
}

/* It has another name until all is right. */
static int pin(const struct bpf_link *link, const char *dir, const char *file,
               gid_t gid, mode_t mode) {
  char path[PATH_MAX];
  char path_new[PATH_MAX];
  if (join_path(path, dir, file) != 0 ||
      join_path(path_new, dir, file_new) != 0)
    return -ENAMETOOLONG;
  int rc = take_away(dir, file_new);
  if (rc == 0)
    rc = bpf_obj_pin(bpf_link__fd(link), path_new);
  if (rc == 0)
    rc = pins_give(path_new, gid, mode);
  return rc == 0 && rename(path_new, path) != 0 ? -errno : rc;
}

int owner_iter_pin(const struct owner_iter *iter, const char *dir, gid_t gid,
                   mode_t mode) {
  int rc = 0;
  for (int i = 0; i < OWNER_PROGRAMS_NUM && rc == 0; i++)
    rc = link_of(iter, i) != NULL
             ? pin(link_of(iter, i), dir, files[i], gid, mode)
             : take_away(dir, files[i]);
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

struct prog_record_siblings owner_iter_ids(const struct owner_iter *iter) {
  (void)iter;
  return (struct prog_record_siblings){{0}};
}

#endif

struct owner_iter *owner_iter_open(const char *iterator_pin) {
  struct owner_iter *iter = calloc(1, sizeof(*iter));
  char *dir = strndup(iterator_pin,
                      (size_t)(strrchr(iterator_pin, '/') - iterator_pin));
  if (iter == NULL || dir == NULL) {
    free(iter);
    free(dir);
    return NULL;
  }
  iter->dir = dir;
  return iter;
}

void owner_iter_free(struct owner_iter *iter) {
  if (iter == NULL)
    return;
  if (iter->skeleton != NULL)
    destroy(iter);
  free(iter->dir);
  free(iter);
}

static int open_pinned(const struct owner_iter *iter,
                       enum owner_iter_kind kind) {
  char path[PATH_MAX];
  int rc = join_path(path, iter->dir, files[kind]);
  return rc != 0 ? rc : pins_open(path);
}

int owner_iter_read(struct owner_iter *iter, enum owner_iter_kind kind,
                    owner_take take, void *context) {
  int fd = iter->dir != NULL ? open_pinned(iter, kind) : open_own(iter, kind);
  if (fd < 0)
    return fd;
  int rc = owner_stream_read(fd, take, context);
  close(fd);
  return rc;
}
