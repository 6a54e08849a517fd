/* SPDX-License-Identifier: MIT */
/* unload_pins: puts the pins of the watch on unloads, and takes them away. */
#include "unload_pins.h"

#include "pin_access.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const char ring_file[] = "unload_ring";
static const char counters_file[] = "unload_counters";
static int join_path(char path[PATH_MAX], const char *dir, const char *file) {
  int len = snprintf(path, PATH_MAX, "%s/%s", dir, file);
  return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static void name_link(char file[32], int number) {
  snprintf(file, 32, "unload_link_%d", number);
}

int unload_pins_ring_path(char path[PATH_MAX], const char *dir) {
  return join_path(path, dir, ring_file);
}

int unload_pins_counters_path(char path[PATH_MAX], const char *dir) {
  return join_path(path, dir, counters_file);
}

static int put(int fd, const char *dir, const char *file, gid_t gid,
               mode_t mode) {
  char path[PATH_MAX];
  int rc = join_path(path, dir, file);
  if (rc == 0)
    rc = bpf_obj_pin(fd, path);
  return rc == 0 ? pin_access_give(path, gid, mode) : rc;
}

int unload_pins_put(const char *dir, const struct unload_fds *fds, gid_t gid,
                    mode_t mode) {
  int rc = unload_pins_remove(dir);
  char file[32];
  for (int i = 0; i < UNLOAD_LINKS_NUM && rc == 0; i++) {
    name_link(file, i);
    rc = put(fds->links[i], dir, file, gid, mode);
  }
  if (rc == 0)
    rc = put(fds->counters, dir, counters_file, gid, mode);
  /* Whoever reads the ring moves its position on, and so writes. */
  if (rc == 0)
    rc = put(fds->ring, dir, ring_file, gid, mode | (mode & 0444) >> 1);
  if (rc != 0)
    unload_pins_remove(dir);
  return rc;
}

static int take_away(const char *dir, const char *file) {
  char path[PATH_MAX];
  int rc = join_path(path, dir, file);
  if (rc == 0 && unlink(path) != 0 && errno != ENOENT)
    rc = -errno;
  return rc;
}

int unload_pins_remove(const char *dir) {
  int rc = take_away(dir, ring_file);
  if (rc == 0)
    rc = take_away(dir, counters_file);
  char file[32];
  for (int i = 0; i < UNLOAD_LINKS_NUM && rc == 0; i++) {
    name_link(file, i);
    rc = take_away(dir, file);
  }
  return rc;
}
