/* SPDX-License-Identifier: MIT */
/* source: what all sources have in common. */
#include "source.h"

#include "clocks.h"
#include "pins.h"

int source_snapshot(struct source *source, struct prog_snapshot *ret_snapshot) {
  struct prog_snapshot snapshot = {.time_ns = boottime_ns(),
                                   .awake_ns = monotonic_ns()};
  int rc = source->snapshot(source, &snapshot);
  if (rc != 0)
    return rc;
  snapshot.duration_ns = monotonic_ns() - snapshot.awake_ns;
  *ret_snapshot = snapshot;
  return 0;
}

void source_free(struct source *source) {
  if (source != NULL)
    source->free(source);
}

const char *source_explain(struct source *source, int error) {
  if (source->needs == PRIVILEGE_NONE)
    pins_explain(error, "iterator", source->why);
  else
    refusal_explain(error, source->needs, source->why, sizeof(source->why));
  return source->why;
}
