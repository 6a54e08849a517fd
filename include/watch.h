/* SPDX-License-Identifier: MIT */
/* watch: keeps the watch on unloads open, as the settings want it, and has it
 * reported when that begins or ends. */
#ifndef BPF_STATS_WATCH_H
#define BPF_STATS_WATCH_H

#include "backoff.h"
#include "report.h"
#include "unload_watch.h"

#include <stdbool.h>

struct watch {
  bool wanted;
  const char *iterator_pin;     /* borrowed; beside it, or NULL: our own */
  struct unload_watch *unloads; /* NULL: unloads are not watched */
  bool is_rest;  /* it is not pinned any more, and has but a rest to tell */
  bool may_pass; /* what stands in the way of one */
  struct backoff backoff; /* of loading our own once more */
};

/* Opens what is pinned beside ITERATOR_PIN, or with NULL loads one and checks
 * it. Without one a host is none the worse, it is polled: that is one line of
 * info. */
void watch_start(struct watch *watch, bool wanted, const char *iterator_pin,
                 struct report *report);

/* Just before a snapshot: opens a watch if there is none and that may succeed.
 * One that was pinned may have gone, or be pinned anew. */
void watch_begin(struct watch *watch, struct report *report);

/* Just after it. Returns what was unloaded, in UNLOADS, or NULL when nobody
 * watches. */
const struct unloads *watch_end(struct watch *watch, struct unloads *unloads,
                                struct report *report);

/* Once what watch_end() told has been taken in. */
void watch_taken(struct watch *watch);

void watch_stop(struct watch *watch);

#endif
