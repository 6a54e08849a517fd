#!/usr/bin/env bats
# SampleWindow: what a real collectd estimates, against what really ran.

load common
interval=0.2

within() { # LIMIT DEVIATION
  awk -v limit="$1" -v deviation="$2" 'BEGIN {exit !(deviation <= limit && deviation >= -limit)}'
}

runs_of() { workload counts | awk -v name="$1" '$1 == name {print $3}'; }
id_of() { workload counts | awk -v name="$1" '$1 == name {print $2}'; }

kernel_stats() {
  "$BPFTOOL" -j prog show id "$(id_of e2e_load)" | jq -r '"\(.run_time_ns // 0) \(.run_cnt // 0)"'
}

# Compares the advance in that many intervals with the workload's own rate; of the
# run time with that rate times the mean time of a run, as the kernel has it.
compare_with_the_workload() { # INTERVALS LIMIT
  local seconds rate before mean deviation
  seconds=$(awk -v num="$1" -v interval="$interval" 'BEGIN {print num * interval + 1}')
  workload sleep 2
  rate=$(runs_of e2e_load)
  before=$(kernel_stats)
  workload sleep "$seconds"
  rate=$(awk -v runs="$(($(runs_of e2e_load) - rate))" -v seconds="$seconds" 'BEGIN {print runs / seconds}')
  mean=$(echo "$before $(kernel_stats)" | awk '{print ($3 - $1) / ($4 - $2)}')
  for pair in invocations=1 derive-run_time_ns="$mean"; do
    deviation=$(values e2e_load "${pair%=*}" | tail -n $(($1 + 2)) | head -n $(($1 + 1)) |
      awk -F, -v rate="$rate" -v factor="${pair#*=}" '
        NR == 1 {time = $1; value = $2}
        END {truth = rate * factor * ($1 - time); printf "%.4f", ($2 - value - truth) / truth}')
    echo "${pair%=*}: $deviation"
    within "$2" "$deviation"
  done
}

start_load() {
  start_workload
  workload load e2e_load socket_filter
  workload rate e2e_load 50000
  workload even on
}

@test "SampleWindow__constant_load__is_estimated_to_5_percent" {
  start_collectd <<<'SampleWindow 0.02
    Program "e2e_load"'
  start_load
  compare_with_the_workload 30 0.05
  [ -z "$(plugin_lines)" ]
  # A tenth, but for what the windows are late.
  values "" gauge-coverage | awk -F, '$2 < 0.08 || $2 > 0.2 {exit 1}'
}

# Windows at one and the same place would see it all, five times too much, or
# nothing of it. Of 20 rounds of ten windows two are not whole, which makes 2 % for
# one standard deviation.
@test "SampleWindow__load_with_the_period_of_the_interval__is_estimated_as_well" {
  interval=0.1
  start_collectd <<<'SampleWindow 0.01
    Program "e2e_load"'
  start_load
  workload pulse 0.1 0.2
  compare_with_the_workload 200 0.1
}

# The totals of programs at rest, when they were counted all the time.
expect_the_totals_of_the_kernel() {
  workload sleep 2
  wait_reads
  [ "$(kernel_stats)" = "$(last e2e_load derive-run_time_ns) $(last e2e_load invocations)" ]
  [ "$(last e2e_load invocations)" = "$(runs_of e2e_load)" ]
}

@test "SampleWindow__sysctl_is_set_as_well__totals_are_the_kernels" {
  sysctl -q kernel.bpf_stats_enabled=1
  start_collectd <<<'SampleWindow 0.02
    Program "e2e_load"'
  start_load
  expect_the_totals_of_the_kernel
  [ "$(last "" gauge-coverage)" = 1 ]
}

start_with_another_process() {
  start_collectd <<<'SampleWindow 0.02
    Program "e2e_load"'
  start_workload
  workload statistics on
  workload load e2e_load socket_filter
  workload rate e2e_load 50000
  workload even on
  wait_reads
}

@test "SampleWindow__another_process_has_statistics_on__totals_are_the_kernels" {
  SOURCE=iterator
  start_with_another_process
  expect_the_totals_of_the_kernel
}

# They do not tell; but it shows while load is steady.
@test "SampleWindow__another_process_and_system_calls__nothing_counts_twice" {
  SOURCE=syscall
  start_with_another_process
  compare_with_the_workload 20 0.05
}

@test "SampleWindow__collectd_ends__is_not_delayed_and_leaves_statistics_off" {
  interval=20
  start_collectd <<<'SampleWindow 10
    Program "e2e_load"'
  start_load
  SECONDS=0
  stop_collectd -TERM
  [ "$SECONDS" -le 11 ] # the window at most
  before=$(kernel_stats)
  workload sleep 0.2
  [ "$(kernel_stats)" = "$before" ]
}

@test "EnableStats__false_and_nobody_else__is_one_notice_and_no_gauge" {
  SOURCE=iterator
  start_collectd <<<'EnableStats false
    Program "e2e_load"'
  start_workload
  workload load e2e_load recursion
  workload run e2e_load 200
  wait_reads 3
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  [[ $(plugin_lines) == '[notice] bpf_stats: run-time statistics are off, '*kernel.bpf_stats_enabled=1* ]]
  [ "$(last "" gauge-coverage)" = 0 ]
  [ "$(last e2e_load invocations)" = 0 ]
  [ "$(last e2e_load derive-recursion_misses)" = 200 ]
  run compgen -G "$csv/bpf_stats-e2e_load/gauge-*"
  [ "$status" -eq 1 ]
  # Another process turns them on: the iterator sees it.
  workload statistics on
  wait_reads 3
  workload run e2e_load 300
  wait_reads 3
  [ "$(last "" gauge-coverage)" = 1 ]
  [ "$(last e2e_load invocations)" = 300 ]
  [ "$(last e2e_load gauge-miss_rate)" = 0.500000 ]
  [ "$(plugin_lines | wc -l)" -eq 2 ]
  [[ $(plugin_lines) == *'run-time statistics are on now' ]]
}

teardown() {
  sysctl -q kernel.bpf_stats_enabled=0
  stop_collectd -TERM
  stop_workload
  if [ -e "$log" ]; then cat "$log"; fi
}
