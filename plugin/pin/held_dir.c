/* SPDX-License-Identifier: MIT */
/* held_dir: the lock is flock(2), on the directory itself. */
#include "held_dir.h"

#include "clocks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Another run needs milliseconds. Everybody who can read a directory can lock
 * it, and must not be able to keep us from our work for ever. */
static const uint64_t lock_wait_ns = 5ULL * 1000 * 1000 * 1000;

static int explain(const char *what, int error, char *reason, size_t size) {
  snprintf(reason, size, "%s: %s", what, strerror(-error));
  return error;
}

/* Splits PATH at its last name, "." for the root, and finds out where the rest
 * is; then symlinks matter no more. */
static int open_parent(const char *path, struct held_dir *dir) {
  char *full = realpath(path, NULL);
  if (full == NULL && errno == ENOENT) /* it is yet to be made */
    full = strdup(path);
  if (full == NULL)
    return -errno;
  size_t len = strlen(full);
  while (len > 1 && full[len - 1] == '/')
    full[--len] = '\0';
  char *slash = strrchr(full, '/');
  const char *name = slash[1] != '\0' ? slash + 1 : ".";
  int rc = strlen(name) < sizeof(dir->name) ? 0 : -ENAMETOOLONG;
  if (rc == 0) {
    snprintf(dir->name, sizeof(dir->name), "%s", name);
    slash[slash == full] = '\0';
    dir->parent_fd = open(full, O_PATH | O_DIRECTORY | O_CLOEXEC);
    rc = dir->parent_fd >= 0 ? 0 : -errno;
  }
  free(full);
  return rc;
}

static int open_dir(const struct held_dir *dir) {
  int fd = openat(dir->parent_fd, dir->name,
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  /* cppcheck-suppress resourceLeak ; the caller's */
  return fd >= 0 ? fd : -errno;
}

static int make_dir(struct held_dir *dir) {
  mode_t umask_before = umask(0777 & ~HELD_DIR_MODE);
  int rc = 0;
  if (mkdirat(dir->parent_fd, dir->name, HELD_DIR_MODE) == 0)
    dir->is_made = true;
  else if (errno != EEXIST)
    rc = -errno;
  umask(umask_before);
  return rc;
}

static bool lock(int fd) {
  uint64_t end_ns = monotonic_ns() + lock_wait_ns;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (monotonic_ns() > end_ns)
      return false;
    usleep(10000);
  }
  return true;
}

/* Whether the name still leads to what is open: another run may have mounted
 * something there, or removed it. */
static bool is_current(const struct held_dir *dir) {
  struct stat opened;
  struct stat named;
  return fstat(dir->fd, &opened) == 0 &&
         fstatat(dir->parent_fd, dir->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static int open_or_make(struct held_dir *dir, bool make, char *reason,
                        size_t reason_size) {
  int fd = open_dir(dir);
  while (fd == -ENOENT && make) { /* again if another run removes it */
    int rc = make_dir(dir);
    if (rc != 0)
      return explain("it cannot be made", rc, reason, reason_size);
    fd = open_dir(dir);
  }
  return fd >= 0 ? fd : explain("it cannot be opened", fd, reason, reason_size);
}

static int open_locked(struct held_dir *dir, bool make, char *reason,
                       size_t reason_size) {
  do {
    if (dir->fd >= 0)
      close(dir->fd);
    dir->fd = open_or_make(dir, make, reason, reason_size);
    if (dir->fd < 0)
      return dir->fd;
    dir->is_locked = lock(dir->fd);
  } while (!is_current(dir));
  snprintf(dir->path, sizeof(dir->path), "/proc/self/fd/%d", dir->fd);
  return 0;
}

int held_dir_open(const char *path, bool make, struct held_dir *ret_dir,
                  char *reason, size_t reason_size) {
  *ret_dir = (struct held_dir){.fd = -1, .parent_fd = -1};
  int rc = open_parent(path, ret_dir);
  if (rc != 0)
    return explain("it cannot be opened", rc, reason, reason_size);
  rc = open_locked(ret_dir, make, reason, reason_size);
  if (rc != 0)
    held_dir_close(ret_dir);
  return rc;
}

int held_dir_reopen(struct held_dir *dir, char *reason, size_t reason_size) {
  return open_locked(dir, false, reason, reason_size);
}

static bool is_put_by_kernel(const char *name) {
  static const char *const names[] = {".", "..", "maps.debug", "progs.debug"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (strcmp(name, names[i]) == 0)
      return true;
  return false;
}

bool held_dir_is_empty(const struct held_dir *dir) {
  int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
  if (stream == NULL) {
    if (fd >= 0)
      close(fd);
    return false;
  }
  const struct dirent *entry;
  bool empty = true;
  /* cppcheck-suppress readdirCalled ; nobody else reads STREAM */
  while (empty && (entry = readdir(stream)) != NULL)
    empty = is_put_by_kernel(entry->d_name);
  closedir(stream);
  return empty;
}

bool held_dir_admits(const struct held_dir *dir, gid_t gid, char *place,
                     size_t place_size) {
  struct stat below = {0};
  struct stat here;
  int fd = openat(dir->fd, ".", O_PATH | O_CLOEXEC);
  bool admits = true;
  while (admits && fd >= 0 && fstat(fd, &here) == 0 &&
         (here.st_dev != below.st_dev || here.st_ino != below.st_ino)) {
    admits = (here.st_mode & 0001) != 0 ||
             (here.st_gid == gid && (here.st_mode & 0010) != 0);
    if (!admits) {
      char link[32];
      snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
      ssize_t len = readlink(link, place, place_size - 1);
      place[len > 0 ? len : 0] = '\0';
    }
    below = here;
    int above = openat(fd, "..", O_PATH | O_CLOEXEC);
    close(fd);
    fd = above;
  }
  if (fd >= 0)
    close(fd);
  return admits;
}

void held_dir_remove(struct held_dir *dir) {
  close(dir->fd);
  dir->fd = open_dir(dir);
  struct stat made;
  if (dir->fd >= 0 && fstat(dir->fd, &made) == 0 && made.st_uid == 0 &&
      (made.st_mode & 0777) == HELD_DIR_MODE &&
      flock(dir->fd, LOCK_EX | LOCK_NB) == 0)
    unlinkat(dir->parent_fd, dir->name, AT_REMOVEDIR);
  held_dir_close(dir);
}

void held_dir_close(struct held_dir *dir) {
  if (dir->fd >= 0)
    close(dir->fd);
  if (dir->parent_fd >= 0)
    close(dir->parent_fd);
  *dir = (struct held_dir){.fd = -1, .parent_fd = -1};
}
