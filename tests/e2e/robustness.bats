#!/usr/bin/env bats
# What the plugin does to its host and its daemon, and without privileges.

load common

# How often the program ran, as the kernel counted.
kernel_count() { bpftool_field "$(workload counts | awk '{print $2}')" run_cnt; }

@test "no_privileges__one_line_says_what_is_missing_and_the_daemon_goes_on" {
  start_collectd setpriv --inh-caps=-all --bounding-set=-all </dev/null
  wait_until has_cpu_reads 3
  kill -0 "$collectd_pid"
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  if [ "$SOURCE" = iterator ]; then
    grep -F '[error] bpf_stats: loading the iterator needs CAP_BPF and CAP_PERFMON. The plugin is not started.' "$log"
  else
    grep -F '[error] bpf_stats: cannot list BPF programs: Operation not permitted: CAP_SYS_ADMIN is missing. Run collectd as root, or give its unit CAP_BPF and CAP_PERFMON, or set IteratorPin. The plugin is not started.' "$log"
  fi
  [ ! -e "$csv/bpf_stats" ]
}

@test "killed__collectd_with_SIGKILL__statistics_are_off_again" {
  [ "$(cat /proc/sys/kernel/bpf_stats_enabled)" = 0 ]
  start_collectd </dev/null
  start_workload
  workload load e2e_killed xdp
  wait_reads
  workload run e2e_killed 10
  [ "$(kernel_count)" = 10 ]
  stop_collectd -KILL
  workload run e2e_killed 1000
  [ "$(kernel_count)" = 10 ]
}

@test "stopped__collectd__statistics_are_off_again" {
  start_collectd </dev/null
  start_workload
  workload load e2e_stopped xdp
  wait_reads
  workload run e2e_stopped 10
  stop_collectd -TERM
  workload run e2e_stopped 1000
  [ "$(kernel_count)" = 10 ]
}

@test "EnableStats__false__counters_stand_still_and_no_gauge_of_the_interval" {
  start_collectd <<<'EnableStats false'
  start_workload
  workload load e2e_off recursion
  workload rate e2e_off 100
  workload sleep 1
  wait_reads
  [ "$(last e2e_off invocations)" = 0 ]
  # Misses are counted all the same; that is no rate of 100 %.
  [ "$(last e2e_off derive-recursion_misses)" = 100 ]
  run has_values e2e_off gauge-miss_rate
  [ "$status" -ne 0 ]
  run has_values e2e_off gauge-ns_per_call
  [ "$status" -ne 0 ]
  run has_values "" gauge-cpu_percent
  [ "$status" -ne 0 ]
  [ "$(last "" gauge-coverage)" = 0 ]
}

# Writes the descriptors of that kind which the daemon holds, as numbers, to the file
# "fds", one a line. A look may fall into a read, which opens one more by system calls:
# the shortest of many is what stays, and one may be gone before find has its name.
look_for_fds() { # LINK_PATTERN
  local _
  rm -f "$dir/fds"
  for _ in {1..20}; do
    find "/proc/$collectd_pid/fd" -type l -lname "$1" -printf '%f\n' >"$dir/look" 2>/dev/null || :
    if [ ! -e "$dir/fds" ] || [ "$(wc -l <"$dir/look")" -lt "$(wc -l <"$dir/fds")" ]; then
      mv "$dir/look" "$dir/fds"
    fi
  done
}

@test "reading_for_a_while__descriptors_of_the_daemon__stay_as_many" {
  interval=0.1 start_collectd </dev/null
  start_workload
  workload load_many e2e_fds 50
  wait_reads
  look_for_fds '*bpf*'
  before=$(wc -l <"$dir/fds")
  wait_reads 20
  look_for_fds '*bpf*'
  [ "$before" -eq "$(wc -l <"$dir/fds")" ]
  # What is held is the plugin's own: BPF_ENABLE_STATS, and the iterators.
  look_for_fds '*bpf-prog*'
  [ "$(wc -l <"$dir/fds")" -le 3 ]
  while read -r fd; do
    id=$(awk '$1 == "prog_id:" {print $2}' "/proc/$collectd_pid/fdinfo/$fd")
    [[ "$("$BPFTOOL" -j prog show id "$id" | jq -r .name)" =~ ^bpf_stats_(iter|maps|uses)$ ]]
  done <"$dir/fds"
}

is_unloaded() { ! "$BPFTOOL" prog show id "$1" 2>/dev/null; } # ID

