/* SPDX-License-Identifier: MIT */
/* Unit tests of settings: each option, and each kind of wrong value. */
#include "suites.h"

#include "config_tree.h"
#include "fake_collectd.h"
#include "fake_libbpf.h"
#include "prog_type.h"
#include "settings.h"

#include <math.h>
#include <string.h>

static struct settings settings;
static struct config_tree tree;

static void setup(void) {
  fake_collectd_reset();
  fake_libbpf_reset();
  tree_init(&tree);
  ck_assert_int_eq(settings_init(&settings), 0);
}

static void teardown(void) {
  settings_clear(&settings);
  prog_types_clear();
}

static oconfig_item_t *option(const char *key) {
  return tree_option(&tree, key);
}

static void parse_silently(void) {
  settings_parse(&settings, &tree.block);
  ck_assert_msg(fake_collectd.lines_num == 0, "logged: %s",
                fake_collectd.lines[0].text);
  ck_assert(!settings.wrong);
}

/* Demands one error line, which begins and goes on as given. */
static void parse_wrong(const char *begin, const char *allowed) {
  settings_parse(&settings, &tree.block);
  ck_assert(settings.wrong);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_ERR);
  const char *line = fake_collectd.lines[0].text;
  ck_assert_msg(strncmp(line, begin, strlen(begin)) == 0, "logged: %s", line);
  ck_assert_msg(strstr(line, allowed) != NULL, "logged: %s", line);
  const char end[] = "The plugin is not started.";
  ck_assert_str_eq(line + strlen(line) - strlen(end), end);
}

START_TEST(settings_init__defaults__are_those_of_the_manual) {
  ck_assert(!settings.wrong);
  ck_assert(settings.enable_stats);
  ck_assert(!settings.log_stats);
  ck_assert(settings.watch_unload);
  ck_assert(selector_matches(settings.selector, "any", "xdp", "_unknown"));
  ck_assert_uint_eq(settings.instance_format.parts_num, 1);
  ck_assert_int_eq(settings.instance_format.parts[0], GROUP_NAME_NAME);
  ck_assert_uint_eq(settings.group_metrics, metrics_default());
  ck_assert_uint_eq(settings.max_instances, 1000);
  ck_assert_uint_eq(settings.memory_every, 6);
  ck_assert_uint_eq(settings.map_fill_top, 0);
  ck_assert_double_eq(settings.map_fill_threshold, 95);
  ck_assert_double_eq(settings.sample_window_s, 0);
  ck_assert_double_eq(settings.overhead_limit_percent, 1);
  ck_assert_double_eq(settings.miss_rate_threshold, 0.01);
  ck_assert(!settings.notify_changes);
  ck_assert_double_eq(settings.regression_threshold, 0);
  ck_assert_double_eq(settings.cost_threshold, 0);
  settings_check(&settings, 10);
  ck_assert(!settings.wrong);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

/* Parses SampleWindow, and checks it in an interval of 10 s. */
static void check_sample_window(double window_s) {
  tree_number(option("SampleWindow"), window_s);
  settings_parse(&settings, &tree.block);
  ck_assert(!settings.wrong);
  settings_check(&settings, 10);
}

START_TEST(settings_check__window_up_to_half_of_the_interval__is_taken) {
  check_sample_window(5);
  ck_assert(!settings.wrong);
  ck_assert_double_eq(settings.sample_window_s, 5);
  ck_assert_uint_eq(fake_collectd.lines_num, 0);
}
END_TEST

START_TEST(settings_check__longer_window__is_one_line_with_the_limit) {
  check_sample_window(5.01);
  ck_assert(settings.wrong);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: option SampleWindow, value 5.01: allowed is at "
                   "most 5, half of the interval. The plugin is not started.");
}
END_TEST

START_TEST(settings_check__window_without_EnableStats__is_one_line) {
  tree_boolean(option("EnableStats"), false);
  check_sample_window(1);
  ck_assert(settings.wrong);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: option SampleWindow, value 1: needs "
                   "\"EnableStats true\". The plugin is not started.");
}
END_TEST

