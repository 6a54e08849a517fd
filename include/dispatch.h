/* SPDX-License-Identifier: MIT */
/* dispatch: hands values and notifications to collectd.
 *
 * Units on the wire: runs, ns, bytes, seconds; shares are 0..1. */
#ifndef BPF_STATS_DISPATCH_H
#define BPF_STATS_DISPATCH_H

#include "alarms.h"
#include "metrics.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"

/* Dispatches the series in SET that GROUP has a value for, all with one TIME.
 */
void dispatch_group(const struct reading *reading, const struct group *group,
                    metric_set set, cdtime_t time);

/* The same for counters that begin with this reading: that they have been 0 at
 * TIME, and the loads what they were then. This goes before their values, or
 * their first rate would be lost. */
void dispatch_zeros(const struct reading *reading, const struct group *group,
                    metric_set set, cdtime_t time);

/* Waits until collectd has taken in the zeros of the group, or until END_NS of
 * CLOCK_MONOTONIC: its threads take in values in any order, and an older one
 * is thrown away. */
void dispatch_await_zeros(const struct reading *reading,
                          const struct group *group, metric_set set,
                          uint64_t end_ns);

/* Dispatches a gauge of the host of which the table of series does not know. */
void dispatch_host_gauge(const char *type_instance, double value,
                         cdtime_t time);

/* Notifies about the miss rate of a group: that it is too high, or that this is
 * over and why. See alarms_tell. */
void dispatch_alarm(const void *context, const char *name,
                    const struct group *group, enum alarm_change change);

/* Why an alarm has ended that is not calm: a sentence about a group. */
const char *dispatch_reason(enum alarm_change change);

enum { DISPATCH_MESSAGE_SIZE = NOTIF_MAX_MSG_LEN };

/* Notifies of a MESSAGE about a group, or with an empty INSTANCE the host.
 * SEVERITY: NOTIF_... of collectd. */
void dispatch_notification(int severity, const char *instance, const char *type,
                           const char *type_instance, const char *message);

/* Has all alarms end, as collectd stops, and waits until what they notify of
 * has been handled: collectd's plugin exec runs handlers by threads of its own,
 * for which collectd does not wait. Takes up to 5 s, and mostly no time. */
void dispatch_last_alarms(void (*stop_all)(void));

#endif
