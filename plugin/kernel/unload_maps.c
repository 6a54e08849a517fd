/* SPDX-License-Identifier: MIT */
/* unload_maps: loads the skeleton that bpftool made of unload_watch.bpf.c, and
 * pins it. */
#include "unload_maps.h"

#include "bpf_load.h"
#include "pins.h"
#include "prog_record.h"
#include "prog_stream.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_BPF_PROGRAMS
#include "unload_watch.skel.h"
#else
struct watch_programs;
#endif

/* What is pinned, in the order in which it comes; it goes in the opposite one.
 * So where the ring is, all are. */
enum {
  LINKS_NUM = UNLOAD_PROGRAMS_NUM, /* in the order of their programs */
  TAKEN = LINKS_NUM,
  COUNTERS,
  OWNERS,
  RING,
  PINS_NUM,
  LINK_NEW = PINS_NUM, /* it is about to replace another */
};

struct unload_maps {
  struct watch_programs *skeleton; /* NULL: they were opened where they are
                                      pinned, and the descriptors are ours */
  int fds[PINS_NUM];               /* -1: not open */
  char ring_path[PATH_MAX];        /* when pinned */
  struct stat ring_stat;
};

static struct unload_maps *new_maps(void) {
  struct unload_maps *maps = calloc(1, sizeof(*maps));
  for (int i = 0; maps != NULL && i < PINS_NUM; i++)
    maps->fds[i] = -1;
  return maps;
}