START_TEST(settings_parse__miss_rate_threshold__zero_is_none) {
  tree_number(option("MissRateThreshold"), 0);
  parse_silently();
  ck_assert_double_eq(settings.miss_rate_threshold, 0);
}
END_TEST

START_TEST(settings_parse__changes__are_taken) {
  tree_boolean(option("NotifyChanges"), true);
  tree_number(option("RegressionThreshold"), 50);
  tree_string(option("CostThreshold"), "12.5");
  parse_silently();
  ck_assert(settings.notify_changes);
  ck_assert_double_eq(settings.regression_threshold, 50);
  ck_assert_double_eq(settings.cost_threshold, 12.5);
  settings_check(&settings, 10);
  ck_assert(!settings.wrong);
}
END_TEST

/* Groups of programs of several names have no versions. */
static void check_without_names(const char *line) {
  tree_string(option("PluginInstanceFormat"), "owner type");
  settings_parse(&settings, &tree.block);
  ck_assert(!settings.wrong);
  settings_check(&settings, 10);
  ck_assert(settings.wrong);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_str_eq(fake_collectd.lines[0].text, line);
}

START_TEST(settings_check__changes_without_names__is_one_line) {
  tree_boolean(option("NotifyChanges"), true);
  tree_number(option("RegressionThreshold"), 50);
  check_without_names("bpf_stats: option NotifyChanges, value true: needs the "
                      "word name in PluginInstanceFormat. The plugin is not "
                      "started.");
}
END_TEST

START_TEST(settings_check__regressions_without_names__is_one_line) {
  tree_number(option("RegressionThreshold"), 50);
  tree_number(option("CostThreshold"), 50);
  check_without_names("bpf_stats: option RegressionThreshold, value 50: needs "
                      "the word name in PluginInstanceFormat. The plugin is "
                      "not started.");
}
END_TEST

START_TEST(settings_parse__empty_block__keeps_the_defaults) {
  parse_silently();
  ck_assert(settings.enable_stats);
}
END_TEST

START_TEST(settings_parse__booleans__as_words_of_any_kind) {
  tree_boolean(option("EnableStats"), 0);
  tree_string(option("LogStats"), "yes");
  tree_boolean(option("WatchUnload"), 0);
  parse_silently();
  ck_assert(!settings.enable_stats);
  ck_assert(settings.log_stats);
  ck_assert(!settings.watch_unload);
  tree_init(&tree);
  tree_string(option("enablestats"), "true");
  tree_string(option("LOGSTATS"), "off");
  parse_silently();
  ck_assert(settings.enable_stats);
  ck_assert(!settings.log_stats);
}
END_TEST

START_TEST(settings_parse__filters__reach_the_selector) {
  tree_string(option("Program"), "one");
  oconfig_item_t *several = option("Program");
  tree_string(several, "two");
  tree_string(several, "/^three/");
  tree_string(option("ProgramType"), "xdp");
  tree_string(option("ProgramType"), "kprobe");
  parse_silently();
  ck_assert(selector_matches(settings.selector, "one", "xdp", "_unknown"));
  ck_assert(selector_matches(settings.selector, "two", "kprobe", "_unknown"));
  ck_assert(
      selector_matches(settings.selector, "three_more", "xdp", "_unknown"));
  ck_assert(!selector_matches(settings.selector, "four", "xdp", "_unknown"));
  ck_assert(
      !selector_matches(settings.selector, "one", "sched_cls", "_unknown"));
}
END_TEST

START_TEST(settings_parse__owners__are_found_for_a_name_or_a_filter) {
  ck_assert(!settings_need_owners(&settings));
  tree_string(option("PluginInstanceFormat"), "owner name");
  parse_silently();
  ck_assert(settings_need_owners(&settings));
  tree_init(&tree);
  tree_string(option("PluginInstanceFormat"), "name");
  parse_silently();
  ck_assert(!settings_need_owners(&settings));
  tree_init(&tree);
  oconfig_item_t *owner = option("Owner");
  tree_string(owner, "falco.service");
  tree_string(owner, "/^user\\//");
  parse_silently();
  ck_assert(settings_need_owners(&settings));
  ck_assert(selector_matches(settings.selector, "a", "xdp", "user/b.service"));
  ck_assert(!selector_matches(settings.selector, "a", "xdp", "_unknown"));
}
END_TEST

