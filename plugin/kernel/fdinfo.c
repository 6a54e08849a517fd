/* SPDX-License-Identifier: MIT */
/* fdinfo: one line of the file that the kernel has for a descriptor. */
#include "fdinfo.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool fdinfo_memory(int fd, uint64_t *ret_bytes) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
  int info_fd = open(path, O_RDONLY | O_CLOEXEC);
  if (info_fd < 0)
    return false;
  char text[2048];
  ssize_t len = read(info_fd, text, sizeof(text) - 1);
  close(info_fd);
  if (len < 0)
    return false;
  text[len] = '\0';
  static const char key[] = "\nmemlock:";
  const char *line = strstr(text, key);
  if (line != NULL)
    *ret_bytes = strtoull(line + strlen(key), NULL, 10);
  return line != NULL;
}
