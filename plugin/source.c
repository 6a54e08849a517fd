/* SPDX-License-Identifier: MIT */
/* source: what every way to obtain a snapshot has in common. */
#include "source.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <string.h>
#include <time.h>

/* The clock of bpf_prog_info.load_time. */
static uint64_t boottime_ns(void) {
  struct timespec ts = {0};
  clock_gettime(CLOCK_BOOTTIME, &ts);
  return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int source_snapshot(struct source *source,
                    struct prog_snapshot *ret_snapshot) {
  struct prog_snapshot snapshot = {.time_ns = boottime_ns()};
  int rc = source->snapshot(source, &snapshot);
  if (rc != 0)
    return rc;
  snapshot.duration_ns = boottime_ns() - snapshot.time_ns;
  *ret_snapshot = snapshot;
  return 0;
}

void source_free(struct source *source) {
  if (source != NULL)
    source->free(source);
}

bool source_knows_type(const char *type_name) {
  /* libbpf has no count of its types; its table ends at the first NULL. Type 0
   * is BPF_PROG_TYPE_UNSPEC, which no loaded program has. */
  for (unsigned type = BPF_PROG_TYPE_UNSPEC + 1;; type++) {
    const char *known = libbpf_bpf_prog_type_str((enum bpf_prog_type)type);
    if (known == NULL)
      return false;
    if (strcmp(known, type_name) == 0)
      return true;
  }
}

void source_silence_libbpf(void) { libbpf_set_print(NULL); }
