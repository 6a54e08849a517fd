/* SPDX-License-Identifier: MIT */
/* pins: gives them to their readers, and explains them. */
#include "pins.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

int pins_give(const char *path, gid_t gid, mode_t mode) {
  /* It is opened once, so that both changes are made to the same file. */
  int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  /* By a descriptor of O_PATH only the owner of a file can be changed. */
  char fd_path[32];
  snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
  struct stat file;
  int rc = fstat(fd, &file) == 0 ? 0 : -errno;
  if (rc == 0 && !S_ISREG(file.st_mode))
    rc = -ELOOP;
  if (rc == 0 && (fchownat(fd, "", 0, gid, AT_EMPTY_PATH) != 0 ||
                  chmod(fd_path, mode) != 0))
    rc = -errno;
  close(fd);
  return rc;
}

char *pins_dir_of(const char *pin) {
  return strndup(pin, (size_t)(strrchr(pin, '/') - pin));
}

static int join(char path[PATH_MAX], const char *dir, const char *file) {
  return snprintf(path, PATH_MAX, "%s/%s", dir, file) < PATH_MAX
             ? 0
             : -ENAMETOOLONG;
}

/* The name that a file has until all is right. */
static int join_new(char path[PATH_MAX], const char *dir, const char *file) {
  return snprintf(path, PATH_MAX, "%s/%s_new", dir, file) < PATH_MAX
             ? 0
             : -ENAMETOOLONG;
}

static int take_away(const char *path) {
  return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

int pins_replace(int fd, const char *dir, const char *file, gid_t gid,
                 mode_t mode) {
  char path[PATH_MAX];
  char path_new[PATH_MAX];
  if (join(path, dir, file) != 0 || join_new(path_new, dir, file) != 0)
    return -ENAMETOOLONG;
  int rc = take_away(path_new);
  if (rc == 0)
    rc = bpf_obj_pin(fd, path_new);
  if (rc == 0)
    rc = pins_give(path_new, gid, mode);
  return rc == 0 && rename(path_new, path) != 0 ? -errno : rc;
}

int pins_remove(const char *dir, const char *file) {
  char path[PATH_MAX];
  char path_new[PATH_MAX];
  if (join(path, dir, file) != 0 || join_new(path_new, dir, file) != 0)
    return -ENAMETOOLONG;
  int rc = take_away(path_new);
  return rc == 0 ? take_away(path) : rc;
}

int pins_open(const char *path) {
  /* O_NONBLOCK: not to hang if it is a fifo. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0)
    return -errno;
  struct statfs fs;
  struct stat file;
  if (fstatfs(fd, &fs) != 0 || fstat(fd, &file) != 0 ||
      fs.f_type != BPF_FS_MAGIC || !S_ISREG(file.st_mode)) {
    close(fd);
    return -EMEDIUMTYPE;
  }
  return fd;
}

int pins_open_in(const char *dir, const char *file) {
  char path[PATH_MAX];
  int rc = join(path, dir, file);
  return rc != 0 ? rc : pins_open(path);
}

void pins_explain(int error, const char *what, char text[PINS_TEXT_SIZE]) {
  switch (error) {
  case -ENOENT:
    snprintf(text, PINS_TEXT_SIZE,
             "there is no such file; pin the %s with bpf_stats_pin", what);
    break;
  case -EMEDIUMTYPE:
    snprintf(text, PINS_TEXT_SIZE,
             "it is no file on a bpffs, so it cannot be a pinned %s", what);
    break;
  case -EPROTO:
    snprintf(text, PINS_TEXT_SIZE, "it is pinned, but is no %s of ours", what);
    break;
  case -ESTALE:
    snprintf(text, PINS_TEXT_SIZE,
             "it was pinned by an older bpf_stats; run bpf_stats_pin again, "
             "as with systemctl restart bpf_stats_pin");
    break;
  case -EPROTONOSUPPORT:
    snprintf(text, PINS_TEXT_SIZE,
             "it was pinned by a newer bpf_stats than the one in this "
             "process; restart collectd");
    break;
  case -EBADMSG:
  case -ENODATA:
    snprintf(text, PINS_TEXT_SIZE, "its stream of records is damaged");
    break;
  default:
    refusal_explain(error, PRIVILEGE_NONE, text, PINS_TEXT_SIZE);
  }
}
