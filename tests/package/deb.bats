#!/usr/bin/env bats
# The Debian package, in its life on a booted machine: install, upgrade, remove,
# purge, with collectd really started after each.

load machine

conf=/etc/collectd/collectd.conf.d/bpf_stats.conf

setup() {
  boot_machine
}

teardown() {
  stop_machine
}

# What an operator has set.
edit_settings() {
  in_machine sed -i 's/#PluginInstanceFormat "name"/PluginInstanceFormat "type"/' "$conf"
  edited=$(in_machine cat "$conf")
}

settings_are_as_edited() { [ "$(in_machine cat "$conf")" = "$edited" ]; }

# Every file of the machine, but for what packaging and running write.
list_files() {
  in_machine find / -xdev \( -path /packages -o -path /tmp -o -path /var/lib/collectd -o \
    -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \) -prune -o -print | sort
}

@test "deb__lintian__finds_no_error" {
  lintian --allow-root --fail-on error "$packages"/current/*.changes
}

@test "deb__plugin_and_tool__are_hardened" {
  run readelf -d "$packages"/current/source/debian/collectd-bpf-stats/usr/lib/collectd/bpf_stats.so
  [[ $output == *BIND_NOW* ]]
  run readelf -hd "$packages"/current/source/debian/collectd-bpf-stats/usr/sbin/bpf_stats_pin
  [[ $output == *BIND_NOW* ]]
  [[ $output == *"Position-Independent Executable"* ]]
}

@test "deb__installed__delivers_values_without_a_warning" {
  mark_log
  deb install current
  coproc WORKLOAD { exec "$builddir/tests/live/workload" 3>&-; }
  workload_pid=$WORKLOAD_PID
  echo 'load package_xdp xdp' >&"${WORKLOAD[1]}"
  read -r -t 20 answer <&"${WORKLOAD[0]}"
  [ "$answer" = ok ]
  csv=$(in_root /var/lib/collectd/csv)
  wait_until compgen -G "$csv/*/bpf_stats-package_xdp/count-programs-*"
  echo 'run package_xdp 4321' >&"${WORKLOAD[1]}"
  read -r -t 20 answer <&"${WORKLOAD[0]}"
  values_go_on
  kill "$workload_pid"
  [ "$(tail -qn 1 "$csv"/*/bpf_stats-package_xdp/invocations-* | cut -d, -f2)" = 4321 ]
  run complaints
  [ "$output" = "" ]
}

@test "deb__installed__its_unit_is_neither_enabled_nor_started" {
  deb install current
  in_machine bpf_stats_pin --version
  run in_machine systemctl is-enabled bpf_stats_pin
  [ "$output" = disabled ]
  run in_machine systemctl is-active bpf_stats_pin run-bpf_stats.mount
  [ "$output" = inactive$'\n'inactive ]
}

@test "deb__removed__collectd_starts_and_settings_return_with_the_package" {
  deb install current
  edit_settings
  restart_collectd
  deb remove
  in_machine systemctl is-active collectd
  no_values_come
  deb install current
  settings_are_as_edited
  values_go_on
  restart_collectd
  values_go_on
}

@test "deb__removed_without_an_edit__settings_return_with_the_package" {
  deb install current
  deb remove
  restart_collectd
  deb install next
  grep 'The next version' "$(in_root $conf)"
  values_go_on
}

@test "deb__settings_deleted_by_the_operator__stay_deleted" {
  deb install current
  in_machine rm "$conf"
  deb install next
  no_values_come
  [ ! -e "$(in_root $conf)" ]
  deb remove
  restart_collectd
  deb install next
  no_values_come
  [ ! -e "$(in_root $conf)" ]
}

@test "deb__upgraded_from_the_release__keeps_the_settings_and_delivers" {
  deb install old
  restart_collectd
  edit_settings
  deb install current
  settings_are_as_edited
  values_go_on
  deb install next
  settings_are_as_edited
  values_go_on
  restart_collectd
  values_go_on
}

@test "deb__upgraded_from_the_release_that_was_removed__keeps_the_settings" {
  deb install old
  edit_settings
  deb remove
  deb install current
  settings_are_as_edited
  restart_collectd
  values_go_on
}

@test "deb__purged__leaves_nothing" {
  list_files >"$BATS_TEST_TMPDIR/before"
  deb install current
  go_without_capabilities
  list_files >"$BATS_TEST_TMPDIR/installed"
  run cmp -s "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/installed"
  [ "$status" -eq 1 ]
  deb purge
  # shellcheck disable=SC2016 # it is README's line
  run_readme 'and `make uninstall` after `systemctl stop bpf_stats_pin`. With no capabilities this is left:'
  [ "$(cat /proc/sys/kernel/bpf_stats_enabled)" = 0 ]
  in_machine rmdir /etc/systemd/system/collectd.service.d
  in_machine systemctl is-active collectd
  list_files >"$BATS_TEST_TMPDIR/after"
  run diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
  echo "$output"
  [ -z "$output" ]
}

@test "deb__purged_after_removal__leaves_nothing" {
  list_files >"$BATS_TEST_TMPDIR/before"
  deb install current
  edit_settings
  deb remove
  deb purge
  restart_collectd
  list_files >"$BATS_TEST_TMPDIR/after"
  run diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
  echo "$output"
  [ -z "$output" ]
}
