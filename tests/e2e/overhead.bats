#!/usr/bin/env bats
# OverheadLimit: what statistics cost a load, as the load itself sees it.

load common
# shellcheck disable=SC2034 # of common
overhead_limit=5
interval=2 # on slow machines it takes 10 ms to turn statistics on, or off

runs_of() { workload counts | awk -v name="$1" '$1 == name {print $3}'; }
is_limited() { grep -q 'OverheadLimit is 5: they are on in a window' "$log"; }
is_limited_no_more() { grep -q 'less than OverheadLimit again' "$log"; }

# Lets the load run on until the command succeeds.
run_until() {
  local _
  for _ in {1..90}; do
    if "$@"; then return 0; fi
    workload sleep 1
  done
  echo "in vain: $*"
  return 1
}

coverage_is() { # below|above SHARE
  last "" gauge-coverage | awk -v how="$1" -v limit="$2" \
    '{exit !(how == "below" ? $1 < limit : $1 > limit)}'
}

# On a busy machine a second may be slow for another reason; a limit that is not kept
# is not kept in each round.
expect_slowdown_below_the_limit() {
  local round found
  for round in {1..5}; do
    workload sleep 36 # many intervals: in one of them the rate changes in its middle
    found=$(workload slowdown)
    echo "round $round: statistics cost $found % of one CPU, seen by the load;" \
      "$(last "" gauge-statistics_percent) by the plugin"
    # Less than a tenth is no sign of windows at all.
    if awk -v found="$found" 'BEGIN {exit !(found > 0.5 && found <= 5)}'; then return 0; fi
  done
  return 1
}

@test "OverheadLimit__load_from_1000_to_5_million_runs_a_second_and_back__cost_stays_below" {
  start_collectd <<<'Program "e2e_load"'
  start_workload
  workload load e2e_load socket_filter
  workload rate e2e_load 1000
  run_for_reads 2
  wait_reads 1
  [ "$(last "" gauge-coverage)" = 1 ]
  [ "$(last e2e_load invocations)" = "$(runs_of e2e_load)" ]
  last "" gauge-statistics_percent | awk '{exit !($1 > 0 && $1 < 0.1)}'
  [ -z "$(plugin_lines)" ]

  workload rate e2e_load 5000000
  run_until is_limited
  run_until coverage_is below 0.5
  expect_slowdown_below_the_limit
  last "" gauge-statistics_percent | awk '{exit !($1 > 0.5 && $1 <= 5)}'

  workload rate e2e_load 1000
  run_until is_limited_no_more
  run_until coverage_is above 0.999
  wait_reads 2
  plugin_lines
  [ "$(plugin_lines | grep -c .)" -eq 2 ]
  echo "$(last e2e_load invocations) of $(runs_of e2e_load)"
  awk -v found="$(last e2e_load invocations)" -v true="$(runs_of e2e_load)" \
    'BEGIN {exit !(found >= 0.95 * true && found <= 1.05 * true)}'
}

@test "OverheadLimit__SampleWindow_by_hand__goes_first" {
  start_collectd <<<'SampleWindow 1
    Program "e2e_load"'
  start_workload
  workload load e2e_load socket_filter
  workload rate e2e_load 1000000
  run_for_reads 3
  run_until coverage_is above 0.4 # a busy machine may cut a window short
  [ -z "$(plugin_lines)" ]
}
