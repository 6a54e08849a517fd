#!/usr/bin/env bats
# The dashboards and the alerts of a fleet, each query by its real server, with an hour of
# roll-ups of $HOSTS hosts (rollups.awk says what there is to see), and how long each took.

servers=${BATS_TEST_TMPDIR:-} # none while bats only counts the tests
load ../e2e/servers
load ../e2e/dashboards
load fleet
load stores

minutes=60 # of the queries
times=$servers/times
printf -v new_program 'owner%d-program_%03d' $(((GROUPS_A_HOST - 1) % 7)) $((GROUPS_A_HOST - 1))

teardown() {
  stop_servers
  if compgen -G "$servers/*.log"; then tail -n 3 "$servers"/*.log; fi
}

# The numbers at the top, "TITLE<TAB>QUERY" a line, are those of rollups.awk. An hour has
# one of the unloads more or less, as it may begin within a minute.
expect_numbers() { # COMMAND...
  local title query
  while IFS=$'\t' read -r title query; do
    printf '%s\t%s\n' "$title" "$("$@" "$query")"
  done >"$servers/numbers"
  cat "$servers/numbers"
  printf '%s\t%s\t%s\n' Hosts $((HOSTS - 1)) 0 Silent 1 0 'Statistics not on' 1 0 Folded 3 0 'Unwatched unloads' 60 1.5 \
    'Above budget' 1 0 'Programs skipped' 1 0 'Against last week' 2 0.05 | paste - "$servers/numbers" |
    awk -F '\t' '$1 != $4 || $5 == "null" || $5 < $2 - $3 || $5 > $2 + $3 {print "false: " $0; failed = 1} END {exit failed || NR != 8}'
}

# How many hosts are above a budget that all, or none are above. None is 0, not nothing.
expect_all_and_none_above() { # FILE FIELD COMMAND...
  local file=$1 field=$2 budget
  shift 2
  for budget in 0 50; do
    "$@" "$(queries "$file" "$field" stat | fill '*' '*' "$budget" | sed -n 's/^Above budget\t//p')"
  done >"$servers/above"
  diff "$servers/above" <(printf '%s\n' "$((HOSTS - ${silent:-0}))" 0)
}

say_times() { # STORE
  local most title
  read -r most title < <(sort -rn "$times")
  echo "# $1, $HOSTS hosts with $GROUPS_A_HOST groups: $(wc -l <"$times") queries, $(awk '{sum += $1} END {print sum}' "$times") ms; $title takes most, $most ms" >&3
  sort -rn "$times"
}

graphite_number() { # QUERY; what a stat panel shows of it, with few points
  render "target=$1" format=json from=-60min until=-1min maxDataPoints=100 | jq -r '[.[0].datapoints[][0] | values] | last'
}

@test "graphite_fleet__dashboard_and_alerts__have_what_there_is_to_see" {
  start_carbons
  load_graphite
  step=1min
  queries graphite-fleet.json target | fill '*' '*' | expect_data 17 graphite_num
  queries graphite-fleet.json target stat | fill '*' '*' | expect_numbers graphite_number
  silent=1 expect_all_and_none_above graphite-fleet.json target graphite_number
  [ "$(graphite_top 'Programs by rise')" = "$new_program" ] # which was not there a week before
  [ "$(graphite_top 'Hosts by cost')" = h00003_example_com ]
  while read -r target; do
    render "target=$target" format=json from=-1h | jq -r '.[].target'
  done < <(grep -v '^#' "$fleet/graphite-alerts.txt" | grep .) >"$servers/due"
  diff "$servers/due" <(printf '%s\n' h00001_example_com h00002_example_com 'folded programs' 'unwatched unloads' \
    h00003_example_com owner5-program_005)
  say_times Graphite
}
graphite_top() { # TITLE; the series of the panel with the highest mean
  render "target=$(queries graphite-fleet.json target | fill '*' '*' | sed -n "s/^$1\t//p")" format=json from=-60min |
    jq -r 'max_by([.datapoints[][0] | values] | add / length).target'
}

influxdb_number() { influx_query collectd "$1" | jq -r '.results[0].series[0].values[-1][1]'; } # QUERY

@test "influxdb_fleet__dashboard_and_alerts__have_what_there_is_to_see" {
  read -r influx_port influx_rpc_port influx_fleet_port influx_direct_port < <(free_ports 4)
  start_influxdb
  load_influxdb
  step=1m
  queries influxdb-fleet.json query | fill '.*' 'owner[0-9]-program_00[0-9]' | expect_data 17 influxdb_num
  queries influxdb-fleet.json query stat | fill '.*' '.*' | expect_numbers influxdb_number
  expect_all_and_none_above influxdb-fleet.json query influxdb_number
  [ "$(influx_query collectd "$(queries influxdb-fleet.json query | fill '.*' '.*' | sed -n 's/^Programs by rise\t//p')" |
    jq -r '.results[0].series[0].values[0][2]')" = "$new_program" ] # which was not there a week before
  statements influxdb-alerts.influxql |
    while read -r query; do influx_query collectd "$query"; done |
    jq -r '.results[0] | .error // (.series[]? | .tags.host // .tags.instance)' >"$servers/due"
  diff "$servers/due" <(printf '%s.example.com\n' h00001 h00002 h00004 h00005 h00003 && echo owner5-program_005)
  say_times InfluxDB
}

prometheus_num() { # QUERY; on $port, as a graph of the time, and as of now
  local query=$1
  if [[ $query == label_values* ]]; then
    query=${query#label_values(}
    promql series "match[]=${query%,*}" | jq '.data | length'
  else
    promql query_range "query=$query" "start=$((EPOCHSECONDS - 3600))" "end=$EPOCHSECONDS" step=60 |
      jq '[.data.result[].values[]] | length'
  fi
}
promql() { # KIND PARAMETER=VALUE...
  local kind=$1 parameter arguments=()
  shift
  for parameter; do arguments+=(--data-urlencode "$parameter"); done
  curl -sS -G "http://127.0.0.1:$port/api/v1/$kind" "${arguments[@]}" | jq -e 'select(.status == "success")'
}
prometheus_number() { promql query "query=$1" | jq -r '.data.result[0].value[1]'; } # QUERY

@test "prometheus_dashboard__victoria_metrics__has_what_there_is_to_see" {
  read -r victoria_port < <(free_ports 1)
  port=$victoria_port
  start_victoria
  load_victoria
  step=1m
  queries prometheus.json expr | fill h00003.example.com '.*' | expect_data 29 prometheus_num
  queries prometheus.json expr stat | fill h00003.example.com '.*' | expect_numbers prometheus_number
  silent=1 expect_all_and_none_above prometheus.json expr prometheus_number
  say_times VictoriaMetrics
}

understands() { promql query "query=$1" >/dev/null && echo 1; } # QUERY

@test "prometheus_dashboard__prometheus__understands_each_query" {
  read -r prometheus_port < <(free_ports 1)
  port=$prometheus_port
  exporter_port=1 start_prometheus
  queries prometheus.json expr | grep -v label_values | fill web1 '.*' | expect_data 28 understands
}

@test "conf_fleet__each_file__is_in_a_test" {
  for file in "$fleet"/*; do
    echo "$file"
    grep -qF "${file##*/}" "$srcdir"/tests/{e2e,fleet}/*.ba*
  done
}

