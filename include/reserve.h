/* SPDX-License-Identifier: MIT */
/* reserve: room in a list that grows and never shrinks, so that nothing is
 * allocated in steady state. */
#ifndef BPF_STATS_RESERVE_H
#define BPF_STATS_RESERVE_H

#include <stddef.h>
#include <stdlib.h>

/* Makes room for NUM items of SIZE bytes, at least one, where there is room for
 * *CAPACITY. Returns the items, owned by the caller; or NULL when out of
 * memory, and what was there is still good. */
static inline void *reserve(void *items, size_t num, size_t *capacity,
                            size_t size) {
  if (num <= *capacity)
    return items;
  const size_t more = num < 64 ? 64 : num + num / 2;
  void *grown = reallocarray(items, more, size);
  if (grown != NULL)
    *capacity = more;
  return grown;
}

#endif
