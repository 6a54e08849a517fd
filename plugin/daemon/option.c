/* SPDX-License-Identifier: MIT */
/* option: checks the number and the types of values. */
#include "option.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"
#include "collectd/core/utils/common/common.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line of the log is one line, and nothing else. */
static void mask_control_bytes(char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < ' ' || *text == 127)
      *text = '?';
}

void option_quote(char text[OPTION_TEXT_SIZE], const char *string) {
  snprintf(text, OPTION_TEXT_SIZE, "\"%.100s\"", string);
  mask_control_bytes(text);
}

static void format_value(char text[OPTION_TEXT_SIZE],
                         const oconfig_value_t *value) {
  if (value == NULL)
    snprintf(text, OPTION_TEXT_SIZE, "(none)");
  else if (value->type == OCONFIG_TYPE_STRING)
    option_quote(text, value->value.string);
  else if (value->type == OCONFIG_TYPE_NUMBER)
    snprintf(text, OPTION_TEXT_SIZE, "%.15g", value->value.number);
  else
    snprintf(text, OPTION_TEXT_SIZE, "%s",
             value->value.boolean ? "true" : "false");
}

bool option_reject(const oconfig_item_t *item, const oconfig_value_t *value,
                   const char *allowed) {
  char text[OPTION_TEXT_SIZE];
  format_value(text, value);
  ERROR("bpf_stats: option %s, value %s: allowed is %s. The plugin is not "
        "started.",
        item->key, text, allowed);
  return false;
}

void option_warn(const oconfig_item_t *item, const oconfig_value_t *value,
                 const char *what) {
  char text[OPTION_TEXT_SIZE];
  format_value(text, value);
  WARNING("bpf_stats: option %s, value %s: %s.", item->key, text, what);
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

/* Returns the decimal number that is the whole of the string, or NAN. */
static double parse_number(const char *string) {
  char *end = NULL;
  double number = strtod(string, &end);
  bool whole = *string != '\0' && *end == '\0' &&
               string[strspn(string, "0123456789.eE+-")] == '\0';
  return whole ? number : NAN;
}

bool option_number(const oconfig_item_t *item, const char *allowed, double max,
                   double *ret) {
  const oconfig_value_t *value = option_one_value(item, allowed);
  if (value == NULL)
    return false;
  double number = NAN;
  if (value->type == OCONFIG_TYPE_NUMBER)
    number = value->value.number;
  else if (value->type == OCONFIG_TYPE_STRING)
    number = parse_number(value->value.string);
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