START_TEST(settings_parse__ignore_selected__turns_the_filters_around) {
  tree_boolean(option("IgnoreSelected"), 1);
  tree_string(option("Program"), "one");
  parse_silently();
  ck_assert(!selector_matches(settings.selector, "one", "xdp", "_unknown"));
  ck_assert(selector_matches(settings.selector, "two", "xdp", "_unknown"));
}
END_TEST

START_TEST(settings_parse__instance_format__is_taken) {
  tree_string(option("PluginInstanceFormat"), "type name");
  parse_silently();
  ck_assert_uint_eq(settings.instance_format.parts_num, 2);
  ck_assert_int_eq(settings.instance_format.parts[0], GROUP_NAME_TYPE);
  ck_assert_int_eq(settings.instance_format.parts[1], GROUP_NAME_NAME);
}
END_TEST

START_TEST(settings_parse__metrics__replace_the_default_and_add_up) {
  oconfig_item_t *metrics = option("Metrics");
  tree_string(metrics, "invocations");
  tree_string(metrics, "cpu_percent");
  tree_string(option("Metrics"), "memory");
  parse_silently();
  ck_assert_uint_eq(settings.group_metrics, metrics_find("invocations") |
                                                metrics_find("cpu_percent") |
                                                metrics_find("memory"));
}
END_TEST

START_TEST(settings_parse__max_instances__from_zero_to_a_million) {
  tree_number(option("MaxInstances"), 0);
  parse_silently();
  ck_assert_uint_eq(settings.max_instances, 0);
  tree_number(option("MaxInstances"), 1000000);
  parse_silently();
  ck_assert_uint_eq(settings.max_instances, 1000000);
}
END_TEST

START_TEST(settings_parse__memory_every__from_zero_to_a_million) {
  tree_number(option("MemoryEvery"), 0);
  parse_silently();
  ck_assert_uint_eq(settings.memory_every, 0);
  tree_number(option("MemoryEvery"), 1000000);
  parse_silently();
  ck_assert_uint_eq(settings.memory_every, 1000000);
}
END_TEST

START_TEST(settings_check__maps_never_read_but_wanted__is_one_error) {
  tree_number(option("MemoryEvery"), 0);
  if (_i == 0)
    tree_string(option("Metrics"), "memory");
  else
    tree_number(option("MapFillTop"), 5);
  settings_parse(&settings, &tree.block);
  ck_assert(!settings.wrong);
  settings_check(&settings, 10);
  ck_assert(settings.wrong);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_str_eq(
      fake_collectd.lines[0].text,
      _i == 0 ? "bpf_stats: option MemoryEvery, value 0: maps have to be read "
                "for Metrics \"memory\". The plugin is not started."
              : "bpf_stats: option MemoryEvery, value 0: maps have to be read "
                "for MapFillTop. The plugin is not started.");
}
END_TEST

START_TEST(settings_parse__map_fill__is_taken) {
  tree_number(option("MapFillTop"), 10);
  tree_number(option("MapFillThreshold"), 0);
  parse_silently();
  ck_assert_uint_eq(settings.map_fill_top, 10);
  ck_assert_double_eq(settings.map_fill_threshold, 0);
}
END_TEST

START_TEST(settings_parse__map_fill_above_its_limit__is_one_clear_line) {
  tree_number(option(_i == 0 ? "MapFillTop" : "MapFillThreshold"),
              _i == 0 ? 1001 : 100.5);
  parse_wrong(_i == 0 ? "bpf_stats: option MapFillTop, value 1001"
                      : "bpf_stats: option MapFillThreshold, value 100.5",
              _i == 0 ? "a whole number from 0 to 1000"
                      : "percent from 0 to 100");
}
END_TEST

