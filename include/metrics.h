/* SPDX-License-Identifier: MIT */
/* metrics: the table of all series that the plugin can dispatch.
 *
 * One descriptor a series: it drives the option Metrics, the dispatch and the
 * table in the README, which a test compares. */
#ifndef BPF_STATS_METRICS_H
#define BPF_STATS_METRICS_H

#include "group.h"
#include "reading.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric_kind { METRIC_DERIVE, METRIC_GAUGE };

enum metric_scope {
  METRIC_NEVER,   /* does not exist there */
  METRIC_OPTION,  /* when Metrics names it */
  METRIC_DEFAULT, /* unless Metrics names others */
  METRIC_ALWAYS,
};

union metric_value {
  int64_t derive;
  double gauge;
};

struct metric {
  const char *key;           /* as in the option Metrics */
  const char *type;          /* in collectd's types.db */
  const char *type_instance; /* "": none */
  enum metric_kind kind;
  enum metric_scope group_scope;
  enum metric_scope host_scope;
  /* Returns whether there is a value. GROUP may be the host's. */
  bool (*compute)(const struct reading *reading, const struct group *group,
                  union metric_value *ret_value);
};

/* All of them; *RET_NUM is how many there are, at most 32. */
const struct metric *metrics_all(size_t *ret_num);

/* A set of metrics: bit i stands for metrics_all()[i]. */
typedef uint32_t metric_set;

/* Those that a group has unless Metrics names others. */
metric_set metrics_default(void);

/* Those that the host has. */
metric_set metrics_host(void);

/* The set that holds only the group metric with that key; 0: there is none. */
metric_set metrics_find(const char *key);

#endif
