#!/usr/bin/env bats
# What refuses BPF besides missing capabilities: one line says who, and what helps.

load common

# Of errno(3), and of include/linux/errno.h.
EPERM=1 EACCES=13 ENOSYS=38 ENOTSUPP=524
# Of enum bpf_cmd.
PROG_LOAD=5 PROG_GET_NEXT_ID=11 PROG_GET_FD_BY_ID=13 LINK_CREATE=28 ENABLE_STATS=32

filter='a seccomp filter forbids bpf(2); allow it with "SystemCallFilter=@system-service bpf" in the unit, or in the profile of the container'
unknown='no capability is missing, so a security module of the kernel or a seccomp filter forbids it'

# Starts collectd under a filter that refuses a command of bpf(2), or "all".
start_refused() { # ERRNO COMMAND [WRAPPER...]
  start_collectd "${@:3}" "$builddir/tests/live/refuse_bpf" "$1" "$2"
}

said() { # LINE
  wait_until grep -qFx "$1" "$log"
  plugin_lines
  [ "$(plugin_lines)" = "$1" ]
}

@test "seccomp__bpf_with_any_errno__is_one_line_that_names_the_filter" {
  local error meaning
  while read -r error meaning; do
    SOURCE=auto start_refused "$error" all </dev/null
    said "[error] bpf_stats: cannot list BPF programs: $meaning: $filter. The plugin is not started."
    stop_collectd -TERM
    rm "$log"
  done <<<"$EPERM Operation not permitted
$EACCES Permission denied
$ENOSYS Function not implemented"
}

@test "seccomp__the_iterator_alone_is_wanted__is_one_line_that_names_the_filter" {
  SOURCE=iterator start_refused $EACCES all </dev/null
  said "[error] bpf_stats: the iterator does not load: Permission denied: $filter. The plugin is not started."
}

# As systemd does with SystemCallFilter=@system-service. The plugin cannot help it.
@test "seccomp__bpf_is_deadly__ends_collectd_as_the_documentation_says" {
  write_config </dev/null
  run timeout 10 "$builddir/tests/live/refuse_bpf" kill all "$COLLECTD" -f -C "$dir/collectd.conf"
  [ "$status" -eq 159 ]
  grep -F 'SystemCallFilter=@system-service bpf' "$srcdir/doc/troubleshooting.md"
}

@test "refused__loading_alone__reads_by_system_calls_and_says_why" {
  SOURCE=auto start_refused $EACCES $PROG_LOAD </dev/null
  said "[info] bpf_stats: reading by system calls: the iterator does not load: Permission denied: $unknown"
  wait_reads
}

@test "refused__listing_alone__is_one_line_without_a_word_about_capabilities" {
  SOURCE=syscall start_refused $EPERM $PROG_GET_NEXT_ID </dev/null
  said "[error] bpf_stats: cannot list BPF programs: Operation not permitted: $unknown. The plugin is not started."
}

@test "refused__opening_programs__is_one_line_that_says_who" {
  start_workload
  workload load e2e_refused xdp
  SOURCE=syscall start_refused $EACCES $PROG_GET_FD_BY_ID </dev/null
  said "[error] bpf_stats: reading BPF programs failed: Permission denied: $unknown. It is tried again at each read."
}

@test "refused__EnableStats__is_one_warning_that_says_who" {
  start_refused $EACCES $ENABLE_STATS </dev/null
  said "[warning] bpf_stats: EnableStats cannot turn run-time statistics on: Permission denied: $unknown."
}

@test "refused__an_error_of_the_kernel_itself__has_its_meaning" {
  SOURCE=auto start_refused $ENOTSUPP $LINK_CREATE </dev/null
  said "[info] bpf_stats: reading by system calls: the iterator does not load: not supported by this kernel: prog 'bpf_stats_iter': failed to attach to iterator"
}

@test "CAP_BPF_and_CAP_PERFMON__iterator_refused_by_another__is_not_told_to_get_them" {
  SOURCE=auto start_refused $ENOTSUPP $LINK_CREATE \
    setpriv --inh-caps=-all,+bpf,+perfmon --bounding-set=-all,+bpf,+perfmon </dev/null
  said "[error] bpf_stats: the iterator does not load: not supported by this kernel: prog 'bpf_stats_iter': failed to attach to iterator; and for system calls CAP_SYS_ADMIN is missing. The plugin is not started."
}

@test "user_namespace__root_there__is_told_that_it_does_not_count" {
  SOURCE=auto start_collectd unshare --user --map-root-user </dev/null
  said "[error] bpf_stats: cannot list BPF programs: Operation not permitted: capabilities in a user namespace do not count for BPF; run it in that of the host, or set IteratorPin. The plugin is not started."
}

@test "bpf_stats_pin__under_a_filter__names_it" {
  run "$builddir/tests/live/refuse_bpf" $EPERM all "$builddir/plugin/bpf_stats_pin" --dir "$dir/bpf"
  [ "$status" -eq 1 ]
  [ "$output" = "bpf_stats_pin: the iterator does not load: Operation not permitted: $filter" ]
}
