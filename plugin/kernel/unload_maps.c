/* SPDX-License-Identifier: MIT */
/* unload_maps: loads the skeleton that bpftool made of unload_watch.bpf.c, and
 * pins it. */
#include "unload_maps.h"

#include "bpf_load.h"
#include "prog_record.h"
#include "prog_stream.h"
#include "refusal.h"
#include "unload_pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_BPF_PROGRAMS
#include "unload_watch.skel.h"
#else
struct watch_programs;
#endif

struct unload_maps {
  struct watch_programs *skeleton; /* NULL: pinned */
  int ring_fd;                     /* the skeleton's, or ours when pinned */
  int counters_fd;
  char ring_path[PATH_MAX]; /* when pinned */
  struct stat ring_stat;
};

static struct unload_maps *new_maps(void) {
  struct unload_maps *maps = calloc(1, sizeof(*maps));
  if (maps == NULL)
    return NULL;
  maps->ring_fd = -1;
  maps->counters_fd = -1;
  return maps;
}

#ifdef HAVE_BPF_PROGRAMS

/* Marks the counters as ours, before anything counts. */
static int init_counters(int counters_fd) {
  const struct unload_counters counters = {.magic = PROG_RECORD_MAGIC,
                                           .version = PROG_RECORD_VERSION};
  uint32_t zero = 0;
  return bpf_map_update_elem(counters_fd, &zero, &counters, BPF_ANY);
}

/* Has the programs use the maps of FDS instead of maps of their own. */
static int reuse_maps(struct watch_programs *skeleton,
                      const struct unload_fds *fds) {
  int rc = bpf_map__reuse_fd(skeleton->maps.unload_ring, fds->ring);
  if (rc == 0)
    rc = bpf_map__reuse_fd(skeleton->maps.unload_counters, fds->counters);
  return rc == 0 ? bpf_map__reuse_fd(skeleton->maps.taken, fds->taken) : rc;
}

/* REUSED: maps to go on with; NULL: none. */
static int load_and_attach(struct watch_programs *skeleton,
                           size_t ring_size_bytes,
                           const struct unload_fds *reused) {
  int rc = reused != NULL ? reuse_maps(skeleton, reused)
                          : bpf_map__set_max_entries(skeleton->maps.unload_ring,
                                                     (uint32_t)ring_size_bytes);
  if (rc == 0)
    rc = watch_programs__load(skeleton);
  if (rc == 0)
    rc = bpf_load_find_cpus(skeleton->progs.bpf_stats_cpus,
                            bpf_map__fd(skeleton->maps.anchor));
  if (rc == 0 && reused == NULL)
    rc = init_counters(bpf_map__fd(skeleton->maps.unload_counters));
  return rc == 0 ? watch_programs__attach(skeleton) : rc;
}

static int load(struct unload_maps *maps, size_t ring_size_bytes,
                const struct unload_fds *reused) {
  maps->skeleton = watch_programs__open();
  if (maps->skeleton == NULL)
    return -errno;
  int rc = load_and_attach(maps->skeleton, ring_size_bytes, reused);
  maps->ring_fd = bpf_map__fd(maps->skeleton->maps.unload_ring);
  maps->counters_fd = bpf_map__fd(maps->skeleton->maps.unload_counters);
  return rc;
}

_Static_assert(sizeof(((struct watch_programs *)NULL)->links) ==
                   (UNLOAD_LINKS_NUM + 1) * sizeof(struct bpf_link *),
               "unload_watch.bpf.c has other programs than are pinned");

/* Of one that was loaded. One program, bpf_stats_cpus, has no link. */
static struct unload_fds get_fds(const struct unload_maps *maps) {
  const struct bpf_object_skeleton *skeleton = maps->skeleton->skeleton;
  struct unload_fds fds = {
      .ring = maps->ring_fd,
      .counters = maps->counters_fd,
      .taken = bpf_map__fd(maps->skeleton->maps.taken),
  };
  int num = 0;
  for (int i = 0; i < skeleton->prog_cnt; i++)
    if (*skeleton->progs[i].link != NULL && num < UNLOAD_LINKS_NUM)
      fds.links[num++] = bpf_link__fd(*skeleton->progs[i].link);
  while (num < UNLOAD_LINKS_NUM)
    fds.links[num++] = -EINVAL;
  return fds;
}

static void destroy(struct unload_maps *maps) {
  watch_programs__destroy(maps->skeleton);
}

#else

static int load(struct unload_maps *maps, size_t ring_size_bytes,
                const struct unload_fds *reused) {
  (void)maps;
  (void)ring_size_bytes;
  (void)reused;
  return -ENOTSUP;
}

static struct unload_fds get_fds(const struct unload_maps *maps) {
  return (struct unload_fds){.ring = maps->ring_fd};
}

static void destroy(struct unload_maps *maps) { (void)maps; }

#endif

static int load_new(size_t ring_size_bytes, const struct unload_fds *reused,
                    struct unload_maps **ret_maps, char *reason,
                    size_t reason_size) {
  struct unload_maps *maps = new_maps();
  if (maps == NULL)
    return -ENOMEM;
  bpf_load_begin();
  int rc = load(maps, ring_size_bytes, reused);
  bpf_load_end(rc, "watch on unloads", "a kernel that allows fentry", reason,
               reason_size);
  if (rc == -ENOTSUP)
    snprintf(reason, reason_size, "this build has no watch on unloads");
  if (rc == 0)
    *ret_maps = maps;
  else
    unload_maps_free(maps);
  return rc;
}

int unload_maps_load(size_t ring_size_bytes, struct unload_maps **ret_maps,
                     char *reason, size_t reason_size) {
  return load_new(ring_size_bytes, NULL, ret_maps, reason, reason_size);
}

