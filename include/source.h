/* SPDX-License-Identifier: MIT */
/* source: where snapshots of all loaded BPF programs come from.
 *
 * A source is one way to ask the kernel; source_choose() chooses it. Callers
 * see only snapshots. Not thread-safe: one read callback uses a source. */
#ifndef BPF_STATS_SOURCE_H
#define BPF_STATS_SOURCE_H

#include "prog_record.h"
#include "prog_snapshot.h"
#include "refusal.h"

#include <stdbool.h>
#include <stddef.h>

struct source {
  const char *name; /* as in the option Source */
  int (*snapshot)(struct source *source, struct prog_snapshot *ret);
  void (*free)(struct source *source);
  enum privilege needs; /* for a snapshot */
  uint32_t own_id;      /* of the program that serves it; 0: not known, or
                           there is none */
  struct prog_record_siblings siblings; /* that were pinned with that */
  bool probes;                 /* each possible CPU takes it a probe read */
  char why[REFUSAL_TEXT_SIZE]; /* of source_explain() */
};

/* The sources one by one. Each function returns 0 and a source that the caller
 * frees, or -errno; if it takes REASON it writes why, unless it is -ENOMEM.
 *
 * Through bpf(2): needs CAP_SYS_ADMIN. -EPERM without it, -ENOSYS without
 * bpf(2). MEMORY: memory_bytes is wanted, which takes another read(2) for each
 * new program. */
int source_syscall_new(bool memory, struct source **ret_source);

/* Through the iterator, which has passed its check, or else -EILSEQ: needs
 * CAP_BPF and CAP_PERFMON. READ_SIZE: bytes to read at once; 0: as many as is
 * best. */
int source_iterator_new(size_t read_size, struct source **ret_source,
                        char *reason, size_t reason_size);

/* Pins the iterator that such a source has loaded at PATH, which is on a bpffs;
 * whoever reads it learns of its SIBLINGS. Returns 0 or -errno. */
int source_iterator_pin(const struct source *source,
                        struct prog_record_siblings siblings, const char *path);

/* Through a pinned iterator: needs read permission on that file. */
int source_pinned_new(const char *pin, struct source **ret_source, char *reason,
                      size_t reason_size);

/* Takes a snapshot. *RET_SNAPSHOT and all that it points to are owned by the
 * source and valid until the next call, or source_free().
 * Returns 0, also for a walk that was cut short or has unreadable programs; or
 * -errno when nothing was obtained. */
int source_snapshot(struct source *source, struct prog_snapshot *ret_snapshot);

/* Accepts NULL. */
void source_free(struct source *source);

/* Returns what an error of a snapshot means and, where that is known, what to
 * do about it: a part of a sentence, valid until the next call for that source.
 */
const char *source_explain(struct source *source, int error);

#endif
