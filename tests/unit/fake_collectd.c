/* SPDX-License-Identifier: MIT */
/* fake_collectd: the functions of the daemon that the plugin calls. */
#include "fake_collectd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectd/core/daemon/utils_cache.h"
#include "collectd/core/utils/common/common.h"

struct fake_collectd fake_collectd;
char *hostname_g = "fake-host";

void fake_collectd_reset(void) {
  fake_collectd = (struct fake_collectd){
      .now = 1000, .interval = TIME_T_TO_CDTIME_T_STATIC(10)};
}

void fake_collectd_clear(void) {
  fake_collectd.lines_num = 0;
  fake_collectd.dispatched_num = 0;
  fake_collectd.notifications_num = 0;
}

size_t fake_collectd_count(int severity) {
  size_t num = 0;
  for (size_t i = 0; i < fake_collectd.lines_num; i++)
    num += fake_collectd.lines[i].severity == severity;
  return num;
}

const value_t *fake_collectd_value(const char *plugin_instance,
                                   const char *type,
                                   const char *type_instance) {
  for (size_t i = fake_collectd.dispatched_num; i-- > 0;) {
    const value_list_t *list = &fake_collectd.dispatched[i].list;
    if (strcmp(list->plugin_instance, plugin_instance) == 0 &&
        strcmp(list->type, type) == 0 &&
        strcmp(list->type_instance, type_instance) == 0)
      return &fake_collectd.dispatched[i].value;
  }
  return NULL;
}

void plugin_log(int level, const char *format, ...) {
  if (fake_collectd.lines_num == FAKE_LINES_MAX)
    abort();
  size_t i = fake_collectd.lines_num++;
  fake_collectd.lines[i].severity = level;
  va_list args;
  va_start(args, format);
  vsnprintf(fake_collectd.lines[i].text, sizeof(fake_collectd.lines[i].text),
            format, args);
  va_end(args);
}

int plugin_dispatch_values(value_list_t const *list) {
  if (fake_collectd.dispatched_num == FAKE_VALUES_MAX || list->values_len != 1)
    abort();
  size_t i = fake_collectd.dispatched_num++;
  fake_collectd.dispatched[i].list = *list;
  fake_collectd.dispatched[i].value = list->values[0];
  return 0;
}

int format_name(char *ret, int ret_len, const char *host, const char *plugin,
                const char *plugin_instance, const char *type,
                const char *type_instance) {
  int len = snprintf(ret, (size_t)ret_len, "%s/%s%s%s/%s%s%s", host, plugin,
                     plugin_instance[0] == '\0' ? "" : "-", plugin_instance,
                     type, type_instance[0] == '\0' ? "" : "-", type_instance);
  return len < 0 || len >= ret_len ? ENOBUFS : 0;
}

static bool has_dispatched(const char *name) {
  for (size_t i = 0; i < fake_collectd.dispatched_num; i++) {
    const value_list_t *list = &fake_collectd.dispatched[i].list;
    char other[6 * DATA_MAX_NAME_LEN];
    format_name(other, sizeof(other), hostname_g, list->plugin,
                list->plugin_instance, list->type, list->type_instance);
    if (strcmp(name, other) == 0)
      return true;
  }
  return false;
}

int uc_get_rate_by_name(const char *name, gauge_t **ret_values,
                        size_t *ret_values_num) {
  fake_collectd.cache_asked++;
  if (fake_collectd.cache_lag > 0) {
    fake_collectd.cache_lag--;
    return -1;
  }
  if (!has_dispatched(name))
    return -1;
  *ret_values = calloc(1, sizeof(**ret_values));
  *ret_values_num = 1;
  return 0;
}

int plugin_dispatch_notification(const notification_t *notification) {
  if (fake_collectd.notifications_num == FAKE_NOTIFICATIONS_MAX)
    abort();
  fake_collectd.notifications[fake_collectd.notifications_num++] =
      *notification;
  return 0;
}

cdtime_t plugin_get_interval(void) { return fake_collectd.interval; }

cdtime_t cdtime(void) { return ++fake_collectd.now; }

int plugin_register_complex_config(const char *type,
                                   int (*callback)(oconfig_item_t *)) {
  (void)type;
  fake_collectd.config = callback;
  return 0;
}

int plugin_register_init(const char *name, plugin_init_cb callback) {
  (void)name;
  fake_collectd.init = callback;
  return 0;
}

int plugin_register_read(const char *name, int (*callback)(void)) {
  (void)name;
  fake_collectd.read = callback;
  return 0;
}

int plugin_register_flush(const char *name, plugin_flush_cb callback,
                          const user_data_t *user_data) {
  (void)name;
  (void)user_data;
  fake_collectd.flush = callback;
  return 0;
}

int plugin_register_shutdown(const char *name, plugin_shutdown_cb callback) {
  (void)name;
  fake_collectd.shutdown = callback;
  return 0;
}

char *sstrncpy(char *dest, const char *src, size_t n) {
  snprintf(dest, n, "%s", src);
  return dest;
}

char *sstrerror(int errnum, char *buf, size_t buflen) {
  snprintf(buf, buflen, "%s", strerror(errnum));
  return buf;
}