static bool is_counters(const struct bpf_map_info *info) {
  return info->type == BPF_MAP_TYPE_ARRAY && info->max_entries == 1 &&
         info->key_size == sizeof(uint32_t) &&
         info->value_size == sizeof(struct unload_counters);
}

static int get_map_info(int fd, struct bpf_map_info *ret_info) {
  *ret_info = (struct bpf_map_info){0};
  uint32_t info_len = sizeof(*ret_info);
  return bpf_obj_get_info_by_fd(fd, ret_info, &info_len);
}

/* Checks that these are a ring and our counters. */
static int check_maps(const struct unload_maps *maps) {
  struct bpf_map_info info;
  int rc = get_map_info(maps->ring_fd, &info);
  if (rc == 0 && info.type != BPF_MAP_TYPE_RINGBUF)
    rc = -EPROTO;
  if (rc == 0)
    rc = get_map_info(maps->counters_fd, &info);
  if (rc == 0 && !is_counters(&info))
    rc = -EPROTO;
  struct unload_counters counters = {0};
  uint32_t zero = 0;
  if (rc == 0)
    rc = bpf_map_lookup_elem(maps->counters_fd, &zero, &counters);
  if (rc == 0 && counters.magic != PROG_RECORD_MAGIC)
    rc = -EPROTO;
  if (rc == 0)
    rc = prog_record_check_version(counters.version);
  return rc;
}

static int open_pins(struct unload_maps *maps, const char *dir) {
  char counters_path[PATH_MAX];
  int rc = unload_pins_ring_path(maps->ring_path, dir);
  if (rc == 0)
    rc = unload_pins_counters_path(counters_path, dir);
  if (rc != 0)
    return rc;
  /* Before it is opened: should it be replaced between the two, then
   * unload_maps_check() will tell. */
  if (stat(maps->ring_path, &maps->ring_stat) != 0)
    return -errno;
  maps->ring_fd = bpf_obj_get(maps->ring_path);
  if (maps->ring_fd < 0)
    return maps->ring_fd;
  LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
  maps->counters_fd = bpf_obj_get_opts(counters_path, &opts);
  if (maps->counters_fd < 0)
    return maps->counters_fd;
  return check_maps(maps);
}

/* BUFFER: for what takes more than a constant. */
static const char *explain(int error, char *buffer, size_t buffer_size) {
  switch (error) {
  case -ENOENT:
    return "there is no such file; pin the watch with bpf_stats_pin";
  case -EPROTO:
    return "it is pinned, but is no watch of ours";
  case -ESTALE:
  case -EPROTONOSUPPORT:
    return prog_record_explain_version(error);
  default:
    refusal_explain(error, PRIVILEGE_NONE, buffer, buffer_size);
    return buffer;
  }
}

int unload_maps_open(const char *dir, struct unload_maps **ret_maps,
                     char *reason, size_t reason_size) {
  struct unload_maps *maps = new_maps();
  if (maps == NULL)
    return -ENOMEM;
  int rc = open_pins(maps, dir);
  if (rc == 0) {
    *ret_maps = maps;
    return 0;
  }
  char why[REFUSAL_TEXT_SIZE];
  snprintf(reason, reason_size, "%s: %s", maps->ring_path,
           explain(rc, why, sizeof(why)));
  unload_maps_free(maps);
  return rc;
}

void unload_maps_free(struct unload_maps *maps) {
  if (maps == NULL)
    return;
  if (maps->ring_path[0] == '\0') {
    destroy(maps);
  } else {
    if (maps->ring_fd >= 0)
      close(maps->ring_fd);
    if (maps->counters_fd >= 0)
      close(maps->counters_fd);
  }
  free(maps);
}

int unload_maps_ring_fd(const struct unload_maps *maps) {
  return maps->ring_fd;
}

int unload_maps_counters_fd(const struct unload_maps *maps) {
  return maps->counters_fd;
}

uint32_t unload_maps_ring_id(const struct unload_maps *maps) {
  struct bpf_map_info info;
  return get_map_info(maps->ring_fd, &info) == 0 ? info.id : 0;
}

int unload_maps_check(const struct unload_maps *maps) {
  if (maps->ring_path[0] == '\0')
    return 0;
  struct stat now;
  if (stat(maps->ring_path, &now) != 0 ||
      now.st_ino != maps->ring_stat.st_ino ||
      now.st_dev != maps->ring_stat.st_dev)
    return -ESTALE;
  return 0;
}

int unload_maps_pin(const struct unload_maps *maps, const char *dir, gid_t gid,
                    mode_t mode) {
  struct unload_fds fds = get_fds(maps);
  return unload_pins_put(dir, &fds, gid, mode);
}

/* Opens the map that only the programs themselves use. */
static int open_taken(const char *dir) {
  char path[PATH_MAX];
  int rc = unload_pins_taken_path(path, dir);
  return rc == 0 ? bpf_obj_get(path) : rc;
}

int unload_maps_renew(const char *dir, gid_t gid, mode_t mode, char *reason,
                      size_t reason_size) {
  struct unload_maps *pinned = NULL;
  int rc = unload_maps_open(dir, &pinned, reason, reason_size);
  if (rc != 0)
    return rc;
  struct unload_fds reused = {.ring = pinned->ring_fd,
                              .counters = pinned->counters_fd,
                              .taken = open_taken(dir)};
  struct unload_maps *maps = NULL;
  rc = reused.taken;
  if (rc >= 0)
    rc = load_new(0, &reused, &maps, reason, reason_size);
  if (rc == 0) {
    struct unload_fds fds = get_fds(maps);
    rc = unload_pins_replace_links(dir, &fds, gid, mode);
  }
  unload_maps_free(maps);
  if (reused.taken >= 0)
    close(reused.taken);
  unload_maps_free(pinned);
  return rc;
}
