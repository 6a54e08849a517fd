/* SPDX-License-Identifier: MIT */
/* mounts: from mountinfo, see proc_pid_mountinfo(5). */
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int mounts_id(int fd) {
  struct statx file;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &file) != 0)
    return -errno;
  return (int)file.stx_mnt_id;
}

/* Whether a line of the table, "ID PARENT MAJOR:MINOR ROOT PATH OPTIONS
 * [FIELDS...] - TYPE NAME ...", begins with that id, unless it is 0, and has
 * the text in it. Blanks in any of its fields are written as \040. */
static bool find(const char *table, int id, const char *text) {
  FILE *mounts = fopen(table, "re");
  if (mounts == NULL)
    return false;
  char *line = NULL;
  size_t size = 0;
  bool found = false;
  while (!found && getline(&line, &size, mounts) > 0)
    found =
        (id == 0 || strtol(line, NULL, 10) == id) && strstr(line, text) != NULL;
  free(line);
  (void)fclose(mounts);
  return found;
}

bool mounts_is_bpffs_of(int id, const char *name) {
  char text[64];
  snprintf(text, sizeof(text), " - bpf %s ", name);
  return id > 0 && find("/proc/self/mountinfo", id, text);
}

bool mounts_seen_by_init(int fd) {
  struct stat file;
  if (fstat(fd, &file) != 0)
    return false;
  char device[32];
  snprintf(device, sizeof(device), " %u:%u ", major(file.st_dev),
           minor(file.st_dev));
  return find("/proc/1/mountinfo", 0, device);
}
