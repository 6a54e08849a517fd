/* SPDX-License-Identifier: MIT */
/* backoff: when to try again something that costs more than a read may, and may
 * never succeed: after 1, 2, 4, 8 ... reads. */
#ifndef BPF_STATS_BACKOFF_H
#define BPF_STATS_BACKOFF_H

#include <stdbool.h>

/* Zeroed at the start. */
struct backoff {
  unsigned wait; /* reads between the last two tries */
  unsigned left; /* reads before the next */
};

enum { BACKOFF_MAX = 1 << 20 }; /* reads */

/* Call it once a read. Returns whether it is time to try. */
static inline bool backoff_is_due(struct backoff *backoff) {
  if (backoff->left > 0) {
    backoff->left--;
    return false;
  }
  backoff->left = backoff->wait;
  if (backoff->wait < BACKOFF_MAX)
    backoff->wait = 2 * backoff->wait + 1;
  return true;
}

#endif
