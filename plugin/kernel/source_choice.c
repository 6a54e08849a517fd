/* SPDX-License-Identifier: MIT */
/* source_choice: the iterator where it works, otherwise system calls. */
#include "source_choice.h"

#include "kernel_error.h"
#include "refusal.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>

/* Differences that its check finds are an error; other reasons are information.
 */
static int new_iterator(struct source **ret_source, struct source_note *note) {
  int rc = source_iterator_new(0, ret_source, note->text, sizeof(note->text));
  note->is_error = rc == -EILSEQ;
  if (rc == 0)
    note->text[0] = '\0';
  return rc;
}

/* Whether a pin that cannot be read may be a good one later: it comes, or its
 * mode or its version changes, when somebody runs bpf_stats_pin. What is
 * something else than a pinned iterator of ours is a wrong setting. */
static bool pin_may_pass(int error) {
  switch (error) {
  case -EMEDIUMTYPE:
  case -EPROTO:
  case -ENOTDIR:
  case -ENAMETOOLONG:
  case -ELOOP:
    return false;
  default:
    return true;
  }
}

/* The pinned iterator; nothing else will do. */
static int new_pinned(const char *pin, struct source **ret_source,
                      struct source_note *note) {
  char reason[300] = "out of memory";
  int rc = source_pinned_new(pin, ret_source, reason, sizeof(reason));
  if (rc != 0)
    snprintf(note->text, sizeof(note->text), "IteratorPin %s", reason);
  note->is_error = rc != 0;
  note->may_pass = rc != 0 && pin_may_pass(rc);
  return rc;
}

static bool may_load_iterator(void) {
  char why[REFUSAL_TEXT_SIZE];
  return refusal_explain(-EPERM, PRIVILEGE_BPF_AND_PERFMON, why, sizeof(why)) !=
         REFUSAL_CAPABILITY;
}

/* ITERATOR_REASON: why there is no iterator; NULL: it was not tried. */
static void explain_syscall(int error, const char *iterator_reason,
                            struct source_note *note) {
  char why[REFUSAL_TEXT_SIZE];
  enum refusal refusal =
      refusal_explain(error, PRIVILEGE_SYS_ADMIN, why, sizeof(why));
  note->is_error = true;
  note->may_pass = kernel_error_may_pass(error);
  if (refusal != REFUSAL_CAPABILITY)
    snprintf(note->text, sizeof(note->text), "cannot list BPF programs: %s",
             why);
  else if (iterator_reason != NULL && may_load_iterator())
    snprintf(note->text, sizeof(note->text),
             "%.340s; and for system calls CAP_SYS_ADMIN is missing",
             iterator_reason);
  else
    snprintf(note->text, sizeof(note->text),
             "cannot list BPF programs: %s. Run collectd as root, or give its "
             "unit CAP_BPF and CAP_PERFMON, or set IteratorPin",
             why);
}

static int new_syscall(bool memory, const char *iterator_reason,
                       struct source **ret_source, struct source_note *note) {
  int rc = source_syscall_new(memory, ret_source);
  if (rc != 0)
    explain_syscall(rc, iterator_reason, note);
  return rc;
}

/* With probe reads, which is before Linux 6.2, a program costs the iterator
 * more with each possible CPU: 0.09, 0.24 and 0.57 of what it costs system
 * calls with 2, 128 and 512 of them (tests/bench). From here on it costs more.
 */
enum { PROBES_CPUS_MAX = 1000 };

/* Takes system calls in place of an iterator that is slower. */
static void take_faster(bool memory, struct source **source,
                        struct source_note *note) {
  const int cpus_num = libbpf_num_possible_cpus();
  struct source *other = NULL;
  if (!(*source)->probes || cpus_num <= PROBES_CPUS_MAX ||
      source_syscall_new(memory, &other) != 0)
    return;
  source_free(*source);
  *source = other;
  snprintf(note->text, sizeof(note->text),
           "the iterator is slower before Linux 6.2 on a kernel that is ready "
           "for %d CPUs; boot it with nr_cpus=%d",
           cpus_num, PROBES_CPUS_MAX);
}

int source_choose(const struct source_options *options,
                  struct source **ret_source, struct source_note *ret_note) {
  *ret_note = (struct source_note){0};
  struct source_note *note = ret_note;
  if (options->kind == SOURCE_SYSCALL)
    return new_syscall(options->memory, NULL, ret_source, note);
  if (options->iterator_pin != NULL)
    return new_pinned(options->iterator_pin, ret_source, note);
  int rc = new_iterator(ret_source, note);
  if (rc == 0 && options->kind == SOURCE_AUTO)
    take_faster(options->memory, ret_source, note);
  if (rc == 0)
    return 0;
  note->may_pass = kernel_error_may_pass(rc);
  if (options->kind == SOURCE_ITERATOR) {
    note->is_error = true;
    return rc;
  }
  struct source_note syscall_note = {0};
  int syscall_rc =
      new_syscall(options->memory, note->text, ret_source, &syscall_note);
  if (syscall_rc == 0)
    return 0;
  if (note->may_pass && !syscall_note.may_pass) {
    note->is_error = true;
    return rc;
  }
  *note = syscall_note;
  return syscall_rc;
}

/* Tries the iterator in place of the system calls. */
static void improve(struct source_choice *choice,
                    struct source_note *ret_note) {
  struct source_options options = choice->options;
  options.kind = SOURCE_ITERATOR;
  struct source *better = NULL;
  struct source_note note;
  int rc = source_choose(&options, &better, &note);
  choice->may_improve = rc != 0 && note.may_pass;
  if (rc != 0)
    return;
  source_free(choice->source);
  choice->source = better;
  snprintf(ret_note->text, sizeof(ret_note->text),
           "reading by the iterator now");
}

int source_choice_update(struct source_choice *choice,
                         struct source_note *ret_note) {
  *ret_note = (struct source_note){0};
  if (choice->source == NULL) {
    struct source_note why = {0};
    int rc = source_choose(&choice->options, &choice->source, &why);
    choice->may_improve = rc == 0 && why.may_pass;
    *ret_note = why;
    if (rc == 0 && why.text[0] != '\0' && !why.is_error)
      snprintf(ret_note->text, sizeof(ret_note->text),
               "reading by system calls: %.370s", why.text);
    return rc;
  }
  if (choice->may_improve && backoff_is_due(&choice->backoff))
    improve(choice, ret_note);
  return 0;
}

void source_choice_clear(struct source_choice *choice) {
  source_free(choice->source);
  choice->source = NULL;
}
