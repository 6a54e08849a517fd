#!/usr/bin/env bats
# The rules of conf/fleet/threshold.conf, with real misses and collectd's own plugin.

load common

notifications() { # INSTANCE
  awk -v instance="plugin_instance = $1," '/Notification: / && index($0, instance)' "$log"
}
has_notifications() { [ "$(notifications "$1" | wc -l)" -ge "$2" ]; }

@test "miss_rate_above_the_threshold__is_one_warning_and_one_okay" {
  extra_config="PluginDir \"/usr/lib/collectd\"
$(cat "$srcdir/conf/fleet/threshold.conf")"
  start_collectd </dev/null
  start_workload
  workload load e2e_calm xdp
  workload load e2e_hot recursion
  wait_reads
  workload rate e2e_hot 100
  workload rate e2e_calm 100
  workload sleep 3
  has_notifications e2e_hot 1
  # The same name, without misses.
  workload unload e2e_hot
  workload load e2e_hot xdp
  workload rate e2e_hot 100
  workload sleep 3
  wait_until has_notifications e2e_hot 2
  run notifications e2e_hot
  [ "${#lines[@]}" -eq 2 ]
  [[ ${lines[0]} == *'severity = WARNING'*'type_instance = miss_rate'* ]]
  [[ ${lines[1]} == *'severity = OKAY'* ]]
  # collectd says OKAY of each series that it sees for the first time.
  [[ $(notifications e2e_calm) == *'severity = OKAY'* ]]
  [ "$(notifications e2e_calm | wc -l)" -eq 1 ]
}

@test "program_unloaded__is_no_notification" {
  extra_config="PluginDir \"/usr/lib/collectd\"
$(cat "$srcdir/conf/fleet/threshold.conf")"
  start_collectd </dev/null
  start_workload
  workload load e2e_gone xdp
  wait_reads
  workload rate e2e_gone 100
  workload sleep 2
  workload unload e2e_gone
  # Longer than collectd's timeout of two intervals.
  wait_reads 8
  [[ $(notifications e2e_gone) == *'severity = OKAY'* ]]
  [ "$(notifications e2e_gone | wc -l)" -eq 1 ]
}
