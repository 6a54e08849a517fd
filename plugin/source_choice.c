/* SPDX-License-Identifier: MIT */
/* source_choice: the iterator where it works, otherwise system calls. */
#include "source_choice.h"

#include "self_check.h"

#include <errno.h>
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

int source_choose(const struct source_options *options,
                  struct source **ret_source, struct source_note *ret_note) {
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