START_TEST(settings_parse__memory_every_half_a_read__is_one_clear_line) {
  tree_number(option("MemoryEvery"), 1.5);
  parse_wrong("bpf_stats: option MemoryEvery, value 1.5",
              "a whole number from 0 to 1000000");
}
END_TEST

START_TEST(settings_parse__source__is_taken) {
  ck_assert_int_eq(settings.source, SOURCE_AUTO);
  tree_string(option("Source"), "iterator");
  parse_silently();
  ck_assert_int_eq(settings.source, SOURCE_ITERATOR);
  tree_string(option("Source"), "Syscall");
  parse_silently();
  ck_assert_int_eq(settings.source, SOURCE_SYSCALL);
}
END_TEST

START_TEST(settings_parse__iterator_pin__last_one_is_kept) {
  ck_assert_ptr_null(settings.iterator_pin);
  tree_string(option("IteratorPin"), "/first");
  tree_string(option("IteratorPin"), "/second");
  parse_silently();
  ck_assert_str_eq(settings.iterator_pin, "/second");
}
END_TEST

/* Configuration management quotes numbers. */
START_TEST(settings_parse__quoted_numbers__are_taken) {
  tree_string(option("MaxInstances"), "100");
  tree_string(option("SampleWindow"), "0.25");
  tree_string(option("MissRateThreshold"), "5e-2");
  parse_silently();
  ck_assert_uint_eq(settings.max_instances, 100);
  ck_assert_double_eq(settings.sample_window_s, 0.25);
  ck_assert_double_eq(settings.miss_rate_threshold, 0.05);
}
END_TEST

static const char *const no_numbers[] = {
    "",    " 5",  "5 ",  "5 %", "0x10", "inf", "nan", "1e999",
    "1,5", "5ms", "--5", "5.5", "1e",   "+",   "5\n", "-1"};

START_TEST(settings_parse__quoted_but_no_such_number__is_one_clear_line) {
  tree_string(option("MaxInstances"), no_numbers[_i]);
  parse_wrong("bpf_stats: option MaxInstances, value \"",
              "a whole number from 0 to 1000000");
  ck_assert_uint_eq(settings.max_instances, 1000);
}
END_TEST

START_TEST(settings_parse__type_of_another_host__is_a_warning) {
  oconfig_item_t *types = option("ProgramType");
  tree_string(types, "netfilter");
  tree_string(types, "xdp");
  settings_parse(&settings, &tree.block);
  ck_assert(!settings.wrong);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_WARNING);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: option ProgramType, value \"netfilter\": this "
                   "host knows no such type, so it selects nothing. Known are "
                   "socket_filter kprobe sched_cls sched_act tracepoint xdp.");
  ck_assert(selector_matches(settings.selector, "any", "xdp", "_unknown"));
  ck_assert(!selector_matches(settings.selector, "any", "kprobe", "_unknown"));
}
END_TEST

START_TEST(settings_parse__no_type_of_this_host__selects_nothing) {
  tree_string(option("ProgramType"), "netfilter");
  settings_parse(&settings, &tree.block);
  ck_assert(!settings.wrong);
  ck_assert_uint_eq(fake_collectd_count(LOG_WARNING), 1);
  ck_assert(!selector_matches(settings.selector, "any", "xdp", "_unknown"));
}
END_TEST

START_TEST(settings_parse__type_that_only_the_kernel_knows__is_taken) {
  fake_libbpf.kernel_types = "7 BPF_PROG_TYPE_PERF_EVENT";
  tree_string(option("ProgramType"), "perf_event");
  parse_silently();
  ck_assert(
      selector_matches(settings.selector, "any", "perf_event", "_unknown"));
  ck_assert_int_eq(fake_libbpf.btfs_held, 0);
}
END_TEST

START_TEST(settings_parse__unknown_option__is_a_warning) {
  tree_string(option("EnabelStats"), "true");
  tree_number(option("MaxInstances"), 5);
  settings_parse(&settings, &tree.block);
  ck_assert(!settings.wrong);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_WARNING);
  ck_assert_str_eq(fake_collectd.lines[0].text,
                   "bpf_stats: option EnabelStats is unknown and ignored; see "
                   "collectd-bpf_stats(5)");
  ck_assert_uint_eq(settings.max_instances, 5);
}
END_TEST

