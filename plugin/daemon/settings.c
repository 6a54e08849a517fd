/* SPDX-License-Identifier: MIT */
/* settings: one table of options, each with its parser.
 *
 * A parser that meets a wrong value has the one line about it logged and
 * returns false; the next option is parsed all the same, so that an operator
 * sees all mistakes at once. */
#include "settings.h"

#include "option.h"
#include "prog_type.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_INSTANCES_DEFAULT = 1000, MAX_INSTANCES_MAX = 1000000 };
enum { MAP_FILL_TOP_MAX = 1000 };
enum { MEMORY_EVERY_DEFAULT = 6, MEMORY_EVERY_MAX = 1000000 };

static const double SAMPLE_WINDOW_MIN_S = 0.001;
static const double OVERHEAD_LIMIT_MAX = 10000.0;  /* percent: 100 CPUs */
static const double SAMPLE_WINDOW_MAX_S = 86400.0; /* whatever the interval */
static const double REGRESSION_MAX_PERCENT = 10000.0;
static const double FILL_MAX_PERCENT = 100.0;
static const double COST_MAX_PERCENT = 1000000.0;

struct option {
  const char *key;
  bool (*parse)(struct settings *settings, const oconfig_item_t *item);
  size_t boolean; /* without a parser: where it is in the settings */
};

int settings_init(struct settings *settings) {
  *settings = (struct settings){
      .enable_stats = true,
      .watch_unload = true,
      .selector = selector_new(),
      .instance_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1},
      .group_metrics = metrics_default(),
      .max_instances = MAX_INSTANCES_DEFAULT,
      .memory_every = MEMORY_EVERY_DEFAULT,
      .map_fill_threshold = 95.0,
      .overhead_limit_percent = 1.0,
      .miss_rate_threshold = 0.01,
  };
  return settings->selector == NULL ? -ENOMEM : 0;
}

void settings_clear(struct settings *settings) {
  selector_free(settings->selector);
  free(settings->iterator_pin);
  *settings = (struct settings){0};
}

static bool parse_ignore_selected(struct settings *settings,
                                  const oconfig_item_t *item) {
  bool ignore = false;
  if (!option_boolean(item, &ignore))
    return false;
  selector_ignore_selected(settings->selector, ignore);
  return true;
}

static const char pattern_allowed[] =
    "an exact name or \"/POSIX extended regex/\"";

static bool add_pattern(const oconfig_item_t *item,
                        const oconfig_value_t *value, struct selector *selector,
                        int (*add)(struct selector *selector, const char *text,
                                   char *reason, size_t reason_size)) {
  char reason[128] = "out of memory";
  if (add(selector, value->value.string, reason, sizeof(reason)) == 0)
    return true;
  char allowed[256];
  snprintf(allowed, sizeof(allowed), "%s (%s)", pattern_allowed, reason);
  return option_reject(item, value, allowed);
}

static bool add_program(void *context, const oconfig_item_t *item,
                        const oconfig_value_t *value) {
  struct settings *settings = context;
  return add_pattern(item, value, settings->selector, selector_add_program);
}

static bool add_owner(void *context, const oconfig_item_t *item,
                      const oconfig_value_t *value) {
  struct settings *settings = context;
  return add_pattern(item, value, settings->selector, selector_add_owner);
}

static bool parse_program(struct settings *settings,
                          const oconfig_item_t *item) {
  return option_each_string(item, pattern_allowed, add_program, settings);
}

static bool parse_owner(struct settings *settings, const oconfig_item_t *item) {
  return option_each_string(item, pattern_allowed, add_owner, settings);
}

static bool is_known_type(const char *name) {
  const char *type_name;
  for (unsigned type = 1; (type_name = prog_type_name(type)) != NULL; type++)
    if (strcmp(type_name, name) == 0)
      return true;
  return false;
}

static void list_types(char *buf, size_t size) {
  const char *type_name;
  size_t len = 0;
  for (unsigned type = 1;
       len < size && (type_name = prog_type_name(type)) != NULL; type++)
    len += (size_t)snprintf(buf + len, size - len, " %s", type_name);
}

/* One configuration may be for many hosts: a type that this one does not know
 * selects nothing, and no more than that. */
static bool add_type(void *context, const oconfig_item_t *item,
                     const oconfig_value_t *value) {
  struct settings *settings = context;
  const char *name = value->value.string;
  if (!is_known_type(name)) {
    char known[900] = "";
    char text[1000];
    list_types(known, sizeof(known));
    snprintf(text, sizeof(text), "one of%s", known);
    if (!prog_type_is_name(name))
      return option_reject(item, value, text);
    snprintf(text, sizeof(text),
             "this host knows no such type, so it selects nothing. Known are%s",
             known);
    option_warn(item, value, text);
  }
  return selector_add_type(settings->selector, name) == 0 ||
         option_reject(item, value, "as much as memory holds");
}

static bool parse_program_type(struct settings *settings,
                               const oconfig_item_t *item) {
  return option_each_string(item, "the name of a program type, such as \"xdp\"",
                            add_type, settings);
}

