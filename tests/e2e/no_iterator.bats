#!/usr/bin/env bats
# A plugin that was built without the BPF programs.

load common

@test "Source__iterator_in_a_build_without_it__is_refused" {
  SOURCE=iterator start_collectd </dev/null
  wait_until compgen -G "$csv/cpu-0/cpu-user-*" >/dev/null
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  grep -F '[error] bpf_stats: this build has no iterator. The plugin is not started.' "$log"
}

@test "Source__auto_in_a_build_without_iterator__takes_syscalls_and_says_so" {
  SOURCE=auto start_collectd </dev/null
  wait_reads
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  grep -F '[info] bpf_stats: reading by system calls: this build has no iterator' "$log"
}
