/* SPDX-License-Identifier: MIT */
/* Runs all unit tests and prints the results as TAP. */
#include "../tap.h"
#include "suites.h"

int main(void) {
  tap_begin();
  SRunner *runner = srunner_create(prog_stats_suite());
  srunner_add_suite(runner, selector_suite());
  srunner_add_suite(runner, group_name_suite());
  srunner_add_suite(runner, churn_suite());
  srunner_add_suite(runner, groups_suite());
  srunner_add_suite(runner, unloads_suite());
  srunner_add_suite(runner, owners_suite());
  srunner_add_suite(runner, flood_suite());
  srunner_add_suite(runner, versions_suite());
  srunner_add_suite(runner, metrics_suite());
  srunner_add_suite(runner, map_bill_suite());
  srunner_add_suite(runner, map_fills_suite());
  srunner_add_suite(runner, map_stream_suite());
  srunner_add_suite(runner, maps_suite());
  srunner_add_suite(runner, prog_stream_suite());
  srunner_add_suite(runner, prog_type_suite());
  srunner_add_suite(runner, jit_check_suite());
  srunner_add_suite(runner, load_log_suite());
  srunner_add_suite(runner, confinement_suite());
  srunner_add_suite(runner, refusal_suite());
  srunner_add_suite(runner, source_suite());
  srunner_add_suite(runner, source_pinned_suite());
  srunner_add_suite(runner, unload_watch_suite());
  srunner_add_suite(runner, owner_suite());
  srunner_add_suite(runner, owner_stream_suite());
  srunner_add_suite(runner, owners_find_suite());
  srunner_add_suite(runner, pins_suite());
  srunner_add_suite(runner, stats_switch_suite());
  srunner_add_suite(runner, stats_cost_suite());
  srunner_add_suite(runner, overhead_suite());
  srunner_add_suite(runner, estimate_suite());
  srunner_add_suite(runner, coverage_suite());
  srunner_add_suite(runner, window_suite());
  srunner_add_suite(runner, alarms_suite());
  srunner_add_suite(runner, settings_suite());
  srunner_add_suite(runner, bpf_stats_suite());
  srunner_add_suite(runner, sampling_suite());
  srunner_add_suite(runner, changes_suite());
  srunner_add_suite(runner, faults_suite());
  return tap_run(runner);
}
