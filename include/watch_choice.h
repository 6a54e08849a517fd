/* SPDX-License-Identifier: MIT */
/* watch_choice: that unloads are watched, where that is wanted and possible. */
#ifndef BPF_STATS_WATCH_CHOICE_H
#define BPF_STATS_WATCH_CHOICE_H

#include "backoff.h"
#include "unload_watch.h"

#include <stdbool.h>

/* Keeps a watch on unloads. Zeroed but for the first three at the start. */
struct watch_choice {
  bool wanted;
  bool owners;              /* tell who loads programs as well */
  const char *iterator_pin; /* borrowed; a watch is pinned beside it, or NULL: a
                               watch of our own */
  bool started;
  struct unload_watch *watch; /* owned; NULL: unloads are not watched */
  bool is_rest;  /* it is not pinned any more, and has but a rest to tell */
  bool may_pass; /* what stands in the way of a watch */
  struct backoff backoff; /* of loading our own once more */
  char reason[300];       /* why unloads are not watched; "": they are */
};

/* Just before each snapshot: reads the counts. Opens a watch if there is none
 * and that may succeed: a pinned one may have come, or been pinned anew. */
void watch_choice_read_counts(struct watch_choice *choice);

/* Just after the snapshot. Returns what was unloaded, in UNLOADS, or NULL when
 * nobody watches. */
const struct unloads *watch_choice_read_records(struct watch_choice *choice,
                                                struct unloads *unloads);

/* After that: who has loaded programs, see unload_watch_read_owners(). */
void watch_choice_read_owners(struct watch_choice *choice, owner_take take,
                              void *context);

/* Once what was read has been taken in. */
void watch_choice_commit(struct watch_choice *choice);

/* Accepts a choice without a watch. */
void watch_choice_clear(struct watch_choice *choice);

#endif
