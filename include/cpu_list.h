/* SPDX-License-Identifier: MIT */
/* cpu_list: CPUs as files of the kernel list them, such as "2-5,8". */
#ifndef BPF_STATS_CPU_LIST_H
#define BPF_STATS_CPU_LIST_H

#include <stdbool.h>
#include <stdlib.h>

/* What is no list has no CPU. */
static inline bool cpu_list_has(const char *list, long cpu) {
  for (;;) {
    char *end;
    const long first = strtol(list, &end, 10);
    if (end == list)
      return false;
    const long last = *end == '-' ? strtol(end + 1, &end, 10) : first;
    if (first <= cpu && cpu <= last)
      return true;
    if (*end != ',')
      return false;
    list = end + 1;
  }
}

#endif
