/* SPDX-License-Identifier: MIT */
/* source: what all sources have in common. */
#include "source.h"

#include "clocks.h"
#include "prog_stream.h"

#include <bpf/libbpf.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
  switch (error) {
  case -ENOENT:
    return "there is no such file; pin the iterator with bpf_stats_pin";
  case -EMEDIUMTYPE:
    return "it is no file on a bpffs, so it cannot be a pinned iterator";
  case -EPROTO:
    return "it is pinned, but hands out something else than our records";
  case -ESTALE:
  case -EPROTONOSUPPORT:
    return prog_record_explain_version(error);
  case -EBADMSG:
  case -ENODATA:
    return "its stream of records is damaged";
  default:
    refusal_explain(error, source->needs, source->why, sizeof(source->why));
    return source->why;
  }
}

static void (*log_line)(const char *line);

static int print(enum libbpf_print_level level, const char *format,
                 va_list args) {
  if (level != LIBBPF_WARN)
    return 0;
  char line[512];
  vsnprintf(line, sizeof(line), format, args);
  line[strcspn(line, "\n")] = '\0';
  log_line(line);
  return 0;
}

void source_log_libbpf(void (*log)(const char *line)) {
  log_line = log;
  libbpf_set_print(print);
}
