/* SPDX-License-Identifier: MIT */
/* fuzz_settings: any tree of options that collectd can make of a
 * configuration.
 *
 * Input: the interval, then for each option its key, whether it is a block, and
 * its values. */
#include "input.h"

#include "settings.h"

#include "../unit/config_tree.h"
#include "../unit/fake_collectd.h"

#include <ctype.h>
#include <string.h>

/* Each value can have a line of its own, and fake_collectd has room for 64. */
enum { ITEMS_MAX = 7, BLOCKS_MAX = 3, STRING_MAX = 1200 };

static const char *const keys[] = {
    "EnableStats",
    "SampleWindow",
    "Program",
    "ProgramType",
    "MaxInstances",
    "IgnoreSelected",
    "Metrics",
    "Source",
    "PluginInstanceFormat",
    "IteratorPin",
    "WatchUnload",
    "MissRateThreshold",
    "LogStats",
    "samplewindow",
    "Owner",
    "NotifyChanges",
    "RegressionThreshold",
    "CostThreshold",
    "Nonsense",
    "enable_stats",
};
enum { KEYS_NUM = sizeof(keys) / sizeof(keys[0]), KEYS_UNKNOWN_FROM = 18 };

static const char *const words[] = {
    "auto",        "iterator",      "syscall",  "name",
    "type",        "name-type tag", "id",       "xdp",
    "kprobe",      "true",          "off",      "invocations",
    "run_time_ns", "memory",        "/^a.*b$/", "/",
    "//",          "/run/pin",      "",         "coverage",
    "miss_rate",   "/a(b/",         "/[a-/",    "owner name",
};
enum { WORDS_NUM = sizeof(words) / sizeof(words[0]) };

static const double numbers[] = {
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.01,
    0.0005,
    0.001,
    4.999,
    5.0,
    1.5,
    1e6,
    1000001.0,
    86400.0,
    1e300,
    -1e300,
    __builtin_inf(),
    -__builtin_inf(),
    __builtin_nan(""),
};
enum { NUMBERS_NUM = sizeof(numbers) / sizeof(numbers[0]) };

static struct config_tree tree;

/* A string of the input, in memory of just its size. */
static char *take_string(struct input *input) {
  size_t size = take_byte(input);
  size = size > 250 ? STRING_MAX - 255 + size : size;
  size = size < input->size ? size : input->size;
  char *string = malloc(size + 1);
  size_t len = 0;
  for (size_t i = 0; i < size; i++) {
    char c = (char)take_byte(input);
    if (c != '\0')
      string[len++] = c;
  }
  string = realloc(string, len + 1);
  string[len] = '\0';
  return string;
}

static void add_value(struct input *input, oconfig_item_t *item) {
  uint8_t kind = take_byte(input);
  double number = 0.0;
  switch (kind % 8) {
  case 0:
  case 1:
    tree_string(item, take_string(input));
    break;
  case 2:
  case 3:
    tree_string(item, strdup(words[take_byte(input) % WORDS_NUM]));
    break;
  case 4:
    take_bytes(input, &number, sizeof(number));
    tree_number(item, number);
    break;
  case 5:
  case 6:
    tree_number(item, numbers[take_byte(input) % NUMBERS_NUM]);
    break;
  default:
    tree_boolean(item, kind >> 7);
  }
}

/* Returns how many options the plugin does not know. */
static size_t make_block(struct input *input) {
  size_t unknown = 0;
  tree_init(&tree);
  for (size_t i = 0; i < ITEMS_MAX && input->size > 0; i++) {
    size_t key = take_byte(input) % KEYS_NUM;
    uint8_t shape = take_byte(input);
    oconfig_item_t *item = tree_option(&tree, keys[key]);
    unknown += key >= KEYS_UNKNOWN_FROM;
    /* One value is what most options want. */
    size_t values_num = (shape & 0x80) != 0 ? shape % 9 : 1;
    for (size_t v = 0; v < values_num; v++)
      add_value(input, item);
    if ((shape & 0x7f) == 0x7f) {
      item->children = &tree.block;
      item->children_num = 1;
    }
  }
  return unknown;
}

static void free_strings(void) {
  for (int i = 0; i < tree.block.children_num; i++)
    for (int v = 0; v < tree.items[i].values_num; v++)
      if (tree.values[i][v].type == OCONFIG_TYPE_STRING)
        free(tree.values[i][v].value.string);
}

