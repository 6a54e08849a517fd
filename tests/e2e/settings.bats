#!/usr/bin/env bats
# Wrong settings: one clear line each, and nothing else is lost.

load common

# Starts collectd with the option line, demands exactly one line of the plugin,
# an error with these texts, and that all goes on without the plugin.
refuses() { # OPTION_LINE TEXT...
  echo "refuses: $1"
  rm -rf "$csv" "$log"
  start_collectd <<<"$1"
  shift
  wait_until has_cpu_reads 3
  kill -0 "$collectd_pid"
  [ ! -e "$csv/bpf_stats" ]
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  local line
  line=$(plugin_lines)
  [[ $line == '[error] bpf_stats: option '* ]]
  [[ $line == *'The plugin is not started.' ]]
  for text in "$@"; do
    [[ $line == *"$text"* ]]
  done
  stop_collectd -TERM
}

setup() { interval=0.2; }

@test "EnableStats__wrong__is_refused" {
  refuses 'EnableStats "maybe"' 'option EnableStats, value "maybe":' 'true or false'
  refuses 'EnableStats 1' 'option EnableStats, value 1:' 'true or false'
}

@test "SampleWindow_and_MissRateThreshold__wrong__are_refused" {
  refuses 'SampleWindow -1' 'option SampleWindow, value -1:' 'from 0.001 to half of the interval'
  refuses 'SampleWindow 0.11' 'option SampleWindow, value 0.11:' 'at most 0.1, half of the interval'
  refuses $'SampleWindow 0.1\nEnableStats false' 'option SampleWindow, value 0.1:' 'needs "EnableStats true"'
  refuses 'MissRateThreshold 2' 'option MissRateThreshold, value 2:' 'a rate from 0 to 1'
}

@test "Program__wrong__is_refused" {
  refuses 'Program "/xdp[/"' 'option Program, value "/xdp[/":' 'POSIX extended regex'
  refuses 'Program "/xdp"' 'option Program, value "/xdp":' 'slash at its end is missing'
  refuses 'Program ""' 'option Program, value "":' 'it is empty'
  refuses 'Program 5' 'option Program, value 5:' 'an exact name'
}

@test "Program__can_match_nothing__is_refused_and_a_regex_suggested" {
  refuses 'Program "xdp_*"' 'option Program, value "xdp_*":' "no program's name has a '*'" '"/^xdp_/"'
  refuses 'Program " xdp_a"' 'option Program, value " xdp_a":' "no program's name has a ' '"
  # This backslash arrives, as it is written twice.
  refuses 'Program "/^p_\\d+$/"' 'option Program, value "/^p_\d+$/":' 'POSIX knows no \d; a digit is [0-9]'
}

@test "Program__selects_nothing__is_told_once_after_ten_reads" {
  start_collectd <<<'Program "/^p_\d+$/" "e2e_there" "e2e_not_there"'
  start_workload
  workload load e2e_there xdp
  workload load p_12 xdp
  wait_until grep -q 'e2e_not_there' "$log"
  wait_reads 12
  [ "$(plugin_lines | wc -l)" -eq 2 ]
  grep -F '[info] bpf_stats: option Program, value "/^p_d+$/": has selected no program in 10 reads; write two backslashes for one, as collectd takes one away' "$log"
  grep -F '[info] bpf_stats: option Program, value "e2e_not_there": has selected no program in 10 reads' "$log"
}

@test "Program__everything_selects__says_nothing" {
  start_workload
  workload load p_12 xdp
  start_collectd <<<'Program "/^p_[0-9]+$/" "p_12"
ProgramType "xdp"'
  wait_reads 14
  [ -z "$(plugin_lines)" ]
}

@test "ProgramType__cannot_be_one__is_refused" {
  refuses 'ProgramType "XDP"' 'option ProgramType, value "XDP":' ' xdp ' ' kprobe ' ' sched_cls '
  refuses 'ProgramType "xdp,kprobe"' 'option ProgramType, value "xdp,kprobe":' ' xdp ' ' kprobe '
}

@test "ProgramType__of_another_host__is_a_warning_and_the_others_go_on" {
  start_collectd <<<'ProgramType "no_such_type" "xdp"'
  start_workload
  workload load e2e_xdp xdp
  workload load e2e_cls sched_cls
  wait_reads
  # On a busy machine these are more than ten reads, and then it is told as well
  # that it has selected nothing.
  [ "$(plugin_lines | grep -vc 'has selected no program')" -eq 1 ]
  grep -F '[warning] bpf_stats: option ProgramType, value "no_such_type": this host knows no such type, so it selects nothing. Known are socket_filter kprobe ' "$log"
  has_values e2e_xdp count-programs
  [ ! -e "$csv/bpf_stats-e2e_cls" ]
}

@test "ProgramType__newer_than_libbpf__has_the_kernels_name" {
  grep -q BPF_PROG_TYPE_NETFILTER /sys/kernel/btf/vmlinux || skip "this kernel has no such type"
  start_workload
  workload load e2e_nf netfilter
  workload load e2e_xdp xdp
  start_collectd <<<'ProgramType "netfilter" "xdp"
PluginInstanceFormat "type name"'
  wait_reads
  [ -z "$(plugin_lines)" ]
  has_values netfilter-e2e_nf count-programs
  has_values xdp-e2e_xdp count-programs
}

@test "Owner__wrong__is_refused" {
  refuses 'Owner ""' 'option Owner, value "":' 'it is empty'
  refuses 'Owner "/falco[/"' 'option Owner, value "/falco[/":' 'POSIX extended regex'
  refuses 'Owner 5' 'option Owner, value 5:' 'an exact name'
}

