/* SPDX-License-Identifier: MIT */
/* mounts: from mountinfo, see proc_pid_mountinfo(5). */
#include "mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int mounts_id(int fd) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
  FILE *info = fopen(path, "re");
  if (info == NULL)
    return -errno;
  static const char key[] = "mnt_id:";
  int id = -ENOENT;
  char line[256];
  while (id < 0 && fgets(line, sizeof(line), info) != NULL)
    if (strncmp(line, key, sizeof(key) - 1) == 0)
      id = (int)strtol(line + sizeof(key) - 1, NULL, 10);
  (void)fclose(info);
  return id;
}

/* A line of mountinfo: "ID PARENT MAJOR:MINOR ROOT PATH OPTIONS [FIELDS...] -
 * TYPE NAME ...", where blanks in any of these are written as \040. */
struct mount {
  int id;
  dev_t device;
  char *line; /* whole */
};

static void parse(struct mount *mount) {
  char *next = NULL;
  mount->id = (int)strtol(mount->line, &next, 10);
  (void)strtol(next, &next, 10);
  unsigned major = (unsigned)strtoul(next, &next, 10);
  unsigned minor = *next == ':' ? (unsigned)strtoul(next + 1, NULL, 10) : 0;
  mount->device = makedev(major, minor);
}

/* Whether there is a mount in the table that is like WANTED. */
static bool find(const char *table,
                 bool (*is_like)(const struct mount *mount,
                                 const struct mount *wanted),
                 const struct mount *wanted) {
  FILE *mounts = fopen(table, "re");
  if (mounts == NULL)
    return false;
  struct mount mount = {0};
  size_t size = 0;
  bool found = false;
  while (!found && getline(&mount.line, &size, mounts) > 0) {
    parse(&mount);
    found = is_like(&mount, wanted);
  }
  free(mount.line);
  (void)fclose(mounts);
  return found;
}

static bool has_id_and_text(const struct mount *mount,
                            const struct mount *wanted) {
  return mount->id == wanted->id && strstr(mount->line, wanted->line) != NULL;
}

static bool has_device(const struct mount *mount, const struct mount *wanted) {
  return mount->device == wanted->device;
}

bool mounts_is_bpffs_of(int id, const char *name) {
  char text[64];
  snprintf(text, sizeof(text), " - bpf %s ", name);
  const struct mount wanted = {.id = id, .line = text};
  return find("/proc/self/mountinfo", has_id_and_text, &wanted);
}

bool mounts_seen_by_init(int fd) {
  struct stat file;
  if (fstat(fd, &file) != 0)
    return false;
  const struct mount wanted = {.device = file.st_dev};
  return find("/proc/1/mountinfo", has_device, &wanted);
}
