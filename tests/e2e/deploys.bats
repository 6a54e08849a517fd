#!/usr/bin/env bats
# Deploys of a real program under a real collectd: what its log and a handler of its
# plugin exec are told of versions, of what they cost, and of the host.

load common
load handler

# The program is replaced by one that reads the clock so often.
deploy() { # CLOCK_READS
  workload unload e2e_firewall
  workload load e2e_firewall "slow:$1"
  workload rate e2e_firewall 2000
}

# The program runs until so many notifications have come, and a moment longer, so that
# one too many would come as well.
run_until_notified() { # NUMBER
  local _
  for _ in {1..100}; do
    workload sleep 1
    if [ "$(notified)" -ge "$1" ]; then break; fi
  done
  workload sleep 2
  [ "$(notified)" -eq "$1" ]
}

# Demands the messages since the last call, in any order, as handlers run in threads of
# their own: "SEVERITY TYPE_INSTANCE MESSAGE", where the message is a regex.
seen=0
expect_notifications() { # < LINES
  local file line
  mapfile -t files < <(printf '%s\n' "$dir"/notified/* | sort | tail -n "+$((seen + 1))")
  seen=$((seen + ${#files[@]}))
  for file in "${files[@]}"; do
    grep -qx 'Host: test-host' "$file"
    grep -qx 'Plugin: bpf_stats' "$file"
    echo "$(sed -n 's/^Severity: //p' "$file") $(sed -n 's/^TypeInstance: //p' "$file")" \
      "$(sed '1,/^$/d' "$file")"
  done | tee "$dir/messages"
  while read -r line; do
    echo "expected: $line"
    [ "$(grep -Ecx "$line" "$dir/messages")" -eq 1 ]
    grep -Evx "$line" "$dir/messages" >"$dir/rest" || :
    mv "$dir/rest" "$dir/messages"
  done
  [ ! -s "$dir/messages" ]
}

tag_of() { # NAME
  "$BPFTOOL" -j prog show | jq -r "last(.[] | select(.name == \"$1\")).tag"
}

@test "deploys__dearer_twice_and_repaired__are_the_notifications_of_the_readme" {
  extra_config=$(handler_config)
  start_workload
  workload load e2e_firewall slow:10
  workload rate e2e_firewall 2000
  start_collectd <<'END'
NotifyChanges true
RegressionThreshold 50
Program "/^e2e_/"
Metrics "invocations" "ns_per_call" "loads" "age"
END
  workload sleep 8
  cheap=$(tag_of e2e_firewall)
  price='[0-9]+ -> [0-9]+ ns a run \(\+[0-9]+ %\)'
  loaded='loaded 20[0-9-]+T[0-9:]+Z, 1 program'

  deploy 30
  dear=$(tag_of e2e_firewall)
  [ "$dear" != "$cheap" ]
  run_until_notified 3
  expect_notifications <<END
OKAY loads e2e_firewall: tag $cheap -> $dear, $loaded
OKAY ns_per_call e2e_firewall: tag $cheap -> $dear: $price, [0-9.]+ k and [0-9.]+ k runs
WARNING ns_per_call e2e_firewall: tag $cheap -> $dear: $price, medians of [0-9]+ and ([5-9]|10) intervals
END

  deploy 90
  dearest=$(tag_of e2e_firewall)
  run_until_notified 7
  expect_notifications <<END
OKAY loads e2e_firewall: tag $dear -> $dearest, $loaded
OKAY ns_per_call e2e_firewall: replaced by tag $dearest
OKAY ns_per_call e2e_firewall: tag $dear -> $dearest: $price, [0-9.]+ k and [0-9.]+ k runs
WARNING ns_per_call e2e_firewall: tag $dear -> $dearest: $price, medians of [0-9]+ and ([5-9]|10) intervals
END

  deploy 10
  [ "$(tag_of e2e_firewall)" = "$cheap" ]
  run_until_notified 10
  expect_notifications <<END
OKAY loads e2e_firewall: tag $dearest -> $cheap, $loaded
OKAY ns_per_call e2e_firewall: replaced by tag $cheap
OKAY ns_per_call e2e_firewall: tag $dearest -> $cheap: [0-9]+ -> [0-9]+ ns a run \(-[0-9]+ %\), [0-9.]+ k and [0-9.]+ k runs
END
  # The log has the three prices, and nothing else.
  [ "$(plugin_lines | grep -Ec 'e2e_firewall: tag .* ns a run')" -eq 3 ]
  [ "$(plugin_lines | wc -l)" -eq 3 ]
  # Each deploy is a tooth of the one series, and a step of the other.
  [ "$(last e2e_firewall derive-loads)" = 4 ]
  values e2e_firewall gauge-age | awk -F, '$2 < last {teeth++} {last = $2} END {exit teeth != 3}'
  stop_collectd -TERM
  [ "$(notified)" -eq 10 ]
}

@test "deploys__reloads_of_the_same_program__are_none" {
  extra_config=$(handler_config)
  start_workload
  workload load e2e_firewall slow:10
  workload rate e2e_firewall 2000
  start_collectd <<'END'
NotifyChanges true
RegressionThreshold 50
END
  workload sleep 4
  deploy 10
  workload sleep 2
  workload unload e2e_firewall
  wait_reads 2 # a gap between
  workload load e2e_firewall slow:10
  workload rate e2e_firewall 2000
  workload sleep 5
  [ "$(notified)" -eq 0 ]
  [ -z "$(plugin_lines)" ]
}

@test "CostThreshold__host_costs_more_for_a_while__is_one_warning_and_one_okay" {
  extra_config=$(handler_config)
  start_workload
  interval=1
  start_collectd <<<'CostThreshold 5'
  wait_reads 4
  [ "$(notified)" -eq 0 ]
  # 3 to 5 us a run, so a tenth of a CPU and more in all.
  for name in e2e_a e2e_b e2e_c e2e_d; do
    workload load "$name" slow:200
    workload rate "$name" 10000
  done
  echo "sleep 3600" >&"$workload_in"
  wait_until has_notified 1
  wait_reads 4
  expect_notifications <<'END'
WARNING cpu_percent BPF programs cost [0-9.]+ % of one CPU: e2e_[a-d] [0-9.]+ %, [a-z0-9_]+ [0-9.]+ %, [a-z0-9_]+ [0-9.]+ %
END
  stop_workload
  wait_until has_notified 2
  expect_notifications <<'END'
OKAY cpu_percent BPF programs cost [0-9.]+ % of one CPU
END
}