@test "unloaded_by_its_owner__program__is_not_kept_alive_by_the_daemon" {
  start_collectd </dev/null
  start_workload
  workload load e2e_alive xdp
  id=$(workload counts | awk '{print $2}')
  wait_reads
  workload unload e2e_alive
  wait_until is_unloaded "$id"
}

@test "stop__does_not_wait_for_the_next_read_and_is_clean" {
  interval=300
  start_collectd </dev/null
  wait_until has_reads 1
  SECONDS=0
  end_collectd -TERM
  echo "stopped after $SECONDS s"
  [ "$SECONDS" -lt "$interval" ]
}

# A container may show a file of the host that it came from.
@test "wrong_number_of_possible_cpus_in_sysfs__programs_on_all_cpus_are_counted" {
  [ "$(nproc)" -gt 1 ]
  echo 0 >"$dir/possible"
  # shellcheck disable=SC2016 # the inner shell expands it
  start_collectd unshare --mount sh -c \
    'mount --bind "$1" /sys/devices/system/cpu/possible && shift && exec "$@"' sh "$dir/possible" </dev/null
  start_workload
  taskset -p -c 1 "$workload_pid"
  workload load e2e_cpu1 xdp
  wait_reads
  workload run e2e_cpu1 9999
  wait_reads
  [ "$(kernel_count)" = 9999 ]
  [ "$(last e2e_cpu1 invocations)" = 9999 ]
}

# Thousands of names that were never there before, half of them gone by the next read,
# while groups that were there are reloaded.
@test "flood_of_names__groups_that_were_there__keep_their_series_and_totals" {
  start_collectd <<<'MaxInstances 50
    Program "/^(e2e|flood)_/"'
  start_workload
  workload load_many e2e_honest_ 10
  for i in {0..9}; do workload run "e2e_honest_$i" 100; done
  wait_reads
  for round in {0..5}; do
    workload load_many "flood_${round}_" 300
    workload churn "flood_brief_${round}_#" socket_filter 300 1
    workload unload "e2e_honest_$round"
    workload load "e2e_honest_$round" xdp
    workload run "e2e_honest_$round" 100
    wait_reads 1
    [ "$(last "" count-folded_programs)" -ge 250 ]
    workload unload_many "flood_${round}_"
  done
  wait_reads 1
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  grep '^\[warning\] bpf_stats: all MaxInstances places for groups are taken: .*"_other"' "$log"
  for i in {0..9}; do
    [ "$(last "e2e_honest_$i" invocations)" = $((i <= 5 ? 200 : 100)) ]
    [ "$(last "e2e_honest_$i" count-programs)" = 1 ]
    values "e2e_honest_$i" invocations | awk -F, '$2 < last {exit 1} {last = $2}'
  done
  [ "$(instances | grep -c '^flood_')" -eq 40 ]
  wait_until grep -qF '[notice] bpf_stats: no program is counted under "_other" any more' "$log"
  [ "$(plugin_lines | wc -l)" -eq 2 ]
}

limit_fds() { prlimit --pid "$collectd_pid" --nofile="$1:1024"; }
has_line() { grep -qF "$1" "$log"; }

@test "too_many_files_open__is_one_line_and_values_go_on_afterwards" {
  interval=0.2
  log_file=stdout # a file could not be opened either
  log=$dir/stdout
  start_workload
  workload load e2e_files xdp # without any program there is nothing to open
  start_collectd </dev/null
  wait_reads
  limit_fds 3
  wait_until has_line '[error] bpf_stats: reading BPF programs failed: too many files are open; raise LimitNOFILE of the unit. It is tried again at each read.'
  limit_fds 1024
  wait_until has_line '[notice] bpf_stats: reading BPF programs works now'
  wait_reads
  [ "$(plugin_lines | wc -l)" -eq 2 ]
}

# What "collectd -T" says is the only gate that a roll-out has.
check_by_T() { # EXPECTED_STATUS ; the plugin's options from standard input
  local found=0
  write_config
  "${@:2}" "$COLLECTD" -T -C "$dir/collectd.conf" || found=$?
  [ "$found" -eq "$1" ]
}

@test "collectd_T__wrong_setting_or_no_privilege__exits_with_1" {
  check_by_T 0 </dev/null
  check_by_T 0 <<<'NoSuchOption 5'
  check_by_T 1 <<<'MaxInstances -1'
  check_by_T 1 <<<'SampleWindow 100'
  check_by_T 1 <<<'Program "/xdp[/"'
  check_by_T 1 setpriv --inh-caps=-all --bounding-set=-all </dev/null
}