START_TEST(settings_parse__two_wrong_values__are_two_lines) {
  tree_number(option("MaxInstances"), -1);
  tree_string(option("Source"), "magic");
  settings_parse(&settings, &tree.block);
  ck_assert_uint_eq(fake_collectd_count(LOG_ERR), 2);
}
END_TEST

struct wrong_value {
  const char *key;
  int type;
  const char *string;
  double number;
  const char *begin;
  const char *allowed;
};

static const struct wrong_value wrong_values[] = {
    {"EnableStats", OCONFIG_TYPE_STRING, "maybe", 0,
     "bpf_stats: option EnableStats, value \"maybe\": ", "true or false"},
    {"EnableStats", OCONFIG_TYPE_NUMBER, NULL, 2,
     "bpf_stats: option EnableStats, value 2: ", "true or false"},
    {"WatchUnload", OCONFIG_TYPE_STRING, "perhaps", 0,
     "bpf_stats: option WatchUnload, value \"perhaps\": ", "true or false"},
    {"LogStats", OCONFIG_TYPE_NUMBER, NULL, 1,
     "bpf_stats: option LogStats, value 1: ", "true or false"},
    {"IgnoreSelected", OCONFIG_TYPE_STRING, "", 0,
     "bpf_stats: option IgnoreSelected, value \"\": ", "true or false"},
    {"Program", OCONFIG_TYPE_STRING, "/xdp[/", 0,
     "bpf_stats: option Program, value \"/xdp[/\": ",
     "an exact name or \"/POSIX extended regex/\" ("},
    {"Program", OCONFIG_TYPE_STRING, "", 0,
     "bpf_stats: option Program, value \"\": ", "(it is empty)"},
    {"Program", OCONFIG_TYPE_STRING, "/open", 0,
     "bpf_stats: option Program, value \"/open\": ", "slash at its end"},
    {"Program", OCONFIG_TYPE_STRING, "xdp_*", 0,
     "bpf_stats: option Program, value \"xdp_*\": ",
     "(no program's name has a '*'; a regex is written like \"/^xdp_/\")"},
    {"Program", OCONFIG_TYPE_STRING, "/^p_\\d+$/", 0,
     "bpf_stats: option Program, value \"/^p_\\d+$/\": ",
     "(POSIX knows no \\d; a digit is [0-9], a letter [a-z])"},
    {"Program", OCONFIG_TYPE_NUMBER, NULL, 7,
     "bpf_stats: option Program, value 7: ", "an exact name"},
    {"Owner", OCONFIG_TYPE_STRING, "", 0,
     "bpf_stats: option Owner, value \"\": ", "(it is empty)"},
    {"Owner", OCONFIG_TYPE_STRING, "/falco[/", 0,
     "bpf_stats: option Owner, value \"/falco[/\": ",
     "an exact name or \"/POSIX extended regex/\" ("},
    {"Owner", OCONFIG_TYPE_NUMBER, NULL, 7,
     "bpf_stats: option Owner, value 7: ", "an exact name"},
    {"ProgramType", OCONFIG_TYPE_STRING, "XDP", 0,
     "bpf_stats: option ProgramType, value \"XDP\": ",
     "one of socket_filter kprobe sched_cls sched_act tracepoint xdp."},
    {"ProgramType", OCONFIG_TYPE_STRING, "", 0,
     "bpf_stats: option ProgramType, value \"\": ", "one of socket_filter"},
    {"ProgramType", OCONFIG_TYPE_STRING, "xdp kprobe", 0,
     "bpf_stats: option ProgramType, value \"xdp kprobe\": ",
     "one of socket_filter"},
    {"ProgramType", OCONFIG_TYPE_STRING, "32", 0,
     "bpf_stats: option ProgramType, value \"32\": ", "one of socket_filter"},
    {"ProgramType", OCONFIG_TYPE_BOOLEAN, NULL, 1,
     "bpf_stats: option ProgramType, value true: ", "a program type"},
    {"PluginInstanceFormat", OCONFIG_TYPE_STRING, "name uid", 0,
     "bpf_stats: option PluginInstanceFormat, value \"name uid\": ",
     "owner, name, type, tag and id"},
    {"PluginInstanceFormat", OCONFIG_TYPE_NUMBER, NULL, 1,
     "bpf_stats: option PluginInstanceFormat, value 1: ", "tag and id"},
    {"Metrics", OCONFIG_TYPE_STRING, "coverage", 0,
     "bpf_stats: option Metrics, value \"coverage\": ",
     "one or more of invocations run_time_ns recursion_misses ns_per_call "
     "miss_rate programs cpu_percent ns_per_call_lifetime miss_rate_lifetime "
     "memory loads age, each in quotes of its own."},
    {"Metrics", OCONFIG_TYPE_STRING, "invocations,memory", 0,
     "bpf_stats: option Metrics, value \"invocations,memory\": ",
     "each in quotes of its own."},
    {"Metrics", OCONFIG_TYPE_NUMBER, NULL, 3,
     "bpf_stats: option Metrics, value 3: ", "one or more of invocations"},
    {"NotifyChanges", OCONFIG_TYPE_NUMBER, NULL, 1,
     "bpf_stats: option NotifyChanges, value 1: ", "true or false"},
    {"RegressionThreshold", OCONFIG_TYPE_NUMBER, NULL, -1,
     "bpf_stats: option RegressionThreshold, value -1: ",
     "percent from 0 to 10000, such as 50."},
    {"RegressionThreshold", OCONFIG_TYPE_NUMBER, NULL, 10001,
     "bpf_stats: option RegressionThreshold, value 10001: ", "percent"},
    {"RegressionThreshold", OCONFIG_TYPE_STRING, "50%", 0,
     "bpf_stats: option RegressionThreshold, value \"50%\": ", "percent"},
    {"CostThreshold", OCONFIG_TYPE_NUMBER, NULL, -0.5,
     "bpf_stats: option CostThreshold, value -0.5: ",
     "percent of one CPU from 0 to 1000000, such as 10."},
    {"CostThreshold", OCONFIG_TYPE_NUMBER, NULL, NAN,
     "bpf_stats: option CostThreshold, value nan: ", "percent of one CPU"},
    {"MaxInstances", OCONFIG_TYPE_NUMBER, NULL, -1,
     "bpf_stats: option MaxInstances, value -1: ",
     "a whole number from 0 to 1000000"},
    {"MaxInstances", OCONFIG_TYPE_NUMBER, NULL, 1.5,
     "bpf_stats: option MaxInstances, value 1.5: ", "a whole number"},
    {"MaxInstances", OCONFIG_TYPE_NUMBER, NULL, 1000001,
     "bpf_stats: option MaxInstances, value 1000001: ", "a whole number"},
    {"MaxInstances", OCONFIG_TYPE_NUMBER, NULL, NAN,
     "bpf_stats: option MaxInstances, value nan: ", "a whole number"},
    {"MaxInstances", OCONFIG_TYPE_STRING, "many", 0,
     "bpf_stats: option MaxInstances, value \"many\": ", "a whole number"},
    {"OverheadLimit", OCONFIG_TYPE_NUMBER, NULL, -0.1,
     "bpf_stats: option OverheadLimit, value -0.1: ", "from 0 to 10000"},
    {"SampleWindow", OCONFIG_TYPE_NUMBER, NULL, -1,
     "bpf_stats: option SampleWindow, value -1: ",
     "0, or seconds from 0.001 to half of the interval."},
    {"SampleWindow", OCONFIG_TYPE_NUMBER, NULL, 0.0009,
     "bpf_stats: option SampleWindow, value 0.0009: ", "from 0.001"},
    {"SampleWindow", OCONFIG_TYPE_NUMBER, NULL, INFINITY,
     "bpf_stats: option SampleWindow, value inf: ", "half of the interval"},
    {"SampleWindow", OCONFIG_TYPE_STRING, "100ms", 0,
     "bpf_stats: option SampleWindow, value \"100ms\": ", "seconds"},
    {"MissRateThreshold", OCONFIG_TYPE_NUMBER, NULL, 1.1,
     "bpf_stats: option MissRateThreshold, value 1.1: ",
     "a rate from 0 to 1, such as 0.01"},
    {"MissRateThreshold", OCONFIG_TYPE_NUMBER, NULL, NAN,
     "bpf_stats: option MissRateThreshold, value nan: ", "a rate from 0 to 1"},
    {"Source", OCONFIG_TYPE_STRING, "magic", 0,
     "bpf_stats: option Source, value \"magic\": ",
     "\"auto\", \"iterator\" or \"syscall\""},
    {"Source", OCONFIG_TYPE_BOOLEAN, NULL, 0,
     "bpf_stats: option Source, value false: ", "\"iterator\" or \"syscall\""},
    {"IteratorPin", OCONFIG_TYPE_STRING, "run/iterator", 0,
     "bpf_stats: option IteratorPin, value \"run/iterator\": ",
     "absolute path"},
    {"IteratorPin", OCONFIG_TYPE_STRING, "/run/bpf_stats/", 0,
     "bpf_stats: option IteratorPin, value \"/run/bpf_stats/\": ",
     "such as \"/run/bpf_stats/iterator\""},
    {"IteratorPin", OCONFIG_TYPE_STRING, "", 0,
     "bpf_stats: option IteratorPin, value \"\": ", "absolute path"},
    {"IteratorPin", OCONFIG_TYPE_NUMBER, NULL, 3,
     "bpf_stats: option IteratorPin, value 3: ", "absolute path"},
};

