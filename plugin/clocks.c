/* SPDX-License-Identifier: MIT */
/* clocks: the kernel's own CLOCK_BOOTTIME, also in a time namespace. */
#include "clocks.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How far this namespace is ahead. A kernel without time namespaces has no such
 * file, and no offset. */
static int64_t read_offset_ns(void) {
  static const char key[] = "boottime";
  char text[256];
  int fd = open("/proc/self/timens_offsets", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  ssize_t len = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[len > 0 ? len : 0] = '\0';
  char *word = strstr(text, key);
  if (word == NULL)
    return 0;
  word += sizeof(key) - 1;
  int64_t seconds = strtoll(word, &word, 10);
  return seconds * 1000000000 + strtoll(word, NULL, 10);
}

uint64_t boottime_ns(void) {
  static bool is_known;
  static int64_t offset_ns;
  if (!is_known)
    offset_ns = read_offset_ns();
  is_known = true;
  return clock_ns(CLOCK_BOOTTIME) - (uint64_t)offset_ns;
}
