/* SPDX-License-Identifier: MIT */
/* no_daemon: stands where collectd is, so that the plugin's own part of a value
 * is all that is measured. */
#include "no_daemon.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"
#include "collectd/core/daemon/utils_cache.h"
#include "collectd/core/utils/common/common.h"

#include <string.h>

size_t no_daemon_values;
char *hostname_g = "bench";

int plugin_dispatch_values(value_list_t const *list) {
  no_daemon_values += list->values_len;
  return 0;
}

/* As collectd's. */
char *sstrncpy(char *dest, const char *src, size_t n) {
  strncpy(dest, src, n);
  dest[n - 1] = '\0';
  return dest;
}

/* No benchmark comes here. */
int plugin_dispatch_notification(const notification_t *notification) {
  (void)notification;
  return -1;
}

int format_name(char *ret, int ret_len, const char *host, const char *plugin,
                const char *plugin_instance, const char *type,
                const char *type_instance) {
  (void)ret;
  (void)ret_len;
  (void)host;
  (void)plugin;
  (void)plugin_instance;
  (void)type;
  (void)type_instance;
  return -1;
}

int uc_get_rate_by_name(const char *name, gauge_t **ret_values,
                        size_t *ret_values_num) {
  (void)name;
  (void)ret_values;
  (void)ret_values_num;
  return -1;
}

cdtime_t cdtime(void) { return 0; }