# --- what Grafana asks of a file ---------------------------------------------------

@test "dashboards__panels__have_what_grafana_needs" {
  for file in "$dashboards"/*.json; do
    echo "$file"
    jq -e '[.panels[] | select(.type == "timeseries") |
      .options.legend.showLegend and .options.tooltip.mode and (.fieldConfig.defaults.unit != null) and
      .fieldConfig.defaults.color.mode == "palette-classic-by-name"] | length > 5 and all' "$file"
    jq -e '[.panels[].id] | length == (unique | length)' "$file"
    # No panel lies over another.
    jq -e '[.panels[].gridPos | . as $p | range($p.x; $p.x + $p.w) as $x | range($p.y; $p.y + $p.h) as $y | [$x, $y]] |
      length == (unique | length)' "$file"
    # Where a link leads there is a dashboard.
    jq -r '.. | .url? // empty | select(startswith("/d/")) | capture("^/d/(?<uid>[a-z-]+)").uid' "$file" |
      while read -r uid; do grep -l "\"uid\": \"$uid\"" "$dashboards"/*.json; done
  done
}

# Roll-ups, and for Prometheus the few series of hosts, but none by program and host.
@test "dashboards__of_a_fleet__read_roll_ups_alone" {
  jq -e '[.panels[].targets[].target | scan("[a-z]+\\.[a-z]+")] | length > 20 and all(startswith("fleet."))' \
    "$dashboards/graphite-fleet.json"
  jq -e '[.panels[].targets[].query | scan("FROM (\"[^\"]*\")") | .[0]] | length > 15 and all(. == "\"fleet\"")' \
    "$dashboards/influxdb-fleet.json"
  jq -e '[.panels[] | select(.gridPos.y < 32) | .targets[]?.expr | select(test("type=\"[a-z]"))] == []' "$dashboards/prometheus.json"
}