/* Returns whether an error was logged. */
static bool check_lines(size_t unknown) {
  size_t types = 0; /* that no host knows */
  for (size_t i = 0; i < fake_collectd.lines_num; i++) {
    const char *line = fake_collectd.lines[i].text;
    bool is_error = fake_collectd.lines[i].severity == LOG_ERR;
    bool is_type =
        !is_error && strstr(line, ": this host knows no such") != NULL;
    const char *end = is_error  ? "The plugin is not started."
                      : is_type ? "tracepoint xdp."
                                : "see collectd-bpf_stats(5)";
    types += is_type;
    demand(strncmp(line, "bpf_stats: option ", 18) == 0, "names an option");
    demand(strlen(line) >= strlen(end) &&
               strcmp(line + strlen(line) - strlen(end), end) == 0,
           "a line is whole");
    for (; *line != '\0'; line++)
      demand(!iscntrl((unsigned char)*line), "a line has no control bytes");
  }
  demand(fake_collectd_count(LOG_WARNING) == unknown + types,
         "a warning for each unknown option");
  return fake_collectd_count(LOG_ERR) > 0;
}

static void check_format(const struct group_name_format *format) {
  demand(format->parts_num >= 1 && format->parts_num <= GROUP_NAME_PARTS,
         "1 to 4 parts of a name");
  unsigned set = 0;
  for (size_t i = 0; i < format->parts_num; i++) {
    demand(format->parts[i] < GROUP_NAME_PARTS &&
               (set & 1u << format->parts[i]) == 0,
           "each part of a name once");
    set |= 1u << format->parts[i];
  }
}

static void check_bounds(const struct settings *settings) {
  double window_s = settings->sample_window_s;
  double threshold = settings->miss_rate_threshold;
  size_t num = 0;
  const struct metric *metrics = metrics_all(&num);
  demand(window_s == 0.0 || (window_s >= 0.001 && window_s <= 86400.0),
         "bounds of SampleWindow");
  demand(threshold >= 0.0 && threshold <= 1.0, "bounds of MissRateThreshold");
  demand(settings->regression_threshold >= 0.0 &&
             settings->regression_threshold <= 10000.0,
         "bounds of RegressionThreshold");
  demand(settings->cost_threshold >= 0.0 && settings->cost_threshold <= 1e6,
         "bounds of CostThreshold");
  demand(settings->max_instances <= 1000000, "bounds of MaxInstances");
  demand(settings->source >= SOURCE_AUTO && settings->source <= SOURCE_SYSCALL,
         "a known Source");
  demand(settings->iterator_pin == NULL || settings->iterator_pin[0] == '/',
         "IteratorPin is absolute");
  demand(settings->group_metrics != 0 && settings->group_metrics >> num == 0,
         "known Metrics");
  for (size_t i = 0; i < num; i++)
    demand((settings->group_metrics >> i & 1) == 0 ||
               metrics[i].group_scope != METRIC_NEVER,
           "Metrics of groups");
  check_format(&settings->instance_format);
}

/* The options together, and that the selector is of use. */
static void check_settings(struct settings *settings, double interval_s) {
  fake_collectd_clear();
  settings_check(settings, interval_s);
  demand(settings->wrong == check_lines(0),
         "wrong if, and only if, it is said");
  if (settings->wrong)
    return;
  double window_s = settings->sample_window_s;
  demand(window_s <= interval_s / 2.0 || window_s == 0.0, "half an interval");
  demand(window_s == 0.0 || settings->enable_stats, "windows need statistics");
  demand(
      group_name_has(&settings->instance_format, GROUP_NAME_NAME) ||
          (!settings->notify_changes && settings->regression_threshold == 0.0),
      "versions need names");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input input = {data, size};
  struct settings settings;
  bool wrong = false;
  double interval_s = numbers[take_byte(&input) % NUMBERS_NUM];
  if (!(interval_s > 0.0)) /* collectd takes no other */
    interval_s = 10.0;
  demand(settings_init(&settings) == 0, "there is memory");
  for (int i = 0; i < BLOCKS_MAX && input.size > 0; i++) {
    fake_collectd_reset();
    size_t unknown = make_block(&input);
    settings_parse(&settings, &tree.block);
    wrong |= check_lines(unknown);
    demand(settings.wrong == wrong, "wrong if, and only if, it is said");
    check_bounds(&settings);
    free_strings();
  }
  if (!wrong)
    check_settings(&settings, interval_s);
  settings_clear(&settings);
  settings_clear(&settings);
  return 0;
}
