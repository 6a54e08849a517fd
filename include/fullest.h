/* SPDX-License-Identifier: MIT */
/* fullest: the series of the fullest maps, and notifications of those that are
 * too full. */
#ifndef BPF_STATS_FULLEST_H
#define BPF_STATS_FULLEST_H

#include "alarms.h"
#include "map_fills.h"
#include "reading.h"
#include "settings.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"

/* Zeroed at the start. */
struct fullest {
  struct map_fills fills;
  struct alarms alarms;
};

/* Takes in a reading, and dispatches what is as of the last read of maps, with
 * this TIME. */
void fullest_dispatch(struct fullest *fullest, const struct settings *settings,
                      const struct reading *reading, cdtime_t time);

/* There was no reading, as nothing could be read. */
void fullest_miss(struct fullest *fullest);

/* Ends all alarms, and tells that. */
void fullest_stop(struct fullest *fullest);

/* Forgets all. */
void fullest_clear(struct fullest *fullest);

#endif
