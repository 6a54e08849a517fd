/* SPDX-License-Identifier: MIT */
/* source: the choice of a source, and what all have in common. */
#include "source.h"

#include "clocks.h"
#include "self_check.h"

#include <bpf/libbpf.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The iterator, once it has passed its check. */
static int new_checked_iterator(struct source **ret_source,
                                struct source_note *note) {
  struct source *source = NULL;
  snprintf(note->text, sizeof(note->text), "no memory for the iterator");
  int rc = source_iterator_new(0, &source, note->text, sizeof(note->text));
  if (rc != 0)
    return rc;
  rc = self_check_iterator(source, note->text, sizeof(note->text));
  if (rc != 0) {
    note->is_error = true;
    source_free(source);
    return rc;
  }
  note->text[0] = '\0';
  *ret_source = source;
  return 0;
}

/* The pinned iterator; nothing else will do. */
static int new_pinned(const char *pin, struct source **ret_source,
                      struct source_note *note) {
  char reason[300] = "out of memory";
  int rc = source_pinned_new(pin, ret_source, reason, sizeof(reason));
  if (rc != 0)
    snprintf(note->text, sizeof(note->text), "IteratorPin %s", reason);
  note->is_error = rc != 0;
  return rc;
}

static int new_syscall(bool memory, struct source **ret_source,
                       struct source_note *note) {
  int rc = source_syscall_new(memory, ret_source);
  if (rc == 0)
    return 0;
  note->is_error = true;
  const char *remedy = "";
  if (rc == -EPERM)
    remedy = ": CAP_SYS_ADMIN is missing. Run collectd as root, or give its "
             "unit CAP_BPF and CAP_PERFMON, or set IteratorPin";
  else if (rc == -ENOSYS)
    remedy = ": this kernel lacks bpf(2), it needs CONFIG_BPF_SYSCALL";
  snprintf(note->text, sizeof(note->text), "cannot list BPF programs: %s%s",
           strerror(-rc), remedy);
  return rc;
}

int source_new(const struct source_options *options, struct source **ret_source,
               struct source_note *ret_note) {
  *ret_note = (struct source_note){0};
  struct source_note *note = ret_note;
  if (options->kind == SOURCE_SYSCALL)
    return new_syscall(options->memory, ret_source, note);
  if (options->iterator_pin != NULL)
    return new_pinned(options->iterator_pin, ret_source, note);
  int rc = new_checked_iterator(ret_source, note);
  if (rc == 0)
    return 0;
  if (options->kind == SOURCE_ITERATOR) {
    note->is_error = true;
    return rc;
  }
  struct source_note syscall_note = {0};
  rc = new_syscall(options->memory, ret_source, &syscall_note);
  if (rc != 0)
    *note = syscall_note;
  return rc;
}

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