static int join_path(char path[PATH_MAX], const char *dir, int pin) {
  static const char *const files[] = {
      [TAKEN] = "unload_taken",       [COUNTERS] = "unload_counters",
      [OWNERS] = "owner_ring",        [RING] = "unload_ring",
      [LINK_NEW] = "unload_link_new",
  };
  int len = pin < LINKS_NUM
                ? snprintf(path, PATH_MAX, "%s/unload_link_%d", dir, pin)
                : snprintf(path, PATH_MAX, "%s/%s", dir, files[pin]);
  return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

#ifdef HAVE_BPF_PROGRAMS

static uint32_t get_prog_id(int prog_fd) {
  struct bpf_prog_info info = {0};
  uint32_t info_len = sizeof(info);
  return bpf_obj_get_info_by_fd(prog_fd, &info, &info_len) == 0 ? info.id : 0;
}

/* Marks the counters as ours, before anything counts. */
static int init_counters(int counters_fd) {
  const union unload_shared shared = {
      .counters = {.magic = PROG_RECORD_MAGIC, .version = PROG_RECORD_VERSION}};
  uint32_t key = UNLOAD_SHARED_COUNTERS;
  return bpf_map_update_elem(counters_fd, &key, &shared, BPF_ANY);
}

/* Writes down which programs these are, for whoever reads what they count. */
static int name_programs(const struct watch_programs *skeleton) {
  const struct bpf_object_skeleton *all = skeleton->skeleton;
  union unload_shared shared = {0};
  uint32_t key = UNLOAD_SHARED_PROGRAMS;
  int num = 0;
  for (int i = 0; i < all->prog_cnt && num < UNLOAD_PROGRAMS_NUM; i++)
    if (all->progs[i].link != NULL && *all->progs[i].link != NULL)
      shared.prog_ids[num++] =
          get_prog_id(bpf_program__fd(*all->progs[i].prog));
  return bpf_map_update_elem(bpf_map__fd(skeleton->maps.unload_counters), &key,
                             &shared, BPF_ANY);
}

/* Has the programs use the maps that are pinned instead of maps of their own.
 */
static int reuse_maps(struct watch_programs *skeleton,
                      const struct unload_maps *pinned) {
  int rc = bpf_map__reuse_fd(skeleton->maps.unload_ring, pinned->fds[RING]);
  if (rc == 0)
    rc = bpf_map__reuse_fd(skeleton->maps.unload_counters,
                           pinned->fds[COUNTERS]);
  if (rc == 0)
    rc = bpf_map__reuse_fd(skeleton->maps.owner_ring, pinned->fds[OWNERS]);
  return rc == 0 ? bpf_map__reuse_fd(skeleton->maps.taken, pinned->fds[TAKEN])
                 : rc;
}

static int load_and_attach(struct watch_programs *skeleton,
                           size_t ring_size_bytes, bool owners,
                           const struct unload_maps *pinned) {
  skeleton->rodata->wants_owners = owners;
  bpf_map__set_autocreate(skeleton->maps.owner_ring, owners);
  int rc = pinned != NULL ? reuse_maps(skeleton, pinned)
                          : bpf_map__set_max_entries(skeleton->maps.unload_ring,
                                                     (uint32_t)ring_size_bytes);
  if (rc == 0)
    rc = watch_programs__load(skeleton);
  if (rc == 0)
    rc = bpf_load_find_cpus(skeleton->progs.bpf_stats_cpus,
                            bpf_map__fd(skeleton->maps.anchor));
  if (rc == 0 && pinned == NULL)
    rc = init_counters(bpf_map__fd(skeleton->maps.unload_counters));
  if (rc == 0)
    rc = watch_programs__attach(skeleton);
  return rc == 0 ? name_programs(skeleton) : rc;
}

_Static_assert(sizeof(((struct watch_programs *)NULL)->links) ==
                   (LINKS_NUM + 1) * sizeof(struct bpf_link *),
               "unload_watch.bpf.c has other programs than are pinned");

/* One program, bpf_stats_cpus, has no link. */
static void set_fds(struct unload_maps *maps) {
  const struct bpf_object_skeleton *skeleton = maps->skeleton->skeleton;
  int num = 0;
  for (int i = 0; i < skeleton->prog_cnt; i++)
    if (*skeleton->progs[i].link != NULL && num < LINKS_NUM)
      maps->fds[num++] = bpf_link__fd(*skeleton->progs[i].link);
  maps->fds[TAKEN] = bpf_map__fd(maps->skeleton->maps.taken);
  maps->fds[COUNTERS] = bpf_map__fd(maps->skeleton->maps.unload_counters);
  maps->fds[RING] = bpf_map__fd(maps->skeleton->maps.unload_ring);
  maps->fds[OWNERS] = maps->skeleton->rodata->wants_owners
                          ? bpf_map__fd(maps->skeleton->maps.owner_ring)
                          : -1;
}

/* PINNED: maps to go on with; NULL: none. */
static int load(size_t ring_size_bytes, bool owners,
                const struct unload_maps *pinned, struct unload_maps **ret_maps,
                char *reason, size_t reason_size) {
  struct unload_maps *maps = new_maps();
  if (maps == NULL)
    return -ENOMEM;
  bpf_load_begin();
  maps->skeleton = watch_programs__open();
  int rc =
      maps->skeleton == NULL
          ? -errno
          : load_and_attach(maps->skeleton, ring_size_bytes, owners, pinned);
  bpf_load_end(rc, "watch on unloads", "a kernel that allows fentry", reason,
               reason_size);
  if (rc != 0) {
    unload_maps_free(maps);
    return rc;
  }
  set_fds(maps);
  *ret_maps = maps;
  return 0;
}

static void destroy(struct unload_maps *maps) {
  watch_programs__destroy(maps->skeleton);
}

/* Whoever reads the ring moves its position on, and so writes. That is for the
 * owner and the group; what others can read they must not disturb. The owner
 * alone writes down beside the counters whose they are. */
static int give(const char *path, int pin, gid_t gid, mode_t mode) {
  if (pin == TAKEN) /* the programs alone use it */
    return pins_give(path, 0, 0600);
  if (pin == COUNTERS)
    return pins_give(path, gid, mode | 0200);
  const bool is_ring = pin == RING || pin == OWNERS;
  return pins_give(path, gid, is_ring ? mode | (mode & 0440) >> 1 : mode);
}

static int put(int fd, const char *dir, int pin, gid_t gid, mode_t mode) {
  char path[PATH_MAX];
  int rc = join_path(path, dir, pin);
  if (rc == 0)
    rc = bpf_obj_pin(fd, path);
  return rc == 0 ? give(path, pin, gid, mode) : rc;
}

static int take_away(const char *dir, int pin) {
  char path[PATH_MAX];
  int rc = join_path(path, dir, pin);
  return rc == 0 && unlink(path) != 0 && errno != ENOENT ? -errno : rc;
}

int unload_maps_unpin(const char *dir) {
  int rc = 0;
  for (int pin = LINK_NEW; pin >= 0 && rc == 0; pin--)
    rc = take_away(dir, pin);
  return rc;
}

/* Puts one link in the place of another, of which the kernel lets go then. */
static int replace_link(int fd, const char *dir, int pin, gid_t gid,
                        mode_t mode) {
  char path[PATH_MAX];
  char path_new[PATH_MAX];
  if (join_path(path, dir, pin) != 0 || join_path(path_new, dir, LINK_NEW) != 0)
    return -ENAMETOOLONG;
  int rc = take_away(dir, LINK_NEW);
  if (rc == 0)
    rc = put(fd, dir, LINK_NEW, gid, mode);
  return rc == 0 && rename(path_new, path) != 0 ? -errno : rc;
}

/* Opens what readers do not open, or do not write. */
static int open_to_write(struct unload_maps *maps, const char *dir, int pin) {
  char path[PATH_MAX];
  int rc = join_path(path, dir, pin);
  if (rc != 0)
    return rc;
  if (maps->fds[pin] >= 0)
    close(maps->fds[pin]);
  maps->fds[pin] = bpf_obj_get(path);
  return maps->fds[pin] < 0 ? maps->fds[pin] : 0;
}

/* Loads the programs once more, to go on with the maps that are pinned, and
 * puts their links in the place of those that are there, one after the other:
 * no unload is missed, and none told twice. */
static int renew(const char *dir, gid_t gid, mode_t mode) {
  char reason[300];
  struct unload_maps *pinned = NULL;
  struct unload_maps *maps = NULL;
  int rc = unload_maps_open(dir, true, &pinned, reason, sizeof(reason));
  if (rc == 0)
    rc = open_to_write(pinned, dir, TAKEN);
  if (rc == 0)
    rc = open_to_write(pinned, dir, COUNTERS);
  if (rc == 0)
    rc = load(0, true, pinned, &maps, reason, sizeof(reason));
  for (int pin = COUNTERS; pin <= RING && rc == 0; pin++) {
    char path[PATH_MAX];
    rc = join_path(path, dir, pin);
    if (rc == 0)
      rc = give(path, pin, gid, mode);
  }
  for (int pin = 0; pin < LINKS_NUM && rc == 0; pin++)
    rc = replace_link(maps->fds[pin], dir, pin, gid, mode);
  unload_maps_free(maps);
  unload_maps_free(pinned);
  return rc;
}

int unload_maps_pin(const char *dir, size_t ring_size_bytes, gid_t gid,
                    mode_t mode) {
  if (renew(dir, gid, mode) == 0)
    return 0;
  char reason[300];
  struct unload_maps *maps = NULL;
  /* First of all, so that no unload is told by both. */
  int rc = unload_maps_unpin(dir);
  if (rc == 0)
    rc = load(ring_size_bytes, true, NULL, &maps, reason, sizeof(reason));
  for (int pin = 0; pin < PINS_NUM && rc == 0; pin++)
    rc = put(maps->fds[pin], dir, pin, gid, mode);
  if (rc != 0)
    unload_maps_unpin(dir);
  unload_maps_free(maps);
  return rc;
}

#else

static int load(size_t ring_size_bytes, bool owners,
                const struct unload_maps *pinned, struct unload_maps **ret_maps,
                char *reason, size_t reason_size) {
  (void)ring_size_bytes;
  (void)owners;
  (void)pinned;
  (void)ret_maps;
  snprintf(reason, reason_size, "this build has no watch on unloads");
  return -ENOTSUP;
}

static void destroy(struct unload_maps *maps) { (void)maps; }

#endif

int unload_maps_load(size_t ring_size_bytes, bool owners,
                     struct unload_maps **ret_maps, char *reason,
                     size_t reason_size) {
  return load(ring_size_bytes, owners, NULL, ret_maps, reason, reason_size);
}

static bool is_counters(const struct bpf_map_info *info) {
  return info->type == BPF_MAP_TYPE_ARRAY &&
         info->max_entries == UNLOAD_SHARED_NUM &&
         info->key_size == sizeof(uint32_t) &&
         info->value_size == sizeof(union unload_shared);
}

static int get_map_info(int fd, struct bpf_map_info *ret_info) {
  *ret_info = (struct bpf_map_info){0};
  uint32_t info_len = sizeof(*ret_info);
  return bpf_obj_get_info_by_fd(fd, ret_info, &info_len);
}

/* Checks that these are a ring and our counters. */
static int check_maps(const struct unload_maps *maps) {
  struct bpf_map_info info;
  int rc = get_map_info(maps->fds[RING], &info);
  if (rc == 0 && info.type != BPF_MAP_TYPE_RINGBUF)
    rc = -EPROTO;
  if (rc == 0 && maps->fds[OWNERS] >= 0)
    rc = get_map_info(maps->fds[OWNERS], &info);
  if (rc == 0 && info.type != BPF_MAP_TYPE_RINGBUF)
    rc = -EPROTO;
  if (rc == 0)
    rc = get_map_info(maps->fds[COUNTERS], &info);
  if (rc == 0 && !is_counters(&info))
    rc = -EPROTO;
  union unload_shared shared = {0};
  uint32_t key = UNLOAD_SHARED_COUNTERS;
  if (rc == 0)
    rc = bpf_map_lookup_elem(maps->fds[COUNTERS], &key, &shared);
  if (rc == 0 && shared.counters.magic != PROG_RECORD_MAGIC)
    rc = -EPROTO;
  return rc == 0 ? prog_record_check_version(shared.counters.version) : rc;
}

static int open_pins(struct unload_maps *maps, const char *dir, bool owners) {
  char counters_path[PATH_MAX];
  char owners_path[PATH_MAX];
  int rc = join_path(maps->ring_path, dir, RING);
  if (rc == 0)
    rc = join_path(counters_path, dir, COUNTERS);
  if (rc == 0)
    rc = join_path(owners_path, dir, OWNERS);
  if (rc != 0)
    return rc;
  /* Before it is opened: should it be replaced between the two, then
   * unload_maps_check() will tell. */
  if (stat(maps->ring_path, &maps->ring_stat) != 0)
    return -errno;
  maps->fds[RING] = bpf_obj_get(maps->ring_path);
  if (maps->fds[RING] < 0)
    return maps->fds[RING];
  if (owners)
    maps->fds[OWNERS] = bpf_obj_get(owners_path);
  if (owners && maps->fds[OWNERS] < 0)
    return maps->fds[OWNERS];
  LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
  maps->fds[COUNTERS] = bpf_obj_get_opts(counters_path, &opts);
  return maps->fds[COUNTERS] < 0 ? maps->fds[COUNTERS] : check_maps(maps);
}

int unload_maps_open(const char *dir, bool owners,
                     struct unload_maps **ret_maps, char *reason,
                     size_t reason_size) {
  struct unload_maps *maps = new_maps();
  if (maps == NULL)
    return -ENOMEM;
  int rc = open_pins(maps, dir, owners);
  if (rc == 0) {
    *ret_maps = maps;
    return 0;
  }
  char why[PINS_TEXT_SIZE];
  pins_explain(rc, "watch", why);
  snprintf(reason, reason_size, "%s: %s", maps->ring_path, why);
  unload_maps_free(maps);
  return rc;
}

void unload_maps_free(struct unload_maps *maps) {
  if (maps == NULL)
    return;
  if (maps->skeleton != NULL)
    destroy(maps);
  for (int i = 0; maps->skeleton == NULL && i < PINS_NUM; i++)
    if (maps->fds[i] >= 0)
      close(maps->fds[i]);
  free(maps);
}

int unload_maps_ring_fd(const struct unload_maps *maps) {
  return maps->fds[RING];
}

int unload_maps_owners_fd(const struct unload_maps *maps) {
  return maps->fds[OWNERS];
}

int unload_maps_counters_fd(const struct unload_maps *maps) {
  return maps->fds[COUNTERS];
}

uint32_t unload_maps_ring_id(const struct unload_maps *maps) {
  struct bpf_map_info info;
  return get_map_info(maps->fds[RING], &info) == 0 ? info.id : 0;
}

int unload_maps_check(const struct unload_maps *maps) {
  struct stat now;
  const bool is_pinned = maps->skeleton == NULL;
  return is_pinned && (stat(maps->ring_path, &now) != 0 ||
                       now.st_ino != maps->ring_stat.st_ino ||
                       now.st_dev != maps->ring_stat.st_dev)
             ? -ESTALE
             : 0;
}
