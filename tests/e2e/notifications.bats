#!/usr/bin/env bats
# Notifications about real misses: the plugin's own, received by a handler of
# collectd's plugin exec, and those of the rules of conf/fleet/threshold.conf.

load common

notifications() { # INSTANCE
  awk -v instance="plugin_instance = $1," '/Notification: / && index($0, instance)' "$log"
}
has_notifications() { [ "$(notifications "$1" | wc -l)" -ge "$2" ]; }

# Has each notification written into a file of its own, by a user without rights.
handler_config() {
  chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
  mkdir "$dir/notified"
  chown nobody "$dir/notified"
  cat >"$dir/handler" <<END
#!/bin/sh
cat >"$dir/notified/\$(date +%s.%N)"
END
  chmod 755 "$dir/handler"
  echo 'PluginDir "/usr/lib/collectd"
LoadPlugin exec
<Plugin exec>
  NotificationExec "nobody" "'"$dir/handler"'"
</Plugin>'
}

notified() { find "$dir/notified" -type f | wc -l; }
has_notified() { [ "$(notified)" -ge "$1" ]; }

@test "MissRateThreshold__real_misses__are_raised_and_cleared_once_at_an_exec_handler" {
  extra_config=$(handler_config)
  start_collectd </dev/null
  start_workload
  workload load e2e_calm xdp
  workload load e2e_hot recursion
  wait_reads
  workload rate e2e_hot 1000
  workload rate e2e_calm 1000
  workload sleep 3
  wait_until has_notified 1
  # The same name, without misses.
  workload unload e2e_hot
  workload load e2e_hot socket_filter
  workload rate e2e_hot 1000
  workload sleep 3
  wait_until has_notified 2
  [ "$(notified)" -eq 2 ]
  mapfile -t files < <(printf '%s\n' "$dir"/notified/* | sort)
  cat "${files[@]}"
  grep -qx 'Severity: WARNING' "${files[0]}"
  grep -qx 'Severity: OKAY' "${files[1]}"
  for file in "${files[@]}"; do
    grep -qx 'Host: test-host' "$file"
    grep -qx 'Plugin: bpf_stats' "$file"
    grep -qx 'PluginInstance: e2e_hot' "$file"
    grep -qx 'TypeInstance: miss_rate' "$file"
  done
  counts='[0-9]+ invocations, [0-9]+ ns'
  grep -Eqx "e2e_hot: $counts, [0-9]+ recursion misses, [0-9.]+ ns/call, miss rate 0\.[45][0-9]+" "${files[0]}"
  grep -Eqx "e2e_hot: $counts, 0 recursion misses, [0-9.]+ ns/call, miss rate 0\.000000" "${files[1]}"
}

@test "threshold_conf__miss_rate_above_it__is_one_warning_and_one_okay" {
  extra_config="PluginDir \"/usr/lib/collectd\"
$(cat "$srcdir/conf/fleet/threshold.conf")"
  start_collectd <<<'MissRateThreshold 0'
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

@test "threshold_conf__program_unloaded__is_no_notification" {
  extra_config="PluginDir \"/usr/lib/collectd\"
$(cat "$srcdir/conf/fleet/threshold.conf")"
  start_collectd <<<'MissRateThreshold 0'
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