START_TEST(settings_parse__wrong_value__is_one_clear_line) {
  const struct wrong_value *wrong = &wrong_values[_i];
  oconfig_item_t *item = option(wrong->key);
  if (wrong->type == OCONFIG_TYPE_STRING)
    tree_string(item, wrong->string);
  else if (wrong->type == OCONFIG_TYPE_NUMBER)
    tree_number(item, wrong->number);
  else
    tree_boolean(item, wrong->number != 0);
  parse_wrong(wrong->begin, wrong->allowed);
}
END_TEST

static const char *const all_keys[] = {
    "EnableStats",          "Program",  "ProgramType",  "IgnoreSelected",
    "PluginInstanceFormat", "Metrics",  "MaxInstances", "Source",
    "IteratorPin",          "LogStats", "SampleWindow", "MissRateThreshold",
    "WatchUnload",          "Owner"};

START_TEST(settings_parse__no_value__is_one_clear_line) {
  option(all_keys[_i]);
  char begin[128];
  snprintf(begin, sizeof(begin),
           "bpf_stats: option %s, value (none): ", all_keys[_i]);
  parse_wrong(begin, "allowed is ");
}
END_TEST

START_TEST(settings_parse__a_block__is_one_clear_line) {
  oconfig_item_t child = {.key = "Inner"};
  oconfig_item_t *item = option(all_keys[_i]);
  item->children = &child;
  item->children_num = 1;
  parse_wrong("bpf_stats: option ", "a line, not a block");
}
END_TEST

