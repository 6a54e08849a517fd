/* SPDX-License-Identifier: MIT */
/* bpffs: a mount of ours is known again by its name in mountinfo. */
#include "bpffs.h"

#include "mounts.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static const char mount_name[] = "bpf_stats_pin";

static int explain(const char *what, int error, char *reason, size_t size) {
  snprintf(reason, size, "%s: %s", what, strerror(-error));
  return error;
}

static bool is_on_bpffs(int fd) {
  struct statfs fs;
  return fstatfs(fd, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

/* Whether others than root could put something in the place of a pin. */
static int check_owner(int fd, char *reason, size_t reason_size) {
  struct stat dir;
  if (fstat(fd, &dir) != 0)
    return explain("it cannot be looked at", -errno, reason, reason_size);
  if (dir.st_uid != 0) {
    snprintf(reason, reason_size,
             "it belongs to user %u, who could replace the pins; allowed is a "
             "directory of root",
             dir.st_uid);
    return -ENOTSUP;
  }
  if ((dir.st_mode & 0022) != 0) {
    snprintf(reason, reason_size,
             "its mode %04o lets others replace the pins; allowed is up to "
             "%04o",
             dir.st_mode & 07777, HELD_DIR_MODE);
    return -ENOTSUP;
  }
  return 0;
}

/* Whether the directory is the root of a mount of this module. */
static bool is_own_mount(const struct held_dir *dir) {
  int id = mounts_id(dir->fd);
  return id != mounts_id(dir->parent_fd) && mounts_is_bpffs_of(id, mount_name);
}

/* Unmounts what is on top there; a file that somebody still reads goes on. */
static int unmount(const struct held_dir *dir) {
  char path[sizeof(dir->path) + sizeof(dir->name)];
  snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir->parent_fd,
           dir->name);
  return umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 ? 0 : -errno;
}

static int mount_there(struct held_dir *dir, char *reason, size_t reason_size) {
  if (!held_dir_is_empty(dir)) {
    snprintf(reason, reason_size,
             "there is something in it, which a bpffs mounted there would "
             "hide");
    return -ENOTEMPTY;
  }
  char options[16];
  snprintf(options, sizeof(options), "mode=%04o", HELD_DIR_MODE);
  if (mount(mount_name, dir->path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
            options) != 0)
    return explain("a bpffs cannot be mounted there", -errno, reason,
                   reason_size);
  int rc = held_dir_reopen(dir, reason, reason_size);
  if (rc == 0 && !mounts_seen_by_init(dir->fd)) {
    snprintf(reason, reason_size,
             "the rest of the system does not see a bpffs that is mounted in "
             "this mount namespace; mount one there before, outside, or run "
             "bpf_stats_pin without PrivateTmp, ProtectSystem or what else "
             "made the namespace");
    rc = -EXDEV;
  }
  if (rc != 0)
    unmount(dir);
  return rc;
}

int bpffs_provide(const char *path, struct held_dir *ret_dir, char *reason,
                  size_t reason_size) {
  int rc = held_dir_open(path, true, ret_dir, reason, reason_size);
  if (rc != 0)
    return rc;
  rc = check_owner(ret_dir->fd, reason, reason_size);
  if (rc == 0 && !is_on_bpffs(ret_dir->fd))
    rc = mount_there(ret_dir, reason, reason_size);
  if (rc != 0 && ret_dir->is_made)
    held_dir_remove(ret_dir);
  else if (rc != 0)
    held_dir_close(ret_dir);
  return rc;
}

int bpffs_find(const char *path, struct held_dir *ret_dir, char *reason,
               size_t reason_size) {
  int rc = held_dir_open(path, false, ret_dir, reason, reason_size);
  if (rc == 0 && !is_on_bpffs(ret_dir->fd)) {
    snprintf(reason, reason_size, "it is not on a bpffs");
    held_dir_close(ret_dir);
    rc = -ENOENT;
  }
  return rc;
}

int bpffs_withdraw(struct held_dir *dir) {
  bool empty = held_dir_is_empty(dir);
  int rc = empty && is_own_mount(dir) ? unmount(dir) : 0;
  if (rc == 0 && empty)
    held_dir_remove(dir);
  else
    held_dir_close(dir);
  return rc;
}