static bool parse_instance_format(struct settings *settings,
                                  const oconfig_item_t *item) {
  static const char allowed[] = "a string with any of the words owner, name, "
                                "type, tag and id, each once, "
                                "such as \"owner name\"";
  const oconfig_value_t *value = option_one_value(item, allowed);
  if (value == NULL)
    return false;
  return (value->type == OCONFIG_TYPE_STRING &&
          group_name_format_parse(value->value.string,
                                  &settings->instance_format) == 0) ||
         option_reject(item, value, allowed);
}

static void list_group_metrics(char *buf, size_t size) {
  size_t metrics_num = 0;
  const struct metric *metrics = metrics_all(&metrics_num);
  size_t len = (size_t)snprintf(buf, size, "one or more of");
  for (size_t i = 0; i < metrics_num && len < size; i++)
    if (metrics[i].group_scope != METRIC_NEVER)
      len += (size_t)snprintf(buf + len, size - len, " %s", metrics[i].key);
  if (len < size)
    snprintf(buf + len, size - len, ", each in quotes of its own");
}

static bool add_metric(void *context, const oconfig_item_t *item,
                       const oconfig_value_t *value) {
  struct settings *settings = context;
  metric_set metric = metrics_find(value->value.string);
  if (metric == 0) {
    char allowed[512];
    list_group_metrics(allowed, sizeof(allowed));
    return option_reject(item, value, allowed);
  }
  if (!settings->names_metrics)
    settings->group_metrics = 0;
  settings->names_metrics = true;
  settings->group_metrics |= metric;
  return true;
}

static bool parse_metrics(struct settings *settings,
                          const oconfig_item_t *item) {
  char allowed[512];
  list_group_metrics(allowed, sizeof(allowed));
  return option_each_string(item, allowed, add_metric, settings);
}

static bool parse_whole(const oconfig_item_t *item, int max,
                        size_t *ret_number) {
  char allowed[64];
  snprintf(allowed, sizeof(allowed), "a whole number from 0 to %d", max);
  double number = 0.0;
  if (!option_number(item, allowed, max, &number))
    return false;
  size_t whole = (size_t)number;
  if ((double)whole != number)
    return option_reject(item, &item->values[0], allowed);
  *ret_number = whole;
  return true;
}

static bool parse_max_instances(struct settings *settings,
                                const oconfig_item_t *item) {
  return parse_whole(item, MAX_INSTANCES_MAX, &settings->max_instances);
}

static bool parse_map_fill_top(struct settings *settings,
                               const oconfig_item_t *item) {
  return parse_whole(item, MAP_FILL_TOP_MAX, &settings->map_fill_top);
}

static bool parse_map_fill_threshold(struct settings *settings,
                                     const oconfig_item_t *item) {
  return option_number(item, "percent from 0 to 100, such as 95",
                       FILL_MAX_PERCENT, &settings->map_fill_threshold);
}

static bool parse_memory_every(struct settings *settings,
                               const oconfig_item_t *item) {
  return parse_whole(item, MEMORY_EVERY_MAX, &settings->memory_every);
}

/* Half of the interval, the upper limit, is known to settings_check(). */
static bool parse_sample_window(struct settings *settings,
                                const oconfig_item_t *item) {
  static const char allowed[] =
      "0, or seconds from 0.001 to half of the interval";
  double window_s = 0.0;
  if (!option_number(item, allowed, SAMPLE_WINDOW_MAX_S, &window_s))
    return false;
  if (window_s > 0.0 && window_s < SAMPLE_WINDOW_MIN_S)
    return option_reject(item, &item->values[0], allowed);
  settings->sample_window_s = window_s;
  return true;
}

static bool parse_overhead_limit(struct settings *settings,
                                 const oconfig_item_t *item) {
  return option_number(item, "percent of one CPU from 0 to 10000, such as 1",
                       OVERHEAD_LIMIT_MAX, &settings->overhead_limit_percent);
}

static bool parse_miss_rate_threshold(struct settings *settings,
                                      const oconfig_item_t *item) {
  return option_number(item, "a rate from 0 to 1, such as 0.01", 1.0,
                       &settings->miss_rate_threshold);
}

static bool parse_regression_threshold(struct settings *settings,
                                       const oconfig_item_t *item) {
  return option_number(item, "percent from 0 to 10000, such as 50",
                       REGRESSION_MAX_PERCENT, &settings->regression_threshold);
}

static bool parse_cost_threshold(struct settings *settings,
                                 const oconfig_item_t *item) {
  return option_number(item, "percent of one CPU from 0 to 1000000, such as 10",
                       COST_MAX_PERCENT, &settings->cost_threshold);
}

