/* SPDX-License-Identifier: MIT */
/* dispatch: hands values and notifications to collectd.
 *
 * Units on the wire: runs, ns, bytes, seconds; shares are 0..1. */
#ifndef BPF_STATS_DISPATCH_H
#define BPF_STATS_DISPATCH_H

#include "metrics.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"

/* Dispatches the series in SET that GROUP has a value for, all with one TIME.
 */
void dispatch_group(const struct metrics_read *read, const struct group *group,
                    metric_set set, cdtime_t time);

/* Notifies about a miss rate: RAISED, a warning, or over. INTERVAL is what the
 * group of that name counted. */
void dispatch_alarm(const char *name, struct prog_stats interval, bool raised);

#endif
