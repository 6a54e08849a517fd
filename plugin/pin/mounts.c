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
 * [FIELDS...] - TYPE NAME ...", begins with that id, unless it is 0; is of that
 * device, unless it is 0; and has the text in it. Blanks in any of its fields
 * are written as \040. */
static bool find(const char *table, int id, dev_t device, const char *text) {
  FILE *mounts = fopen(table, "re");
  if (mounts == NULL)
    return false;
  char *line = NULL;
  size_t size = 0;
  bool found = false;
  while (!found && getline(&line, &size, mounts) > 0) {
    int line_id = 0;
    unsigned major = 0;
    unsigned minor = 0;
    found = sscanf(line, "%d %*d %u:%u", &line_id, &major, &minor) == 3 &&
            (id == 0 || line_id == id) &&
            (device == 0 || makedev(major, minor) == device) &&
            strstr(line, text) != NULL;
  }
  free(line);
  (void)fclose(mounts);
  return found;
}

bool mounts_is_bpffs_of(int id, const char *name) {
  char text[64];
  snprintf(text, sizeof(text), " - bpf %s ", name);
  return id > 0 && find("/proc/self/mountinfo", id, 0, text);
}

bool mounts_seen_by_init(int fd) {
  struct stat file;
  return fstat(fd, &file) == 0 && find("/proc/1/mountinfo", 0, file.st_dev, "");
}
