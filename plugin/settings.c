/* SPDX-License-Identifier: MIT */
/* settings: one table of options, each with its parser.
 *
 * A parser that meets a wrong value logs the one line about it and goes on, so
 * that an operator sees all mistakes at once. */
#include "settings.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"
#include "collectd/core/utils/common/common.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_INSTANCES_MAX = 1000000, MAX_INSTANCES_DEFAULT = 1000 };

struct option {
  const char *key;
  void (*parse)(struct settings *settings, const oconfig_item_t *item);
};

int settings_init(struct settings *settings) {
  *settings = (struct settings){
      .enable_stats = true,
      .selector = selector_new(),
      .instance_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1},
      .group_metrics = metrics_default(),
      .max_instances = MAX_INSTANCES_DEFAULT,
  };
  return settings->selector == NULL ? -ENOMEM : 0;
}

void settings_clear(struct settings *settings) {
  selector_free(settings->selector);
  free(settings->iterator_pin);
  *settings = (struct settings){0};
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

/* VALUE: NULL when there is none. ALLOWED completes "allowed is ...". */
static void reject(struct settings *settings, const oconfig_item_t *item,
                   const oconfig_value_t *value, const char *allowed) {
  char text[128];
  format_value(text, sizeof(text), value);
  ERROR("bpf_stats: option %s, value %s: allowed is %s. The plugin is not "
        "started.",
        item->key, text, allowed);
  settings->wrong = true;
}

/* Returns the one value of the option, or rejects it and returns NULL. */
static const oconfig_value_t *one_value(struct settings *settings,
                                        const oconfig_item_t *item,
                                        const char *allowed) {
  if (item->values_num == 1)
    return &item->values[0];
  char just_one[256];
  snprintf(just_one, sizeof(just_one), "just one value, %s", allowed);
  reject(settings, item, item->values_num == 0 ? NULL : &item->values[1],
         just_one);
  return NULL;
}

static void parse_boolean(struct settings *settings, const oconfig_item_t *item,
                          bool *ret) {
  static const char allowed[] = "true or false";
  const oconfig_value_t *value = one_value(settings, item, allowed);
  if (value == NULL)
    return;
  if (value->type == OCONFIG_TYPE_BOOLEAN)
    *ret = value->value.boolean;
  else if (value->type == OCONFIG_TYPE_STRING && /* quoted, as elsewhere */
           IS_TRUE(value->value.string))
    *ret = true;
  else if (value->type == OCONFIG_TYPE_STRING && IS_FALSE(value->value.string))
    *ret = false;
  else
    reject(settings, item, value, allowed);
}

static void parse_enable_stats(struct settings *settings,
                               const oconfig_item_t *item) {
  parse_boolean(settings, item, &settings->enable_stats);
}

static void parse_log_stats(struct settings *settings,
                            const oconfig_item_t *item) {
  parse_boolean(settings, item, &settings->log_stats);
}

static void parse_ignore_selected(struct settings *settings,
                                  const oconfig_item_t *item) {
  bool ignore = false;
  parse_boolean(settings, item, &ignore);
  selector_ignore_selected(settings->selector, ignore);
}

/* Calls ADD with each value of the option; there must be one, and all must be
 * strings. */
static void parse_list(struct settings *settings, const oconfig_item_t *item,
                       const char *allowed,
                       void (*add)(struct settings *settings,
                                   const oconfig_item_t *item,
                                   const oconfig_value_t *value)) {
  if (item->values_num == 0)
    reject(settings, item, NULL, allowed);
  for (int i = 0; i < item->values_num; i++) {
    const oconfig_value_t *value = &item->values[i];
    if (value->type == OCONFIG_TYPE_STRING)
      add(settings, item, value);
    else
      reject(settings, item, value, allowed);
  }
}

static void add_program(struct settings *settings, const oconfig_item_t *item,
                        const oconfig_value_t *value) {
  char reason[128] = "out of memory";
  if (selector_add_program(settings->selector, value->value.string, reason,
                           sizeof(reason)) == 0)
    return;
  char allowed[256];
  snprintf(allowed, sizeof(allowed),
           "an exact name or \"/POSIX extended regex/\" (%s)", reason);
  reject(settings, item, value, allowed);
}

static void parse_program(struct settings *settings,
                          const oconfig_item_t *item) {
  parse_list(settings, item, "an exact name or \"/POSIX extended regex/\"",
             add_program);
}

static void add_type(struct settings *settings, const oconfig_item_t *item,
                     const oconfig_value_t *value) {
  char allowed[900] = "one of";
  const char *type_name;
  for (unsigned type = 1; (type_name = source_type_name(type)) != NULL;
       type++) {
    if (strcmp(type_name, value->value.string) == 0) {
      if (selector_add_type(settings->selector, type_name) != 0)
        reject(settings, item, value, "as much as memory holds");
      return;
    }
    size_t len = strlen(allowed);
    snprintf(allowed + len, sizeof(allowed) - len, " %s", type_name);
  }
  reject(settings, item, value, allowed);
}

static void parse_program_type(struct settings *settings,
                               const oconfig_item_t *item) {
  parse_list(settings, item, "the name of a program type, such as \"xdp\"",
             add_type);
}

static void parse_instance_format(struct settings *settings,
                                  const oconfig_item_t *item) {
  static const char allowed[] = "a string with any of the words name, type, "
                                "tag and id, each once, such as \"name type\"";
  const oconfig_value_t *value = one_value(settings, item, allowed);
  if (value == NULL)
    return;
  if (value->type != OCONFIG_TYPE_STRING ||
      group_name_format_parse(value->value.string,
                              &settings->instance_format) != 0)
    reject(settings, item, value, allowed);
}

static void list_group_metrics(char *buf, size_t size) {
  size_t metrics_num = 0;
  const struct metric *metrics = metrics_all(&metrics_num);
  size_t len = (size_t)snprintf(buf, size, "one or more of");
  for (size_t i = 0; i < metrics_num && len < size; i++)
    if (metrics[i].group_scope != METRIC_NEVER)
      len += (size_t)snprintf(buf + len, size - len, " %s", metrics[i].key);
}

static void add_metric(struct settings *settings, const oconfig_item_t *item,
                       const oconfig_value_t *value) {
  metric_set metric = metrics_find(value->value.string);
  if (metric == 0) {
    char allowed[512];
    list_group_metrics(allowed, sizeof(allowed));
    reject(settings, item, value, allowed);
    return;
  }
  if (!settings->names_metrics)
    settings->group_metrics = 0;
  settings->names_metrics = true;
  settings->group_metrics |= metric;
}

static void parse_metrics(struct settings *settings,
                          const oconfig_item_t *item) {
  char allowed[512];
  list_group_metrics(allowed, sizeof(allowed));
  parse_list(settings, item, allowed, add_metric);
}

static void parse_max_instances(struct settings *settings,
                                const oconfig_item_t *item) {
  char allowed[64];
  snprintf(allowed, sizeof(allowed), "a whole number from 0 to %d",
           MAX_INSTANCES_MAX);
  const oconfig_value_t *value = one_value(settings, item, allowed);
  if (value == NULL)
    return;
  double number =
      value->type == OCONFIG_TYPE_NUMBER ? value->value.number : -1.0;
  if (number >= 0.0 && number <= MAX_INSTANCES_MAX && floor(number) == number)
    settings->max_instances = (size_t)number;
  else
    reject(settings, item, value, allowed);
}

static void parse_source(struct settings *settings,
                         const oconfig_item_t *item) {
  static const char allowed[] = "\"auto\", \"iterator\" or \"syscall\"";
  static const char *const words[] = {
      [SOURCE_AUTO] = "auto",
      [SOURCE_ITERATOR] = "iterator",
      [SOURCE_SYSCALL] = "syscall",
  };
  const oconfig_value_t *value = one_value(settings, item, allowed);
  if (value == NULL)
    return;
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (value->type == OCONFIG_TYPE_STRING &&
        strcasecmp(value->value.string, words[i]) == 0) {
      settings->source = (enum source_kind)i;
      return;
    }
  reject(settings, item, value, allowed);
}

static void parse_iterator_pin(struct settings *settings,
                               const oconfig_item_t *item) {
  static const char allowed[] =
      "the absolute path of a pinned iterator, such as "
      "\"/run/bpf_stats/iterator\"";
  const oconfig_value_t *value = one_value(settings, item, allowed);
  if (value == NULL)
    return;
  char *path = NULL;
  if (value->type == OCONFIG_TYPE_STRING && value->value.string[0] == '/')
    path = strdup(value->value.string);
  if (path == NULL) {
    reject(settings, item, value, allowed);
    return;
  }
  free(settings->iterator_pin);
  settings->iterator_pin = path;
}

static const struct option options[] = {
    {"EnableStats", parse_enable_stats},
    {"Program", parse_program},
    {"ProgramType", parse_program_type},
    {"IgnoreSelected", parse_ignore_selected},
    {"PluginInstanceFormat", parse_instance_format},
    {"Metrics", parse_metrics},
    {"MaxInstances", parse_max_instances},
    {"Source", parse_source},
    {"IteratorPin", parse_iterator_pin},
    {"LogStats", parse_log_stats},
};

static const struct option *find_option(const char *key) {
  for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
    if (strcasecmp(options[i].key, key) == 0)
      return &options[i];
  return NULL;
}

void settings_parse(struct settings *settings, const oconfig_item_t *block) {
  for (int i = 0; i < block->children_num; i++) {
    const oconfig_item_t *item = &block->children[i];
    const struct option *option = find_option(item->key);
    if (option == NULL)
      WARNING("bpf_stats: option %s is unknown and ignored; see "
              "collectd-bpf_stats(5)",
              item->key);
    else if (item->children_num > 0)
      reject(settings, item, NULL, "a line, not a block");
    else
      option->parse(settings, item);
  }
}
