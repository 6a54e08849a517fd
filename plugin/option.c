/* SPDX-License-Identifier: MIT */
/* option: checks the number and the types of values. */
#include "option.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"
#include "collectd/core/utils/common/common.h"

#include <stdio.h>

/* A line of the log is one line, and nothing else. */
static void mask_control_bytes(char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < ' ' || *text == 127)
      *text = '?';
}

static void format_value(char *buf, size_t size, const oconfig_value_t *value) {
  if (value == NULL)
    snprintf(buf, size, "(none)");
  else if (value->type == OCONFIG_TYPE_STRING)
    snprintf(buf, size, "\"%.100s\"", value->value.string);
  else if (value->type == OCONFIG_TYPE_NUMBER)
    snprintf(buf, size, "%.15g", value->value.number);
  else
    snprintf(buf, size, "%s", value->value.boolean ? "true" : "false");
}

bool option_reject(const oconfig_item_t *item, const oconfig_value_t *value,
                   const char *allowed) {
  char text[128];
  format_value(text, sizeof(text), value);
  mask_control_bytes(text);
  ERROR("bpf_stats: option %s, value %s: allowed is %s. The plugin is not "
        "started.",
        item->key, text, allowed);
  return false;
}

const oconfig_value_t *option_one_value(const oconfig_item_t *item,
                                        const char *allowed) {
  if (item->values_num == 1)
    return &item->values[0];
  char just_one[256];
  snprintf(just_one, sizeof(just_one), "just one value, %s", allowed);
  option_reject(item, item->values_num == 0 ? NULL : &item->values[1],
                just_one);
  return NULL;
}

bool option_boolean(const oconfig_item_t *item, bool *ret) {
  static const char allowed[] = "true or false";
  const oconfig_value_t *value = option_one_value(item, allowed);
  if (value == NULL)
    return false;
  if (value->type == OCONFIG_TYPE_BOOLEAN)
    *ret = value->value.boolean;
  else if (value->type == OCONFIG_TYPE_STRING && IS_TRUE(value->value.string))
    *ret = true;
  else if (value->type == OCONFIG_TYPE_STRING && IS_FALSE(value->value.string))
    *ret = false;
  else
    return option_reject(item, value, allowed);
  return true;
}

bool option_number(const oconfig_item_t *item, const char *allowed, double max,
                   double *ret) {
  const oconfig_value_t *value = option_one_value(item, allowed);
  if (value == NULL)
    return false;
  double number =
      value->type == OCONFIG_TYPE_NUMBER ? value->value.number : -1.0;
  /* Not its opposite: a NaN is neither. */
  if (!(number >= 0.0 && number <= max))
    return option_reject(item, value, allowed);
  *ret = number;
  return true;
}

bool option_each_string(const oconfig_item_t *item, const char *allowed,
                        bool (*add)(void *context, const oconfig_item_t *item,
                                    const oconfig_value_t *value),
                        void *context) {
  if (item->values_num == 0)
    return option_reject(item, NULL, allowed);
  bool all_right = true;
  for (int i = 0; i < item->values_num; i++) {
    const oconfig_value_t *value = &item->values[i];
    if (value->type != OCONFIG_TYPE_STRING)
      all_right = option_reject(item, value, allowed);
    else if (!add(context, item, value))
      all_right = false;
  }
  return all_right;
}