@test "IgnoreSelected__wrong__is_refused" {
  refuses 'IgnoreSelected 2' 'option IgnoreSelected, value 2:' 'true or false'
}

@test "PluginInstanceFormat__wrong__is_refused" {
  refuses 'PluginInstanceFormat "nme"' 'option PluginInstanceFormat, value "nme":' 'name, type, tag and id'
}

@test "Metrics__wrong__is_refused" {
  refuses 'Metrics "invocations,memory"' 'option Metrics, value "invocations,memory":' 'each in quotes of its own'
  refuses 'Metrics "invocations" "calls"' 'option Metrics, value "calls":' 'one or more of invocations run_time_ns'
}

@test "MaxInstances__wrong__is_refused" {
  refuses 'MaxInstances -1' 'option MaxInstances, value -1:' 'from 0 to 1000000'
  refuses 'MaxInstances 1.5' 'option MaxInstances, value 1.5:' 'a whole number'
  refuses 'MaxInstances "many"' 'option MaxInstances, value "many":' 'a whole number'
  refuses 'MaxInstances 1 2' 'option MaxInstances, value 2:' 'just one value'
}

@test "numbers__quoted__are_taken" {
  start_collectd <<<'MaxInstances "1"
SampleWindow "0.02"
MissRateThreshold "0.5"'
  start_workload
  workload load_many e2e_many 3
  wait_reads
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  grep '^\[warning\] bpf_stats: all MaxInstances places for groups are taken: .*"_other"' "$log"
  has_values _other count-programs
}

@test "Source__wrong__is_refused" {
  refuses 'Source "ebpf"' 'option Source, value "ebpf":' '"auto", "iterator" or "syscall"'
}

@test "IteratorPin__wrong__is_refused" {
  refuses 'IteratorPin "iterator"' 'option IteratorPin, value "iterator":' 'the absolute path'
  refuses 'IteratorPin "/run/bpf_stats/"' 'option IteratorPin, value "/run/bpf_stats/":' 'the absolute path'
  refuses 'IteratorPin 7' 'option IteratorPin, value 7:' 'the absolute path'
}

@test "WatchUnload__fentry_refused__is_one_info_line_and_unloads_are_counted" {
  start_collectd </dev/null
  start_workload
  wait_reads 2
  [ "$(grep -c bpf_stats: "$log")" -eq 1 ]
  grep -F '[info] bpf_stats: unloads are not watched: the watch on unloads does not load: Operation not permitted: it needs a kernel that allows fentry. What a program counts after its last read is not seen.' "$log"
  workload load e2e_first xdp
  wait_reads
  before=$(last "" derive-unwatched_unloads)
  workload load_many e2e_brief 9
  workload unload_many e2e_brief
  workload load e2e_last xdp
  wait_reads
  [ "$(last "" derive-unwatched_unloads)" -ge $((before + 9)) ]
  [ "$(last "" derive-unwatched_unloads)" -eq "$(last "" derive-programs_unloaded)" ]
}

@test "WatchUnload__false__says_nothing" {
  start_collectd <<<'WatchUnload false'
  wait_reads
  run grep bpf_stats: "$log"
  [ "$status" -eq 1 ]
}

@test "WatchUnload__wrong__is_refused" {
  refuses 'WatchUnload 7' 'option WatchUnload, value 7:' 'true or false'
}

@test "LogStats__wrong__is_refused" {
  refuses 'LogStats 7' 'option LogStats, value 7:' 'true or false'
}

@test "block_for_a_line__is_refused" {
  refuses $'<Program "x">\n  Type "xdp"\n</Program>' 'option Program' 'a line, not a block'
}

@test "unknown_option__is_a_warning_and_the_plugin_works" {
  start_collectd <<<'EnabelStats true'
  wait_reads
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  grep -F '[warning] bpf_stats: option EnabelStats is unknown and ignored' "$log"
}

@test "example_configuration__is_silent_and_works" {
  start_collectd <<<"$(sed -n '/<Plugin/,/<\/Plugin>/{//!p}' "$srcdir/conf/bpf_stats.conf")"
  wait_reads
  [ -z "$(plugin_lines)" ]
}

@test "example_configuration__every_option_with_its_default__is_accepted" {
  # Each commented option, uncommented; those that filter do not keep others out.
  start_collectd <<<"$(sed -n '/<Plugin/,/<\/Plugin>/{//!p}' "$srcdir/conf/bpf_stats.conf" | sed -E 's/^( *)#([A-Z])/\1\2/')"
  wait_reads
  [ -z "$(plugin_lines)" ]
  grep -q 'MaxInstances 1000' "$dir/collectd.conf"
}

@test "configuration_of_1_0__with_every_option__is_silent_and_works" {
  start_collectd <<'END'
  EnableStats true
  SampleWindow 0
  Program "/./"
  ProgramType "xdp"
  IgnoreSelected false
  PluginInstanceFormat "name"
  Metrics "invocations" "run_time_ns" "recursion_misses" "ns_per_call" "miss_rate" "programs"
  Metrics "cpu_percent" "ns_per_call_lifetime" "miss_rate_lifetime" "memory"
  MaxInstances 1000
  MissRateThreshold 0.01
  Source "auto"
  WatchUnload true
  LogStats false
END
  start_workload
  workload load e2e_of_1_0 xdp
  workload rate e2e_of_1_0 1000
  wait_reads
  run_for_reads 3
  wait_reads
  [ -z "$(plugin_lines)" ]
  local series
  series=$(find "$csv/bpf_stats-e2e_of_1_0" -type f -printf '%f\n' | sed 's/-20[0-9-]*$//' | sort | xargs)
  [ "$series" = 'count-programs derive-run_time_ns gauge-cpu_percent gauge-ns_per_call gauge-ns_per_call_lifetime invocations memory' ]
}
