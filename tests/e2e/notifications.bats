#!/usr/bin/env bats
# Notifications about real misses, received by a handler of collectd's plugin exec.

load common
load handler
# An alarm ends after two intervals in which nothing runs: those are more than the time
# between two commands here.
interval=1

# Demands so many notifications, of which the last is an OKAY with this message.
# They come in files whose names are their times.
ends_with() { # NUMBER MESSAGE
  [ "$(notified)" -eq "$1" ]
  local file
  file=$(printf '%s\n' "$dir"/notified/* | sort | tail -n 1)
  cat "$file"
  grep -qx 'Severity: OKAY' "$file"
  grep -qx 'PluginInstance: e2e_hot' "$file"
  grep -Fqx "$2" "$file"
}

# Whether there is one of that severity about a map; others may have full maps as well.
has_notified_of() { # MAP SEVERITY
  local file
  for file in "$dir"/notified/*; do
    if grep -q "^map $1: " "$file" && grep -qx "Severity: $2" "$file"; then return 0; fi
  done
  return 1
}

# Starts collectd and a program that misses, and waits for the alarm.
raise_alarm() { # < LINES_OF_THE_BLOCK
  start_collectd
  start_workload
  workload load e2e_hot recursion
  wait_reads
  workload rate e2e_hot 1000
  for _ in {1..20}; do
    workload sleep 1
    if has_notified 1; then break; fi
  done
  [ "$(notified)" -eq 1 ]
}

# The program runs on, and the workload takes no other command.
run_on() { echo "sleep 3600" >&"$workload_in"; }

setup_file() {
  sysctl_before=$(cat /proc/sys/kernel/bpf_stats_enabled)
  export sysctl_before
}
teardown_file() { echo "$sysctl_before" >/proc/sys/kernel/bpf_stats_enabled; }

@test "MapFillThreshold__a_full_map__is_raised_and_cleared_once_at_an_exec_handler" {
  if [ "$SOURCE" = syscall ]; then skip "how full maps are is seen by the iterator alone"; fi
  extra_config=$(handler_config)
  start_workload
  workload map e2e_tight 10 10
  start_collectd <<<'MapFillThreshold 95
    MemoryEvery 1'
  wait_until has_notified_of e2e_tight WARNING
  wait_reads 3
  stop_workload # the map goes with it
  wait_until has_notified_of e2e_tight OKAY
  [ "$(grep -l 'map e2e_tight' "$dir"/notified/* | wc -l)" -eq 2 ]
  grep -hFx 'map e2e_tight: 100.0 % full, 10 of 10 entries' "$dir"/notified/*
  grep -hFx 'map e2e_tight: there is none any more' "$dir"/notified/*
}

@test "MissRateThreshold__real_misses__are_raised_and_cleared_once_at_an_exec_handler" {
  extra_config=$(handler_config)
  interval=2
  start_collectd </dev/null
  start_workload
  workload load e2e_calm calm
  workload load e2e_hot recursion
  wait_reads
  workload rate e2e_hot 1000
  workload rate e2e_calm 1000
  for _ in {1..20}; do
    workload sleep 1
    if has_notified 1; then break; fi
  done
  # The same name, without misses.
  workload unload e2e_hot
  workload load e2e_hot calm
  workload rate e2e_hot 1000
  run_on
  wait_until has_notified 2
  [ "$(notified)" -eq 2 ]
  mapfile -t files < <(printf '%s\n' "$dir"/notified/* | sort)
  cat "${files[@]}"
  grep -qx 'Severity: WARNING' "${files[0]}"
  grep -qx 'Severity: OKAY' "${files[1]}"
  for file in "${files[@]}"; do
    grep -qx 'Host: test-host' "$file"
    grep -qx 'Plugin: bpf_stats' "$file"
    grep -qx 'PluginInstance: e2e_hot' "$file"
    grep -qx 'TypeInstance: miss_rate' "$file"
  done
  counts='[0-9]+ invocations, [0-9]+ ns'
  grep -Eqx "e2e_hot: $counts, [0-9]+ recursion misses, [0-9.]+ ns/call, miss rate 0\.[45][0-9]+ \(a hot recursion path\)" "${files[0]}"
  grep -Eqx "e2e_hot: $counts, 0 recursion misses, [0-9.]+ ns/call, miss rate 0\.000000" "${files[1]}"
}

@test "alarm__program_joins_whose_misses_are_not_counted__is_one_okay_that_says_so" {
  extra_config=$(handler_config)
  raise_alarm </dev/null
  workload load e2e_hot xdp
  run_on
  wait_until has_notified 2
  ends_with 2 'e2e_hot: can no longer be measured: not all misses are counted'
}

@test "shutdown__alarm_is_raised__is_one_okay_at_an_exec_handler" {
  extra_config=$(handler_config)
  raise_alarm </dev/null
  run_on
  # Both have the plugin flush; collectd goes on, and so does the alarm.
  kill -USR1 "$collectd_pid"
  wait_until grep -F 'Finished flushing all data.' "$log"
  ask_collectd FLUSH
  wait_reads 1
  [ "$(notified)" -eq 1 ]
  stop_collectd -TERM
  ends_with 2 'e2e_hot: can no longer be measured: collectd stops'
}

# Plugins shut down in the order in which they were loaded.
@test "shutdown__exec_was_loaded_before__is_one_okay_at_its_handler" {
  early_config=$(handler_config)
  raise_alarm </dev/null
  run_on
  stop_collectd -TERM
  ends_with 2 'e2e_hot: can no longer be measured: collectd stops'
}

@test "shutdown__handler_takes_its_time__is_one_okay_all_the_same" {
  early_config=$(handler_config)
  raise_alarm </dev/null
  run_on
  sed -i '2i sleep 1' "$dir/handler"
  stop_collectd -TERM
  ends_with 2 'e2e_hot: can no longer be measured: collectd stops'
}

@test "shutdown__no_alarm__is_no_notification" {
  extra_config=$(handler_config)
  start_collectd </dev/null
  wait_reads
  stop_collectd -TERM
  [ "$(notified)" -eq 0 ]
}

@test "alarm__program_unloaded__is_one_okay_that_says_so" {
  extra_config=$(handler_config)
  raise_alarm </dev/null
  run_on
  stop_workload
  wait_until has_notified 2
  ends_with 2 'e2e_hot: no program is loaded any more'
}

@test "alarm__statistics_go_off__is_one_okay_that_says_so" {
  extra_config=$(handler_config)
  echo 1 >/proc/sys/kernel/bpf_stats_enabled
  raise_alarm <<<'EnableStats false'
  run_on
  echo 0 >/proc/sys/kernel/bpf_stats_enabled
  stop_workload
  wait_until has_notified 2
  ends_with 2 'e2e_hot: can no longer be measured: run-time statistics are not on'
  stop_collectd -TERM
  [ "$(notified)" -eq 2 ]
}
