/* SPDX-License-Identifier: MIT */
/* settings: the <Plugin bpf_stats> block of collectd's configuration. */
#ifndef BPF_STATS_SETTINGS_H
#define BPF_STATS_SETTINGS_H

#include "group_name.h"
#include "metrics.h"
#include "selector.h"
#include "source_choice.h"

#include "collectd/liboconfig/oconfig.h"

#include <stdbool.h>
#include <stddef.h>

struct settings {
  bool wrong; /* a value was wrong: the plugin must not start */
  bool enable_stats;
  double
      sample_window_s; /* of each interval; 0: statistics are on all the time */
  double overhead_limit_percent; /* of one CPU; 0: no limit */
  double miss_rate_threshold;    /* 0..1; 0: no notifications */
  bool notify_changes;           /* of deploys, and what they cost */
  double regression_threshold;   /* percent, a run; 0: no notifications */
  double cost_threshold;         /* percent of one CPU; 0: no notifications */
  bool watch_unload;
  bool log_stats;
  bool idle_groups;
  struct selector *selector; /* Program, ProgramType, Owner, IgnoreSelected */
  struct group_name_format instance_format;
  metric_set group_metrics;
  bool names_metrics;        /* Metrics has replaced the default */
  size_t max_instances;      /* 0: no limit */
  size_t map_fill_top;       /* names of maps with series of their own */
  double map_fill_threshold; /* percent; 0: no notifications */
  size_t memory_every;       /* reads; 0: maps are never read */
  enum source_kind source;
  char *iterator_pin; /* absolute path; NULL: none */
};

/* Sets all defaults. Returns 0 or -ENOMEM. */
int settings_init(struct settings *settings);

/* Accepts settings that are cleared, or zeroed. */
void settings_clear(struct settings *settings);

/* Takes one block in; a later value of an option replaces an earlier one, and
 * adds to it for Program, ProgramType, Owner and Metrics. Logs one error line
 * for each wrong value, and sets WRONG; one warning for each unknown option. */
void settings_parse(struct settings *settings, const oconfig_item_t *block);

/* Checks what the options mean together, in an interval of INTERVAL_S. Call it
 * once, after all blocks, if nothing is wrong. Logs and sets WRONG as
 * settings_parse(). */
void settings_check(struct settings *settings, double interval_s);

/* Returns whether groups have their memory, and so their share of maps. */
bool settings_need_memory(const struct settings *settings);

/* Whether it has to be found who loaded each program: for its group's name, or
 * for a filter. */
bool settings_need_owners(const struct settings *settings);

#endif