static bool parse_source(struct settings *settings,
                         const oconfig_item_t *item) {
  static const char allowed[] = "\"auto\", \"iterator\" or \"syscall\"";
  static const char *const words[] = {
      [SOURCE_AUTO] = "auto",
      [SOURCE_ITERATOR] = "iterator",
      [SOURCE_SYSCALL] = "syscall",
  };
  const oconfig_value_t *value = option_one_value(item, allowed);
  if (value == NULL)
    return false;
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (value->type == OCONFIG_TYPE_STRING &&
        strcasecmp(value->value.string, words[i]) == 0) {
      settings->source = (enum source_kind)i;
      return true;
    }
  return option_reject(item, value, allowed);
}

static bool is_file_path(const char *path) {
  return path[0] == '/' && path[strlen(path) - 1] != '/';
}

static bool parse_iterator_pin(struct settings *settings,
                               const oconfig_item_t *item) {
  static const char allowed[] = "the absolute path of a pinned iterator, such "
                                "as \"/run/bpf_stats/iterator\"";
  const oconfig_value_t *value = option_one_value(item, allowed);
  if (value == NULL)
    return false;
  char *path = NULL;
  if (value->type == OCONFIG_TYPE_STRING && is_file_path(value->value.string))
    path = strdup(value->value.string);
  if (path == NULL)
    return option_reject(item, value, allowed);
  free(settings->iterator_pin);
  settings->iterator_pin = path;
  return true;
}

static const struct option options[] = {
    {"EnableStats", NULL, offsetof(struct settings, enable_stats)},
    {"OverheadLimit", parse_overhead_limit, 0},
    {"SampleWindow", parse_sample_window, 0},
    {"Program", parse_program, 0},
    {"ProgramType", parse_program_type, 0},
    {"Owner", parse_owner, 0},
    {"IgnoreSelected", parse_ignore_selected, 0},
    {"PluginInstanceFormat", parse_instance_format, 0},
    {"Metrics", parse_metrics, 0},
    {"IdleGroups", NULL, offsetof(struct settings, idle_groups)},
    {"MaxInstances", parse_max_instances, 0},
    {"MissRateThreshold", parse_miss_rate_threshold, 0},
    {"NotifyChanges", NULL, offsetof(struct settings, notify_changes)},
    {"RegressionThreshold", parse_regression_threshold, 0},
    {"CostThreshold", parse_cost_threshold, 0},
    {"MapFillTop", parse_map_fill_top, 0},
    {"MapFillThreshold", parse_map_fill_threshold, 0},
    {"MemoryEvery", parse_memory_every, 0},
    {"Source", parse_source, 0},
    {"IteratorPin", parse_iterator_pin, 0},
    {"WatchUnload", NULL, offsetof(struct settings, watch_unload)},
    {"LogStats", NULL, offsetof(struct settings, log_stats)},
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
      settings->wrong |= !option_reject(item, NULL, "a line, not a block");
    else if (option->parse != NULL)
      settings->wrong |= !option->parse(settings, item);
    else
      settings->wrong |=
          !option_boolean(item, (bool *)((char *)settings + option->boolean));
  }
}

bool settings_need_memory(const struct settings *settings) {
  return (settings->group_metrics & metrics_find("memory")) != 0;
}

bool settings_need_owners(const struct settings *settings) {
  return group_name_has(&settings->instance_format, GROUP_NAME_OWNER) ||
         selector_needs_owner(settings->selector);
}

static void check_window(struct settings *settings, double interval_s) {
  double window_s = settings->sample_window_s;
  if (window_s == 0.0)
    return;
  if (!settings->enable_stats) {
    ERROR(
        "bpf_stats: option SampleWindow, value %g: needs \"EnableStats true\". "
        "The plugin is not started.",
        window_s);
    settings->wrong = true;
  } else if (window_s > interval_s / 2.0) {
    ERROR(
        "bpf_stats: option SampleWindow, value %g: allowed is at most %g, half "
        "of the interval. The plugin is not started.",
        window_s, interval_s / 2.0);
    settings->wrong = true;
  }
}

/* A group that holds programs of several names has no versions. */
static void check_versions(struct settings *settings) {
  if (group_name_has(&settings->instance_format, GROUP_NAME_NAME) ||
      (!settings->notify_changes && settings->regression_threshold == 0.0))
    return;
  char option[64] = "NotifyChanges, value true";
  if (!settings->notify_changes)
    snprintf(option, sizeof(option), "RegressionThreshold, value %g",
             settings->regression_threshold);
  ERROR("bpf_stats: option %s: needs the word name in PluginInstanceFormat. "
        "The plugin is not started.",
        option);
  settings->wrong = true;
}

/* What cannot be shown without reading maps. */
static void check_maps(struct settings *settings) {
  const bool wants_memory = settings_need_memory(settings);
  if (settings->memory_every != 0 ||
      (!wants_memory && settings->map_fill_top == 0))
    return;
  ERROR("bpf_stats: option MemoryEvery, value 0: maps have to be read for %s. "
        "The plugin is not started.",
        wants_memory ? "Metrics \"memory\"" : "MapFillTop");
  settings->wrong = true;
}

void settings_check(struct settings *settings, double interval_s) {
  check_window(settings, interval_s);
  check_maps(settings);
  check_versions(settings);
}
