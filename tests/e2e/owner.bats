#!/usr/bin/env bats
# Whose programs are: two workloads, each in a control group as a unit has one.

load common

in_cgroup=$srcdir/tests/live/in_cgroup

# Runs the commands of standard input in a workload of edge.service, which holds
# its programs after that.
start_edge() {
  { cat && echo 'sleep 3600'; } >"$dir/edge_commands"
  "$in_cgroup" edge.service "$builddir/tests/live/workload" \
    <"$dir/edge_commands" >"$dir/edge_answers" 3>&- &
  edge_pid=$!
  wait_until has_answered $(($(wc -l <"$dir/edge_commands") - 1))
}

has_answered() { [ "$(grep -c '^ok$' "$dir/edge_answers")" -ge "$1" ]; }

start_shop() {
  before_workload=("$in_cgroup" shop.service)
  start_workload
}

teardown() {
  stop_collectd -TERM
  stop_workload
  if [ -n "${edge_pid:-}" ] && kill "$edge_pid"; then wait "$edge_pid" || :; fi
  "$in_cgroup" shop.service
  "$in_cgroup" edge.service
  if [ -e "$log" ]; then cat "$log"; fi
}

@test "PluginInstanceFormat__owner_and_name__tells_equal_names_apart" {
  start_collectd <<<'PluginInstanceFormat "owner name"
    Program "/^e2e_/"'
  wait_reads 1 # statistics are on
  start_shop
  workload load e2e_twin xdp
  workload load e2e_shop xdp
  workload run e2e_twin 100
  workload run e2e_shop 7
  start_edge <<<$'load e2e_twin xdp\nrun e2e_twin 50'
  wait_reads
  [ "$(instances | xargs)" = "edge_service-e2e_twin shop_service-e2e_shop shop_service-e2e_twin" ]
  [ "$(last shop_service-e2e_twin invocations)" = 100 ]
  [ "$(last shop_service-e2e_shop invocations)" = 7 ]
  [ "$(last edge_service-e2e_twin invocations)" = 50 ]
  has_values "" count-unowned_programs
}

@test "PluginInstanceFormat__owner__sums_all_programs_of_each" {
  start_collectd <<<'PluginInstanceFormat "owner"'
  wait_reads 1
  start_shop
  workload load e2e_first xdp
  workload load e2e_second sched_cls
  workload run e2e_first 100
  workload run e2e_second 7
  start_edge <<<$'load e2e_twin xdp\nrun e2e_twin 50'
  wait_reads
  [ "$(last shop_service invocations)" = 107 ]
  [ "$(last shop_service count-programs)" = 2 ]
  [ "$(last edge_service invocations)" = 50 ]
}

@test "owner__loaded_before_collectd__is_found" {
  start_shop
  workload load e2e_twin xdp
  start_edge <<<'load e2e_twin xdp'
  start_collectd <<<'PluginInstanceFormat "owner name"
    Program "e2e_twin"'
  wait_reads
  [ "$(instances | xargs)" = "edge_service-e2e_twin shop_service-e2e_twin" ]
}

# Where it is found a read later, no past comes with it.
@test "owner__of_running_programs__no_rate_is_invented" {
  start_collectd <<<'PluginInstanceFormat "owner"'
  wait_reads 1
  start_shop
  workload load e2e_busy xdp
  workload rate e2e_busy 1000
  workload sleep 2
  wait_reads
  values shop_service invocations | awk -F, 'NR > 1 && ($2 < last || ($2 - last) / ($1 - time) > 2000) {exit 1}
    {last = $2; time = $1}'
  [ "$(last shop_service invocations)" -le 2000 ]
}

@test "Owner__selects__by_the_name_as_it_is" {
  start_collectd <<<'Owner "shop.service" "/^no_such/"'
  start_shop
  workload load e2e_mine xdp
  start_edge <<<'load e2e_theirs xdp'
  wait_until grep -q 'option Owner' "$log"
  has_values e2e_mine count-programs
  has_none e2e_theirs count-programs
  [ "$(plugin_lines | wc -l)" -eq 1 ]
  grep -F '[info] bpf_stats: option Owner, value "/^no_such/": has selected no program in 10 reads' "$log"
}

@test "owner__not_asked_for__nothing_is_looked_for" {
  start_collectd </dev/null
  start_shop
  workload load e2e_mine xdp
  wait_reads
  has_values e2e_mine count-programs
  has_none "" count-unowned_programs
}
