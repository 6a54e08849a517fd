/* SPDX-License-Identifier: MIT */
/* source_choice: chooses the source, and sees to it that there is one. */
#ifndef BPF_STATS_SOURCE_CHOICE_H
#define BPF_STATS_SOURCE_CHOICE_H

#include "backoff.h"
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
  /* What stood in the way of a source, or of the iterator, may pass: memory or
   * descriptors were short, or the pin is not there yet. */
  bool may_pass;
};

/* Chooses a source. SOURCE_AUTO takes the iterator where it loads, passes its
 * check and is faster, else the system calls; *RET_NOTE then says why. A pin
 * that is not good is never replaced by something else. Returns 0 and a source
 * that the caller frees; or -errno, and *RET_NOTE says why. */
int source_choose(const struct source_options *options,
                  struct source **ret_source, struct source_note *ret_note);

/* Keeps a source. Zeroed but for the options at the start. */
struct source_choice {
  struct source_options options;
  struct source *source; /* owned; NULL: none yet */
  bool may_improve;      /* it reads by system calls for what may pass */
  struct backoff backoff;
};

/* Call it before each snapshot: it chooses a source if there is none, or tries
 * the iterator once more where that may help. Returns 0; or -errno when
 * there is no source. *RET_NOTE is empty unless something has changed. */
int source_choice_update(struct source_choice *choice,
                         struct source_note *ret_note);

/* Accepts a choice without a source. */
void source_choice_clear(struct source_choice *choice);

#endif
