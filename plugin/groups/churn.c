/* SPDX-License-Identifier: MIT */
/* churn: counts loads and unloads by the advance of program ids. */
#include "churn.h"

#include <limits.h>

/* idr_alloc_cyclic(.., 1, INT_MAX) in kernel/bpf/syscall.c: ids are 1 to
 * INT_MAX - 1, then 1 again. */
static const uint32_t ids_num = INT_MAX - 1;

void churn_see(struct churn *churn, uint32_t id, uint64_t load_time_ns,
               bool loaded) {
  if (!loaded) {
    if (load_time_ns < churn->newest_load_time_ns)
      return;
    churn->newest_id = id;
  } else if (churn->newest_id == 0) {
    churn->loaded++;
    churn->newest_id = id;
  } else {
    /* Forward and backward as in serial numbers: two programs that were
     * verified at once may get their ids in the other order. */
    uint32_t advance = id >= churn->newest_id
                           ? id - churn->newest_id
                           : ids_num - (churn->newest_id - id);
    if (advance > ids_num / 2)
      return;
    churn->loaded += advance;
    churn->newest_id = id;
  }
  if (load_time_ns > churn->newest_load_time_ns)
    churn->newest_load_time_ns = load_time_ns;
}

void churn_settle(struct churn *churn, size_t programs) {
  /* Modulo 2^64, and signed only in the end: the base may be below 0. */
  if (!churn->has_base) {
    churn->has_base = true;
    churn->base = programs - churn->loaded + churn->unloaded;
  }
  int64_t advance =
      (int64_t)(churn->base + churn->loaded - programs - churn->unloaded);
  if (advance > 0)
    churn->unloaded += (uint64_t)advance;
}

void churn_count(struct churn *churn, uint64_t loaded, uint64_t unloaded) {
  churn->loaded += loaded;
  churn->unloaded += unloaded;
  churn->has_base = false;
}
