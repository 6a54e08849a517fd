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
static const char taken_file[] = "unload_taken";
static const char link_file_new[] = "unload_link_new";

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

int unload_pins_taken_path(char path[PATH_MAX], const char *dir) {
  return join_path(path, dir, taken_file);
}

/* Whoever reads the ring moves its position on, and so writes. That is for the
 * owner and the group; what others can read they must not disturb. */
static mode_t ring_mode(mode_t mode) { return mode | (mode & 0440) >> 1; }

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
    rc = put(fds->taken, dir, taken_file, 0, 0600);
  if (rc == 0)
    rc = put(fds->counters, dir, counters_file, gid, mode);
  if (rc == 0)
    rc = put(fds->ring, dir, ring_file, gid, ring_mode(mode));
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

/* Puts one link in the place of another, of which the kernel lets go then. */
static int replace_link(int fd, const char *dir, int number, gid_t gid,
                        mode_t mode) {
  char path[PATH_MAX];
  char path_new[PATH_MAX];
  char file[32];
  name_link(file, number);
  if (join_path(path, dir, file) != 0 ||
      join_path(path_new, dir, link_file_new) != 0)
    return -ENAMETOOLONG;
  int rc = take_away(dir, link_file_new);
  if (rc == 0)
    rc = put(fd, dir, link_file_new, gid, mode);
  if (rc == 0 && rename(path_new, path) != 0)
    rc = -errno;
  return rc;
}

int unload_pins_replace_links(const char *dir, const struct unload_fds *fds,
                              gid_t gid, mode_t mode) {
  char path[PATH_MAX];
  int rc = unload_pins_counters_path(path, dir);
  if (rc == 0)
    rc = pin_access_give(path, gid, mode);
  if (rc == 0)
    rc = unload_pins_ring_path(path, dir);
  if (rc == 0)
    rc = pin_access_give(path, gid, ring_mode(mode));
  for (int i = 0; i < UNLOAD_LINKS_NUM && rc == 0; i++)
    rc = replace_link(fds->links[i], dir, i, gid, mode);
  return rc;
}

int unload_pins_remove(const char *dir) {
  static const char *const files[] = {ring_file, counters_file, taken_file,
                                      link_file_new};
  int rc = 0;
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && rc == 0; i++)
    rc = take_away(dir, files[i]);
  char file[32];
  for (int i = 0; i < UNLOAD_LINKS_NUM && rc == 0; i++) {
    name_link(file, i);
    rc = take_away(dir, file);
  }
  return rc;
}
