/* SPDX-License-Identifier: MIT */
/* open_fds: how many file descriptors this process has open, to find leaks. */
#ifndef BPF_STATS_TESTS_OPEN_FDS_H
#define BPF_STATS_TESTS_OPEN_FDS_H

#include <dirent.h>
#include <stddef.h>

static inline int count_open_fds(void) {
  DIR *dir = opendir("/proc/self/fd");
  int num = 0;
  while (readdir(dir) != NULL)
    num++;
  closedir(dir);
  return num;
}

#endif
