/* SPDX-License-Identifier: MIT */
/* pin_access: opens the file, so that both changes are made to the same one. */
#include "pin_access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int pin_access_give(const char *path, gid_t gid, mode_t mode) {
  int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  /* Of what O_PATH opens, just its owner can be changed by the descriptor. */
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
