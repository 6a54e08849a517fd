#!/usr/bin/env bats
# What a real collectd writes for real BPF programs.

load common

long_name=e2e_a_name_longer_than_15_characters

# Loads the programs that most tests here look at, and runs them for a while.
load_programs() {
  start_workload
  workload load e2e_steady xdp
  workload load e2e_twin sched_cls
  workload load e2e_twin socket_filter
  workload load "$long_name" cgroup_skb
  workload load - xdp
  workload load e2e_hot recursion
}

set_rates() {
  workload rate e2e_steady 1000
  workload rate e2e_twin 100
  workload rate "$long_name" 200
  workload rate - 300
  workload rate e2e_hot 400
}

run_programs() { # SECONDS
  set_rates
  workload sleep "$1"
}

run_programs_for_reads() { # NUMBER
  wait_until has_reads 1
  set_rates
  run_for_reads "$1"
}

# Prints "NAME RUNS MISSES", what the workload itself counted, by name.
counts() {
  workload counts | awk '{runs[$1] += $3; misses[$1] += $4}
    END {for (name in runs) print name, runs[name], misses[name]}'
}

# The kernel counts misses of e2e_hot alone, a raw tracepoint's program.
expect_misses() { # INSTANCE MISSES
  if [ "$1" = e2e_hot ]; then
    [ "$(last "$1" derive-recursion_misses)" = "$2" ]
    [ "$(last "$1" gauge-miss_rate)" = 0.500000 ]
  else
    [ "$2" = 0 ]
    has_none "$1" derive-recursion_misses
    has_none "$1" gauge-miss_rate
  fi
}

id_of() { workload counts | awk -v name="$1" '$1 == name {print $2}'; }

