#!/usr/bin/env bats
# The iterator with as little privilege as each way needs: the same values as
# root's, or one clear line.

load common

setup() {
  # The user nobody must get at what root has built.
  chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
  plugin_dir=$dir/plugin
  install -D -m 644 "$builddir/plugin/bpf_stats.so" "$plugin_dir/bpf_stats.so"
  install -d -o 65534 -g 65534 "$dir/home"
  log=$dir/home/collectd.log
  csv=$dir/home/csv/test-host
  pin_dir=$dir/bpf
  sysctl_before=$(cat /proc/sys/kernel/bpf_stats_enabled)
}

teardown() {
  stop_collectd -TERM
  stop_workload
  "$builddir/plugin/bpf_stats_pin" --unpin --dir "$pin_dir"
  echo "$sysctl_before" >/proc/sys/kernel/bpf_stats_enabled
  if [ -e "$log" ]; then cat "$log"; fi
}

# Starts collectd as nobody with these capabilities ("-all" for none).
start_as_nobody() { # CAPABILITIES
  write_config
  sed -i -e "s#^BaseDir .*#BaseDir \"$dir/home\"#" -e "s#$dir/csv#$dir/home/csv#" \
    -e "s#$dir/sock#$dir/home/sock#" -e "s#$dir/pid#$dir/home/pid#" "$dir/collectd.conf"
  (
    cd "$dir/home" || exit
    exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$1" \
      --ambient-caps "$1" --bounding-set "$1" \
      "$COLLECTD" -f -C "$dir/collectd.conf" >"$dir/home/stdout" 2>&1 3>&-
  ) &
  collectd_pid=$!
  wait_until compgen -G "$csv/cpu-0/cpu-user-*" >/dev/null
}

# Loads programs, runs them, and compares what this collectd delivers with what
# the kernel tells root.
check_values() {
  start_workload
  workload load e2e_steady xdp
  workload load e2e_a_name_longer_than_15_characters cgroup_skb
  workload load e2e_hot recursion
  wait_reads
  workload rate e2e_steady 1000
  workload rate e2e_a_name_longer_than_15_characters 200
  workload rate e2e_hot 400
  workload sleep 1
  wait_reads
  local name id runs misses compared=0
  while read -r name id runs misses; do
    [ "$(last "$name" invocations)" = "$runs" ]
    [ "$(last "$name" derive-run_time_ns)" = "$(bpftool_field "$id" run_time_ns)" ]
    if [ "$name" = e2e_hot ]; then
      [ "$(last "$name" derive-recursion_misses)" = "$misses" ]
    else
      has_none "$name" derive-recursion_misses
    fi
    compared=$((compared + 1))
  done < <(workload counts)
  [ "$compared" -eq 3 ]
  [ "$(last e2e_hot gauge-miss_rate)" = 0.500000 ]
  [ "$(last "" gauge-coverage)" = 1 ]
}

pin() {
  "$builddir/plugin/bpf_stats_pin" --dir "$pin_dir" --group 65534 --mode 0440
}

@test "pinned__nobody_without_any_capability__has_the_values_of_root" {
  pin
  echo 1 >/proc/sys/kernel/bpf_stats_enabled
  start_as_nobody -all <<<"
    EnableStats false
    IteratorPin \"$pin_dir/iterator\""
  [ "$(awk '/^CapEff/ {print $2}' "/proc/$collectd_pid/status")" = 0000000000000000 ]
  check_values
  [ -z "$(plugin_lines)" ]
}

@test "pinned__EnableStats_without_privilege__is_one_warning_with_the_sysctl" {
  pin
  echo 1 >/proc/sys/kernel/bpf_stats_enabled
  start_as_nobody -all <<<"IteratorPin \"$pin_dir/iterator\""
  check_values
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  grep -E '^\[warning\] bpf_stats: EnableStats .*kernel.bpf_stats_enabled=1' "$log"
}

@test "CAP_BPF_and_CAP_PERFMON__without_a_pin__has_the_values_of_root" {
  echo 1 >/proc/sys/kernel/bpf_stats_enabled
  start_as_nobody -all,+bpf,+perfmon <<<'EnableStats false'
  check_values
  [ -z "$(plugin_lines)" ]
}

@test "pinned__kernel_refuses_fentry__pins_the_iterator_and_says_so" {
  run pin
  [ "$status" -eq 0 ]
  [ "$output" = "bpf_stats_pin: the watch on unloads is not pinned: the watch on unloads does not load: Operation not permitted: it needs a kernel that allows fentry" ]
  run compgen -G "$pin_dir/unload*"
  [ "$status" -eq 1 ]
  echo 1 >/proc/sys/kernel/bpf_stats_enabled
  start_as_nobody -all <<<"
    EnableStats false
    IteratorPin \"$pin_dir/iterator\""
  wait_reads
  grep -F "[info] bpf_stats: unloads are not watched: $pin_dir/unload_ring: there is no such file; pin the watch with bpf_stats_pin" "$log"
}

