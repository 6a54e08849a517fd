/* SPDX-License-Identifier: MIT */
/* fake_collectd: stands in for the daemon at the link seam. It records what the
 * plugin logs, registers, dispatches and notifies of. */
#ifndef BPF_STATS_TESTS_FAKE_COLLECTD_H
#define BPF_STATS_TESTS_FAKE_COLLECTD_H

#include <stddef.h>
#include <stdint.h>

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"

enum {
  FAKE_LINES_MAX = 64,
  FAKE_VALUES_MAX = 512,
  FAKE_NOTIFICATIONS_MAX = 1100
};

extern struct fake_collectd {
  struct {
    int severity;
    char text[1024]; /* as much as the daemon's own buffer */
  } lines[FAKE_LINES_MAX];
  size_t lines_num;
  struct {
    value_list_t list; /* its values are not valid any more */
    value_t value;
  } dispatched[FAKE_VALUES_MAX];
  size_t dispatched_num;
  notification_t notifications[FAKE_NOTIFICATIONS_MAX];
  size_t notifications_num;
  unsigned cache_lag; /* so often it says that it has no value yet */
  unsigned cache_asked;
  cdtime_t now;
  cdtime_t interval;
  int (*config)(oconfig_item_t *);
  int (*init)(void);
  int (*read)(void);
  int (*flush)(cdtime_t timeout, const char *identifier, user_data_t *data);
  int (*shutdown)(void);
} fake_collectd;

void fake_collectd_reset(void);

/* Forgets what was logged and dispatched. */
void fake_collectd_clear(void);

/* How many lines of that severity were logged. */
size_t fake_collectd_count(int severity);

/* The value of the series, or NULL. "" for no instance. */
const value_t *fake_collectd_value(const char *plugin_instance,
                                   const char *type, const char *type_instance);

#endif
