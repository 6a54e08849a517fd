#!/usr/bin/env bats
# The units of bpf_stats_pin, on a booted machine whose collectd has no capability:
# start, restart, stop, boot, and what the package does to them in its life.

load machine

conf=/etc/collectd/collectd.conf.d/bpf_stats.conf

setup() {
  boot_machine
}

teardown() {
  stop_machine
}

install_pinned() {
  deb install current
  go_without_capabilities
  values_go_on
  mark_log
}

# What is pinned: the ids of the iterator's link and program.
pinned_ids() {
  in_machine bpftool -j link show pinned /run/bpf_stats/iterator | jq -r '"\(.id) \(.prog_id)"'
}

is_unloaded() { # LINK_ID PROGRAM_ID
  ! "$BPFTOOL" link show id "$1" 2>/dev/null && ! "$BPFTOOL" prog show id "$2" 2>/dev/null
}

# Of what was pinned with these ids.
nothing_is_left() { # LINK_ID PROGRAM_ID
  wait_until is_unloaded "$@"
  run in_machine systemctl is-active bpf_stats_pin run-bpf_stats.mount
  [ "$output" = inactive$'\n'inactive ]
  run in_machine grep ' /run/bpf_stats ' /proc/self/mounts
  [ "$output" = "" ]
  [ ! -e "$(in_root /run/bpf_stats)" ]
}

# Services are then the operator's to restart.
forbid_restarts() {
  printf '#!/bin/sh\nexit 101\n' >"$(in_root /usr/sbin/policy-rc.d)"
  in_machine chmod 755 /usr/sbin/policy-rc.d
}

# As 1.0.0 told its operators, from a checkout.
install_pinned_release() {
  local from=/packages/old/source/conf/systemd
  deb install old
  in_machine cp $from/bpf_stats_pin.service /etc/systemd/system/
  in_machine install -D -m 644 -t /etc/systemd/system/collectd.service.d $from/collectd-no-capabilities.conf
  in_machine sysctl -q -p $from/60-bpf_stats.conf
  in_machine sed -i -e 's/#EnableStats true/EnableStats false/' -e 's/# IteratorPin/IteratorPin/' "$conf"
  in_machine systemctl daemon-reload
  in_machine systemctl enable --now bpf_stats_pin
  restart_collectd
  values_go_on
  mark_log
}

@test "unit__exposure__is_at_most_3" {
  deb install current
  run in_machine systemd-analyze security --no-pager --threshold=30 bpf_stats_pin
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "unit__restarted_or_reloaded__replaces_the_pins_in_the_same_file_system" {
  install_pinned
  ids=$(pinned_ids)
  in_machine mkdir /run/bpf_stats/witness
  for action in restart reload; do
    in_machine systemctl "$action" bpf_stats_pin
    [ "$(pinned_ids)" != "$ids" ]
    # shellcheck disable=SC2086 # two words
    wait_until is_unloaded $ids
    ids=$(pinned_ids)
    values_go_on
  done
  # One that is mounted again may have the numbers of device and mount of the one before.
  in_machine rmdir /run/bpf_stats/witness
  run complaints
  [ "$output" = "" ]
}

@test "unit__stopped__leaves_nothing" {
  install_pinned
  # A reader that has the file open does not keep it.
  exec 4<"$(in_root /run/bpf_stats/iterator)"
  read -r link_id prog_id < <(pinned_ids)
  in_machine systemctl stop bpf_stats_pin
  exec 4<&-
  nothing_is_left "$link_id" "$prog_id"
  in_machine systemctl is-active collectd
}

@test "unit__pinned_by_hand__systemd_leaves_it_alone" {
  deb install current
  in_machine bpf_stats_pin
  in_machine systemctl daemon-reload
  read -r link_id prog_id < <(pinned_ids)
  in_machine systemctl start bpf_stats_pin
  wait_until is_unloaded "$link_id" "$prog_id"
  read -r link_id prog_id < <(pinned_ids)
  in_machine systemctl stop bpf_stats_pin
  nothing_is_left "$link_id" "$prog_id"
}

@test "unit__group_in_a_drop_in__is_that_of_the_pins_after_each_action" {
  deb install current
  in_machine install -d /etc/systemd/system/bpf_stats_pin.service.d
  printf '[Service]\nEnvironment=GROUP=daemon MODE=0640\n' \
    >"$(in_root /etc/systemd/system/bpf_stats_pin.service.d/group.conf)"
  in_machine systemctl daemon-reload
  for action in start restart reload; do
    in_machine systemctl "$action" bpf_stats_pin
    [ "$(in_machine stat -c '%U %G %a' /run/bpf_stats/iterator)" = 'root daemon 640' ]
  done
}

@test "unit__enabled__pins_before_collectd_starts_at_boot" {
  install_pinned
  reboot_machine
  values_go_on
  # Of the plugin: rrdtool warns of two values in one second, in files of that name.
  run in_machine journalctl -q -b -o cat -t collectd -p warning
  [[ $output != *'bpf_stats: '* ]]
}

@test "unit__package_upgraded__values_go_on_from_new_pins" {
  install_pinned
  read -r link_id prog_id < <(pinned_ids)
  deb install next
  values_go_on
  wait_until is_unloaded "$link_id" "$prog_id"
  in_machine systemctl is-active bpf_stats_pin
  run complaints
  [ "$output" = "" ]
}

@test "unit__package_removed__leaves_nothing_and_returns_with_the_package" {
  install_pinned
  read -r link_id prog_id < <(pinned_ids)
  deb remove
  nothing_is_left "$link_id" "$prog_id"
  restart_collectd
  mark_log # a read while the pins were gone has said so, once and rightly
  deb install current
  values_go_on
  run complaints
  [ "$output" = "" ]
}

@test "unit__release_upgraded__values_go_on_and_removal_leaves_nothing" {
  install_pinned_release
  deb install current
  values_go_on
  in_machine systemctl is-active bpf_stats_pin
  # Its copy went before the package's.
  in_machine rm /etc/systemd/system/bpf_stats_pin.service
  in_machine systemctl daemon-reload
  in_machine systemctl reenable bpf_stats_pin
  in_machine systemctl restart bpf_stats_pin
  values_go_on
  read -r link_id prog_id < <(pinned_ids)
  deb remove
  nothing_is_left "$link_id" "$prog_id"
  restart_collectd
}

# Values, or one line that names the service.
goes_on_or_says_what_to_restart() { # SERVICE
  local count said
  count=$(($(count_values) + 1))
  wait_until values_or_a_complaint "$count"
  said=$(complaints) || true
  echo "$said"
  has_more_values "$count" || [[ $said == *"restart $1"* && $said != *$'\n'* ]]
}
values_or_a_complaint() { has_more_values "$1" || [ -n "$(complaints)" ]; }

@test "unit__release_upgraded_without_restarts__new_daemon_and_old_pin_get_on" {
  install_pinned_release
  forbid_restarts
  deb install current
  values_go_on
  mark_log
  restart_collectd
  goes_on_or_says_what_to_restart bpf_stats_pin
  in_machine systemctl restart bpf_stats_pin
  values_go_on
}

@test "unit__upgraded_without_restarts__old_daemon_and_new_pin_get_on" {
  install_pinned
  forbid_restarts
  deb install next
  values_go_on
  in_machine systemctl daemon-reload
  in_machine systemctl restart bpf_stats_pin
  goes_on_or_says_what_to_restart collectd
  restart_collectd
  values_go_on
}
