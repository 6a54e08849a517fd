/* SPDX-License-Identifier: MIT */
/* source_choice: which source it is to be. */
#ifndef BPF_STATS_SOURCE_CHOICE_H
#define BPF_STATS_SOURCE_CHOICE_H

#include "source.h"

enum source_kind { SOURCE_AUTO, SOURCE_ITERATOR, SOURCE_SYSCALL };

struct source_options {
  enum source_kind kind;
  const char *iterator_pin; /* path of a pinned iterator to read; NULL: none */
  bool memory;              /* memory_bytes is wanted */
};

/* What there is to say about the choice of a source. */
struct source_note {
  char text[400]; /* "" for nothing */
  bool is_error;  /* else it is information */
};

/* Chooses a source. SOURCE_AUTO takes the iterator where it loads and passes
 * its check, otherwise the system calls; *RET_NOTE then says why. A pin that is
 * not good is never replaced by something else.
 * Returns 0 and a source that the caller frees; or -errno, and *RET_NOTE says
 * why. */
int source_choose(const struct source_options *options,
                  struct source **ret_source, struct source_note *ret_note);

#endif