START_TEST(settings_parse__two_values_for_one__is_one_clear_line) {
  oconfig_item_t *item = option("MaxInstances");
  tree_number(item, 5);
  tree_number(item, 6);
  parse_wrong("bpf_stats: option MaxInstances, value 6: ", "just one value");
  ck_assert_uint_eq(settings.max_instances, 1000);
}
END_TEST

START_TEST(settings_parse__control_bytes__do_not_reach_the_log) {
  tree_string(option("Source"), "a\nb\033[1mc\177\xe9");
  parse_wrong("bpf_stats: option Source, value \"a?b?[1mc?\xe9\": ",
              "\"auto\"");
}
END_TEST

START_TEST(settings_parse__long_wrong_value__is_cut_in_the_line) {
  static char value[5000];
  memset(value, 'x', sizeof(value) - 1);
  tree_string(option("Source"), value);
  parse_wrong("bpf_stats: option Source, value \"xxxx", "\"auto\"");
  ck_assert_uint_lt(strlen(fake_collectd.lines[0].text), 300);
}
END_TEST

START_TEST(settings_clear__twice__does_nothing_more) {
  settings_clear(&settings);
}
END_TEST

Suite *settings_suite(void) {
  Suite *suite = suite_create("settings");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, settings_init__defaults__are_those_of_the_manual);
  tcase_add_test(core, settings_parse__empty_block__keeps_the_defaults);
  tcase_add_test(core, settings_parse__booleans__as_words_of_any_kind);
  tcase_add_test(core, settings_parse__filters__reach_the_selector);
  tcase_add_test(core,
                 settings_parse__owners__are_found_for_a_name_or_a_filter);
  tcase_add_test(core,
                 settings_parse__ignore_selected__turns_the_filters_around);
  tcase_add_test(core, settings_parse__instance_format__is_taken);
  tcase_add_test(core, settings_parse__metrics__replace_the_default_and_add_up);
  tcase_add_test(core, settings_parse__max_instances__from_zero_to_a_million);
  tcase_add_test(core, settings_parse__quoted_numbers__are_taken);
  tcase_add_test(core, settings_parse__memory_every__from_zero_to_a_million);
  tcase_add_loop_test(
      core, settings_check__maps_never_read_but_wanted__is_one_error, 0, 2);
  tcase_add_test(core, settings_parse__map_fill__is_taken);
  tcase_add_loop_test(
      core, settings_parse__map_fill_above_its_limit__is_one_clear_line, 0, 2);
  tcase_add_test(core,
                 settings_parse__memory_every_half_a_read__is_one_clear_line);
  tcase_add_test(core, settings_parse__source__is_taken);
  tcase_add_test(core, settings_parse__iterator_pin__last_one_is_kept);
  tcase_add_test(core,
                 settings_check__window_up_to_half_of_the_interval__is_taken);
  tcase_add_test(core, settings_parse__miss_rate_threshold__zero_is_none);
  tcase_add_test(core, settings_parse__changes__are_taken);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits, settings_check__changes_without_names__is_one_line);
  tcase_add_test(limits,
                 settings_check__regressions_without_names__is_one_line);
  tcase_add_test(limits, settings_parse__unknown_option__is_a_warning);
  tcase_add_test(limits, settings_parse__type_of_another_host__is_a_warning);
  tcase_add_test(limits, settings_parse__no_type_of_this_host__selects_nothing);
  tcase_add_test(limits,
                 settings_parse__type_that_only_the_kernel_knows__is_taken);
  tcase_add_loop_test(
      limits, settings_parse__quoted_but_no_such_number__is_one_clear_line, 0,
      sizeof(no_numbers) / sizeof(no_numbers[0]));
  tcase_add_test(limits, settings_parse__two_wrong_values__are_two_lines);
  tcase_add_loop_test(limits, settings_parse__wrong_value__is_one_clear_line, 0,
                      sizeof(wrong_values) / sizeof(wrong_values[0]));
  int keys_num = sizeof(all_keys) / sizeof(all_keys[0]);
  tcase_add_loop_test(limits, settings_parse__no_value__is_one_clear_line, 0,
                      keys_num);
  tcase_add_loop_test(limits, settings_parse__a_block__is_one_clear_line, 0,
                      keys_num);
  tcase_add_test(limits, settings_parse__two_values_for_one__is_one_clear_line);
  tcase_add_test(limits, settings_parse__control_bytes__do_not_reach_the_log);
  tcase_add_test(limits, settings_parse__long_wrong_value__is_cut_in_the_line);
  tcase_add_test(limits,
                 settings_check__longer_window__is_one_line_with_the_limit);
  tcase_add_test(limits,
                 settings_check__window_without_EnableStats__is_one_line);
  tcase_add_test(limits, settings_clear__twice__does_nothing_more);
  suite_add_tcase(suite, limits);
  return suite;
}