# Demands one error line of the plugin, which has the text, and no value.
refuses_to_start() { # TEXT
  wait_until has_cpu_reads 3
  kill -0 "$collectd_pid"
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  grep -F "[error] bpf_stats: $1" "$log"
  [ ! -e "$csv/bpf_stats" ]
}

@test "neither__no_capability_and_no_pin__is_one_clear_line" {
  start_as_nobody -all </dev/null
  refuses_to_start 'cannot list BPF programs: Operation not permitted: CAP_SYS_ADMIN is missing. Run collectd as root, or give its unit CAP_BPF and CAP_PERFMON, or set IteratorPin. The plugin is not started.'
}

# How often another plugin has read: a clock that a busy machine does not put ahead.
cpu_reads() { cat "$csv"/cpu-0/cpu-user-* | wc -l; }
has_cpu_reads() { [ "$(cpu_reads)" -ge "$1" ]; }

# Lets so many intervals pass.
pass_intervals() {
  wait_until has_cpu_reads $(($(cpu_reads) + $1))
}

# Demands one error line, no value, and that the values come once the pin does.
waits_for_the_pin() { # TEXT
  pass_intervals 4
  [ "$(plugin_lines)" = "[error] bpf_stats: reading BPF programs failed: $1. It is tried again at each read." ]
  [ ! -e "$csv/bpf_stats" ]
  pin
  local before
  before=$(cpu_reads)
  wait_until has_reads 1
  [ "$(($(cpu_reads) - before))" -le 4 ]
  [ "$(plugin_lines | tail -n 1)" = '[notice] bpf_stats: reading BPF programs works now' ]
}

@test "pin_of_another_group__is_one_clear_line_and_read_once_it_may_be" {
  echo 1 >/proc/sys/kernel/bpf_stats_enabled
  "$builddir/plugin/bpf_stats_pin" --dir "$pin_dir" --mode 0400
  start_as_nobody -all <<<"
    EnableStats false
    IteratorPin \"$pin_dir/iterator\""
  waits_for_the_pin "IteratorPin $pin_dir/iterator: Permission denied: a pin has to be readable for collectd (bpf_stats_pin --group)"
}

@test "IteratorPin__missing_at_start__is_one_clear_line_and_read_once_it_is_there" {
  echo 1 >/proc/sys/kernel/bpf_stats_enabled
  start_as_nobody -all <<<"
    EnableStats false
    IteratorPin \"$pin_dir/iterator\""
  waits_for_the_pin "IteratorPin $pin_dir/iterator: there is no such file; pin the iterator with bpf_stats_pin"
}

# collectd would leave out 2, 4, 8 ... reads for one that fails.
@test "pin__away_for_twenty_intervals_and_back__values_go_on_at_once" {
  interval=0.5 # four of them are more than a look at the values takes
  pin
  echo 1 >/proc/sys/kernel/bpf_stats_enabled
  start_as_nobody -all <<<"
    EnableStats false
    IteratorPin \"$pin_dir/iterator\""
  wait_reads
  "$builddir/plugin/bpf_stats_pin" --unpin --dir "$pin_dir"
  pass_intervals 20
  reads_before=$(reads)
  pin
  before=$(cpu_reads)
  wait_until has_reads $((reads_before + 1))
  [ "$(($(cpu_reads) - before))" -le 4 ]
  run grep -F 'Will suspend it' "$log"
  [ "$status" -eq 1 ]
  [ "$(plugin_lines | wc -l)" -eq 2 ]
  plugin_lines | tail -n 2 | grep -F '[error] bpf_stats: reading BPF programs failed: there is no such file; pin the iterator with bpf_stats_pin. It is tried again at each read.'
  plugin_lines | tail -n 1 | grep -F '[notice] bpf_stats: reading BPF programs works now'
}

@test "IteratorPin__a_foreign_file__is_one_clear_line" {
  start_as_nobody -all <<<'IteratorPin "/etc/passwd"'
  refuses_to_start 'IteratorPin /etc/passwd: it is no file on a bpffs, so it cannot be a pinned iterator. The plugin is not started.'
}

@test "IteratorPin__a_directory__is_one_clear_line" {
  pin
  start_as_nobody -all <<<"IteratorPin \"$pin_dir\""
  refuses_to_start "IteratorPin $pin_dir: it is no file on a bpffs, so it cannot be a pinned iterator. The plugin is not started."
}

@test "IteratorPin__an_iterator_of_other_records__is_one_clear_line" {
  pin
  start_workload
  workload pin_other "$pin_dir/other"
  chmod 444 "$pin_dir/other"
  start_as_nobody -all <<<"IteratorPin \"$pin_dir/other\""
  rm "$pin_dir/other"
  refuses_to_start "IteratorPin $pin_dir/other: it is pinned, but is no iterator of ours. The plugin is not started."
}
