/* SPDX-License-Identifier: MIT */
/* suites: one suite per tested module, all run by main.c. */
#ifndef BPF_STATS_TESTS_SUITES_H
#define BPF_STATS_TESTS_SUITES_H

#include <check.h>

Suite *stats_switch_suite(void);
Suite *alarms_suite(void);
Suite *bpf_stats_suite(void);
Suite *churn_suite(void);
Suite *confinement_suite(void);
Suite *estimate_suite(void);
Suite *faults_suite(void);
Suite *group_name_suite(void);
Suite *flood_suite(void);
Suite *groups_suite(void);
Suite *jit_check_suite(void);
Suite *load_log_suite(void);
Suite *coverage_suite(void);
Suite *map_bill_suite(void);
Suite *map_fills_suite(void);
Suite *map_stream_suite(void);
Suite *maps_suite(void);
Suite *metrics_suite(void);
Suite *owners_suite(void);
Suite *owner_stream_suite(void);
Suite *owner_suite(void);
Suite *owners_find_suite(void);
Suite *overhead_suite(void);
Suite *pins_suite(void);
Suite *prog_stats_suite(void);
Suite *prog_stream_suite(void);
Suite *prog_type_suite(void);
Suite *refusal_suite(void);
Suite *window_suite(void);
Suite *sampling_suite(void);
Suite *selector_suite(void);
Suite *settings_suite(void);
Suite *source_pinned_suite(void);
Suite *source_suite(void);
Suite *stats_cost_suite(void);
Suite *unload_watch_suite(void);
Suite *unloads_suite(void);
Suite *versions_suite(void);
Suite *changes_suite(void);

#endif
