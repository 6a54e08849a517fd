#!/usr/bin/env bats
# The RPM package, in its life on a booted machine whose collectd includes every
# file of /etc/collectd.d, as distributions with RPM have it. Its dependencies have
# Debian's names here, so they are not asked for.

load machine

conf=/etc/collectd.d/bpf_stats.conf

setup() {
  boot_machine
  in_machine mkdir /etc/collectd.d
  cat >>"$(in_root /etc/collectd/collectd.conf)" <<'END'
PluginDir "/usr/lib64/collectd"
Include "/etc/collectd.d"
END
  restart_collectd
}

teardown() {
  stop_machine
}

rpm_install() { # VERSION
  in_machine rpm -U --nodeps "/packages/$1.rpm"
}

rpm_erase() {
  in_machine rpm -e --nodeps collectd-bpf-stats
}

edit_settings() {
  in_machine sed -i 's/#PluginInstanceFormat "name"/PluginInstanceFormat "type"/' "$conf"
  edited=$(in_machine cat "$conf")
}

settings_are_as_edited() { [ "$(in_machine cat "$conf")" = "$edited" ]; }

# What collectd reads.
included() { in_machine ls /etc/collectd.d; }

@test "rpm__built__has_the_plugin_the_tool_and_their_files" {
  run rpm -qpl "$packages/current.rpm"
  echo "$output"
  for file in collectd/bpf_stats.so sbin/bpf_stats_pin collectd.d/bpf_stats.conf \
    system/bpf_stats_pin.service system/run-bpf_stats.mount collectd-bpf_stats/60-bpf_stats.conf \
    man5/collectd-bpf_stats.5 man8/bpf_stats_pin.8; do
    [[ $output == *"$file"* ]]
  done
}

@test "rpm__installed__delivers_values_without_a_warning" {
  mark_log
  rpm_install current
  values_go_on
  run complaints
  [ "$output" = "" ]
  run in_machine systemctl is-active bpf_stats_pin run-bpf_stats.mount
  [ "$output" = inactive$'\n'inactive ]
}

@test "rpm__erased__collectd_starts_and_settings_return_with_the_package" {
  rpm_install current
  edit_settings
  restart_collectd
  rpm_erase
  [ "$(included)" = "" ]
  no_values_come
  rpm_install current
  settings_are_as_edited
  restart_collectd
  values_go_on
}

@test "rpm__erased_without_an_edit__leaves_nothing" {
  list() { in_machine find /etc /usr -type f -print | sort; }
  before=$(list)
  rpm_install current
  rpm_erase
  restart_collectd
  run diff <(echo "$before") <(list)
  echo "$output"
  [ -z "$output" ]
}

@test "rpm__settings_deleted_by_the_operator__stay_deleted" {
  rpm_install current
  in_machine rm "$conf"
  rpm_install next
  [ "$(included)" = "" ]
  no_values_come
  rpm_erase
  restart_collectd
}

@test "rpm__upgraded_from_the_release__keeps_the_settings_and_delivers" {
  rpm_install old
  restart_collectd
  edit_settings
  for version in current next; do
    rpm_install "$version"
    settings_are_as_edited
    [ "$(included)" = bpf_stats.conf ]
    values_go_on
    restart_collectd
  done
}

@test "rpm__upgraded_from_the_release_without_an_edit__still_has_settings" {
  rpm_install old
  rpm_install current
  [ "$(included)" = bpf_stats.conf ]
  restart_collectd
  values_go_on
}

@test "rpm__installed_after_the_release_was_erased__brings_the_settings_back" {
  rpm_install old
  edit_settings
  rpm_erase
  [ "$(included)" = bpf_stats.conf.rpmsave ]
  rpm_install current
  settings_are_as_edited
  [ "$(included)" = bpf_stats.conf ]
  restart_collectd
  values_go_on
}

@test "rpm__pinned__upgrade_goes_on_and_erasure_leaves_nothing" {
  rpm_install current
  go_without_capabilities
  values_go_on
  mark_log
  pinned=$(in_machine stat -c %i /run/bpf_stats/iterator)
  rpm_install next
  [ "$(in_machine stat -c %i /run/bpf_stats/iterator)" != "$pinned" ]
  values_go_on
  run complaints
  [ "$output" = "" ]
  rpm_erase
  run in_machine systemctl is-active bpf_stats_pin run-bpf_stats.mount
  [ "$output" = inactive$'\n'inactive ]
  [ ! -e "$(in_root /run/bpf_stats)" ]
  restart_collectd
  rpm_install next
  values_go_on
}
