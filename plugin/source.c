/* SPDX-License-Identifier: MIT */
/* source: what every way to obtain a snapshot has in common. */
#include "source.h"

#include "boottime.h"

#include <bpf/libbpf.h>

int source_snapshot(struct source *source, struct prog_snapshot *ret_snapshot) {
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

const char *source_type_name(unsigned type) {
  return libbpf_bpf_prog_type_str((enum bpf_prog_type)type);
}

void source_silence_libbpf(void) { libbpf_set_print(NULL); }