@test "csv__programs_at_rest__have_the_counts_of_the_workload_and_of_bpftool" {
  start_collectd </dev/null
  load_programs
  run_programs_for_reads 4
  wait_reads
  tag=$("$BPFTOOL" -j prog show id "$(id_of -)" | jq -r .tag)
  counts >"$dir/counts"
  cat "$dir/counts"
  while read -r name runs misses; do
    instance=${name/#-/bpf_prog_$tag}
    [ "$(last "$instance" invocations)" = "$runs" ]
    expect_misses "$instance" "$misses"
    [ "$(values "$instance" invocations | wc -l)" -ge 3 ]
  done <"$dir/counts"
  [ "$(wc -l <"$dir/counts")" -eq 5 ]
  awk '$1 == "e2e_hot" && $2 > 0 && $2 == $3 {found = 1} END {exit !found}' "$dir/counts"
  for name in e2e_steady "$long_name" e2e_hot; do
    id=$(id_of "$name")
    [ "$(last "$name" invocations)" = "$(bpftool_field "$id" run_cnt)" ]
    [ "$(last "$name" derive-run_time_ns)" = "$(bpftool_field "$id" run_time_ns)" ]
    expect_misses "$name" "$(bpftool_field "$id" recursion_misses)"
  done
  [ "$(last e2e_twin count-programs)" = 2 ]
  [ "$(last e2e_steady count-programs)" = 1 ]
}

@test "csv__two_lines__give_back_prog_stats_and_the_gauges_of_the_interval" {
  start_collectd </dev/null
  load_programs
  run_programs_for_reads 6
  wait_reads
  # struct prog_stats at each time is one line of each of the three counters;
  # the difference of two of them gives what the gauges say.
  for name in e2e_steady e2e_hot; do
    types=(invocations derive-run_time_ns gauge-ns_per_call)
    if [ "$name" = e2e_hot ]; then types+=(derive-recursion_misses gauge-miss_rate); fi
    for type in "${types[@]}"; do values "$name" "$type" >"$dir/$type"; done
    run awk -F, -f "$BATS_TEST_DIRNAME/recompute.awk" "${types[@]/#/$dir/}"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$output" -ge 4 ]
  done
}

@test "csv__of_the_host__has_its_series" {
  start_collectd </dev/null
  wait_until has_reads 1 # what was loaded before it is no load
  load_programs
  run_programs 2
  wait_reads
  [ "$(last "" gauge-coverage)" = 1 ]
  [ "$(last "" count-programs)" -ge 7 ]
  [ "$(last "" count-folded_programs)" = 0 ]
  if [ "$SOURCE" = syscall ]; then
    has_none "" count-uncounted_programs
  else
    [ "$(last "" count-uncounted_programs)" = 0 ]
  fi
  [ "$(last "" derive-read_errors)" = 0 ]
  [ "$(last "" derive-programs_loaded)" -ge 1 ]
  has_values "" derive-programs_unloaded
  has_values "" duration-read
  has_values "" gauge-cpu_percent
  # All programs are in the host's sum: at least ours.
  ours=$(counts | awk '{sum += $2} END {print sum}')
  [ "$(last "" invocations)" -ge "$ours" ]
  # Neither NaN nor infinity anywhere.
  run grep -riE 'nan|inf' "$csv"/bpf_stats*
  [ "$status" -eq 1 ]
}

@test "csv__all_values_of_a_read__have_one_time" {
  start_collectd </dev/null
  load_programs
  wait_reads 1 # what it begins with has the time of the read before its first run
  workload run e2e_steady 10
  wait_reads 3
  stop_collectd -TERM # the last read may be written in part
  values e2e_steady invocations | cut -d, -f1 | head -n -1 >"$dir/times"
  values e2e_steady count-programs | cut -d, -f1 >"$dir/other_times"
  [ -s "$dir/times" ]
  run grep -vxFf "$dir/other_times" "$dir/times"
  [ "$status" -eq 1 ]
  [ "$(cat "$csv"/bpf_stats*/*-20* | grep -v epoch | cut -d, -f1 | sort -u | wc -l)" -le $(($(reads) + 1)) ]
}

@test "log__all_is_well__has_no_line_of_the_plugin" {
  start_collectd </dev/null
  load_programs
  run_programs 1
  wait_reads
  [ -z "$(plugin_lines)" ]
}

@test "unixsock__listed__has_the_series_once" {
  start_collectd </dev/null
  load_programs
  run_programs 1
  wait_reads
  ask_collectd LISTVAL | awk '{print $2}' | grep bpf_stats >"$dir/list"
  grep -qx "test-host/bpf_stats-$long_name/invocations" "$dir/list"
  grep -qx "test-host/bpf_stats-e2e_hot/derive-recursion_misses" "$dir/list"
  grep -qx "test-host/bpf_stats/gauge-coverage" "$dir/list"
  [ "$(grep recursion_misses "$dir/list" | sort | xargs)" = \
    "test-host/bpf_stats-e2e_hot/derive-recursion_misses test-host/bpf_stats/derive-recursion_misses" ]
  [ -z "$(sort "$dir/list" | uniq -d)" ]
}

@test "Program__exact_and_regex__selects_these_and_the_host_counts_all" {
  start_collectd <<<'Program "e2e_steady"
    Program "/^e2e_t[a-z]+n$/"'
  load_programs
  run_programs 1
  wait_reads
  [ "$(instances | xargs)" = "e2e_steady e2e_twin" ]
  ours=$(counts | awk '{sum += $2} END {print sum}')
  [ "$(last "" invocations)" -ge "$ours" ]
}

@test "Program__full_name__is_what_it_matches" {
  start_collectd <<<"Program \"$long_name\""
  load_programs
  wait_reads
  [ "$(instances | xargs)" = "$long_name" ]
}

@test "ProgramType__and_IgnoreSelected__turn_the_choice_around" {
  start_collectd <<<'ProgramType "xdp" "raw_tracepoint"
    Program "/^(e2e_|demo_|bpf_prog_)/"'
  load_programs
  wait_reads
  instances >"$dir/selected"
  grep -qx e2e_steady "$dir/selected"
  grep -qx e2e_hot "$dir/selected"
  [ "$(grep -c . "$dir/selected")" -eq 3 ] # and the one without a name
  stop_collectd -TERM
  rm -r "$csv"
  start_collectd <<<'ProgramType "xdp" "raw_tracepoint"
    IgnoreSelected true'
  wait_reads
  instances >"$dir/selected"
  grep -qx e2e_twin "$dir/selected"
  grep -qx "$long_name" "$dir/selected"
  run grep -xE 'e2e_steady|e2e_hot' "$dir/selected"
  [ "$status" -eq 1 ]
}

@test "PluginInstanceFormat__type_name__names_the_groups_so" {
  start_collectd <<<'PluginInstanceFormat "type name"
    Program "e2e_twin" "e2e_hot"'
  load_programs
  run_programs 1
  wait_reads
  [ "$(instances | xargs)" = "raw_tracepoint-e2e_hot sched_cls-e2e_twin socket_filter-e2e_twin" ]
  [ "$(last sched_cls-e2e_twin invocations)" = 100 ]
}

@test "PluginInstanceFormat__id_and_tag__names_the_groups_so" {
  start_collectd <<<'PluginInstanceFormat "tag id"
    Program "e2e_steady"'
  load_programs
  wait_reads
  id=$(id_of e2e_steady)
  [ "$(instances | xargs)" = "$(bpftool_field "$id" tag)-$id" ]
}

@test "Metrics__named__are_the_series_of_each_group" {
  start_collectd <<<'Metrics "run_time_ns" "memory"
    Metrics "cpu_percent" "ns_per_call_lifetime" "miss_rate_lifetime"
    Program "e2e_hot"'
  load_programs
  run_programs 1
  wait_reads
  [ "$(cd "$csv/bpf_stats-e2e_hot" && printf '%s\n' * | sed 's/-20.*//' | xargs)" = \
    "derive-run_time_ns gauge-cpu_percent gauge-miss_rate_lifetime gauge-ns_per_call_lifetime memory" ]
  [ "$(last e2e_hot memory)" = "$(bpftool_field "$(id_of e2e_hot)" bytes_memlock)" ]
  [ "$(last e2e_hot gauge-miss_rate_lifetime)" = 0.500000 ]
}

# Others may have programs and maps as well, and more or fewer of them a moment later.
memory_of_programs_is_that_of_bpftool() {
  [ "$(last "" memory-programs)" = "$("$BPFTOOL" -j prog show | jq 'map(.bytes_memlock) | add // 0')" ]
}
maps_are_those_of_bpftool() {
  [ "$(last "" memory-maps) $(last "" count-maps)" = \
    "$("$BPFTOOL" -j map show | jq -r '[(map(.bytes_memlock) | add // 0), length] | "\(.[0]) \(.[1])"')" ]
}
unused_maps_are() { [ "$(last "" count-unused_maps)" = "$1" ]; }

@test "maps__of_the_host__take_what_bpftool_shows" {
  start_workload
  start_collectd <<<'MemoryEvery 1
    MapFillTop 1000'
  wait_reads
  wait_until memory_of_programs_is_that_of_bpftool
  [ "$SOURCE" = syscall ] || unused=$(last "" count-unused_maps)
  workload map e2e_full 10 10
  workload map e2e_half 10 5
  wait_until maps_are_those_of_bpftool
  if [ "$SOURCE" = syscall ]; then
    has_none "" count-unused_maps
    has_none "" gauge-map_fill_max
    return
  fi
  wait_until unused_maps_are $((unused + 2))
  [ "$(last "" gauge-map_fill-e2e_full)" = 1 ]
  [ "$(last "" gauge-map_fill-e2e_half)" = 0.500000 ]
  [ "$(last "" gauge-map_fill_max)" = 1 ]
  [ "$(last "" count-unmeasured_maps)" = 0 ]
  stop_workload # the maps go with it
  wait_until unused_maps_are "$unused"
}

@test "MemoryEvery__0__has_no_series_of_maps" {
  start_collectd <<<'MemoryEvery 0'
  wait_reads
  has_none "" memory-maps
  has_none "" count-maps
}

@test "MaxInstances__exceeded__sums_the_rest_under_other" {
  start_collectd <<<'MaxInstances 2
    Program "/^e2e_many/"'
  start_workload
  workload load_many e2e_many 5
  for i in 0 1 2 3 4; do workload run "e2e_many$i" 10; done
  wait_reads
  [ "$(instances | wc -l)" -eq 4 ] # two, _other, and the host
  [ "$(last _other invocations)" = 30 ]
  [ "$(last _other count-programs)" = 3 ]
  [ "$(last "" count-folded_programs)" = 3 ]
}

@test "LogStats__true__logs_a_line_for_each_group" {
  start_collectd <<<'LogStats true
    Program "e2e_hot"'
  load_programs
  workload run e2e_hot 10
  wait_reads
  grep -E '^\[info\] bpf_stats: e2e_hot: 10 invocations, [0-9]+ ns, 10 recursion misses, [0-9.]+ ns/call, miss rate 0.500000$' "$log"
  grep -E '^\[info\] bpf_stats: all programs: ' "$log"
}

@test "reload__while_reading__no_total_falls_and_none_is_lost" {
  start_collectd </dev/null
  start_workload
  runs=0
  for _ in 1 2 3; do
    workload load e2e_reload xdp
    workload run e2e_reload 100
    runs=$((runs + 100))
    wait_reads 1
    [ "$(last e2e_reload invocations)" = "$runs" ]
    workload unload e2e_reload
    wait_reads 1
  done
  values e2e_reload invocations | awk -F, '$2 < last {exit 1} {last = $2}'
  values "" invocations | awk -F, '$2 < last {exit 1} {last = $2}'
}

@test "csv__300_programs_loaded_twice__no_identity_twice_in_a_read" {
  start_collectd </dev/null
  start_workload
  workload load_many e2e_load 300
  wait_reads
  workload unload_many e2e_load
  workload load_many e2e_load 300
  wait_reads
  [ "$(instances | grep -c e2e_load)" -eq 300 ]
  # One line a time in each file, and not one complaint.
  for file in "$csv"/bpf_stats*/*-20*; do
    [ -z "$(cut -d, -f1 "$file" | uniq -d)" ]
  done
  run grep -i 'too old' "$log"
  [ "$status" -eq 1 ]
}

# Neither what the plugin has tried of the kernel, nor what libbpf has.
@test "polled__one_load_and_unload_after_the_start__count_as_one_each" {
  start_workload
  workload load e2e_before xdp # libbpf has tried the kernel by then
  start_collectd <<<'WatchUnload true'
  wait_reads
  [ "$(last "" derive-programs_loaded)" = 0 ]
  workload load e2e_one xdp
  wait_reads
  [ "$(last "" derive-programs_loaded)" = 1 ]
  [ "$(last "" derive-programs_unloaded)" = 0 ]
  workload unload e2e_one
  wait_reads
  [ "$(last "" derive-programs_loaded)" = 1 ]
  [ "$(last "" derive-programs_unloaded)" = 1 ]
  [ "$(last "" derive-unwatched_unloads)" = 1 ]
}
