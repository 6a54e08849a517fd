/* SPDX-License-Identifier: MIT */
/* bpffs: mounts are known again by their name in /proc/mounts. */
#include "bpffs.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* What /proc/mounts shows for a bpffs of this module. */
static const char mount_name[] = "bpf_stats";

static bool is_bpffs(const char *dir) {
  struct statfs fs;
  return statfs(dir, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

int bpffs_provide(const char *dir, const char **ret_step) {
  *ret_step = "cannot make";
  if (mkdir(dir, 0755) != 0 && errno != EEXIST)
    return -errno;
  if (is_bpffs(dir))
    return 0;
  *ret_step = "cannot mount a bpffs at";
  if (mount(mount_name, dir, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
            "mode=0755") != 0)
    return -errno;
  return 0;
}

/* Whether the bpffs at DIR was mounted by this module. */
static bool is_our_mount(const char *dir) {
  FILE *mounts = setmntent("/proc/self/mounts", "r");
  if (mounts == NULL)
    return false;
  bool ours = false; /* as the last mount there says, which is on top */
  const struct mntent *mount;
  while ((mount = getmntent(mounts)) != NULL)
    if (strcmp(mount->mnt_dir, dir) == 0)
      ours = strcmp(mount->mnt_fsname, mount_name) == 0;
  endmntent(mounts);
  return ours;
}

/* Whether there is nothing but what the kernel puts into each bpffs. */
static bool is_empty(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL)
    return false;
  const struct dirent *entry;
  bool empty = true;
  /* cppcheck-suppress readdirCalled ; nobody else reads DIR */
  while ((entry = readdir(dir)) != NULL)
    if (entry->d_name[0] != '.' && strcmp(entry->d_name, "maps.debug") != 0 &&
        strcmp(entry->d_name, "progs.debug") != 0)
      empty = false;
  closedir(dir);
  return empty;
}

int bpffs_withdraw(const char *dir) {
  if (!is_our_mount(dir) || !is_empty(dir))
    return 0;
  if (umount2(dir, UMOUNT_NOFOLLOW) != 0)
    return -errno;
  rmdir(dir); /* it may be somebody else's, with something in it */
  return 0;
}
