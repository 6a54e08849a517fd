/* SPDX-License-Identifier: MIT */
/* changes: tells of deploys, what they have made dearer, and of a host on which
 * BPF costs too much. */
#ifndef BPF_STATS_CHANGES_H
#define BPF_STATS_CHANGES_H

#include "alarms.h"
#include "reading.h"
#include "settings.h"

#include <stddef.h>
#include <stdint.h>

enum {
  CHANGES_DEPLOYS_MAX = 20, /* told one by one in a reading */
  CHANGES_DEAREST_NUM = 3,  /* groups, of a host that costs too much */
  CHANGES_COSTLY_INTERVALS = 2,
};

/* Zeroed at the start. */
struct changes {
  struct alarms regressions;
  struct alarms costs; /* of the host alone */
  unsigned costly_intervals;
  /* Of this reading. */
  uint64_t measured_ns;
  size_t told_deploys; /* groups with a deploy that it is time to tell of */
  const struct group *dearest[CHANGES_DEAREST_NUM]; /* the dearest first */
};

/* Takes in a group of a reading. */
void changes_check(struct changes *changes, const struct settings *settings,
                   const struct reading *reading, const struct group *group);

/* Ends the reading. */
void changes_settle(struct changes *changes, const struct settings *settings,
                    const struct reading *reading);

/* There was no reading, as nothing could be read. */
void changes_miss(struct changes *changes);

/* Ends all alarms, and tells that. */
void changes_stop(struct changes *changes);

/* Forgets all. */
void changes_clear(struct changes *changes);

#endif
