#!/usr/bin/env bats
# What the stores make of a fleet, with the files of conf/fleet: series of all hosts, and
# means that are weighted by runs, at every resolution.

servers=${BATS_TEST_TMPDIR:-} # none while bats only counts the tests
load ../e2e/servers
load fleet
load stores

teardown() {
  if [ -n "${sender_pid:-}" ]; then kill "$sender_pid"; fi
  stop_servers
  restore_receive_buffer
  if compgen -G "$servers/*.log"; then tail -n 3 "$servers"/*.log; fi
}

@test "prometheus_rules__unit_tests_of_promtool__pass" {
  cp "$fleet"/prometheus-*.yml "$BATS_TEST_DIRNAME/prometheus-rules.test.yml" "$servers/"
  promtool check rules "$servers"/prometheus-{rules,alerts}.yml
  promtool test rules "$servers/prometheus-rules.test.yml"
}

@test "prometheus_yml__with_its_rules__is_valid" {
  cp "$fleet"/prometheus*.yml "$servers/"
  run promtool check config "$servers/prometheus.yml"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *'2 rule files found'* ]]
}

@test "prometheus_rules__vmalert__takes_them_as_well" {
  vmalert -dryRun -rule="$fleet/prometheus-rules.yml" -rule="$fleet/prometheus-alerts.yml"
}

# --- Graphite -------------------------------------------------------------------

last_sum() { # TARGET
  render "target=sumSeries($1)" format=json "from=-$((INTERVAL_S * 10))min" |
    jq '[.[].datapoints[][0] | values] | add // 0'
}

@test "carbon_conf__relay_over_two_daemons__every_series_is_found_and_summed" {
  read -r port second_port < <(free_ports 2)
  echo "h: secret" >"$servers/passwd"
  set_receive_buffer
  retentions=${INTERVAL_S}s:$((INTERVAL_S * 600))s start_carbons
  sed "s/carbon.example.com/127.0.0.1/; s/\"2023\"/\"$aggregator_port\"/" "$fleet/write_graphite-rates.conf" \
    >"$servers/rates.conf"
  second_also=$servers/rates.conf start_second second "$second_port" "$relay_port"
  start_aggregator aggregator "$port" "$second_port"
  start_sender -p "$port"
  end_of_sender
  wait_until has_stored 'collectd\.h' "$(wc -l <"$servers/truth")"
  stop_server aggregator
  stop_server second
  diff <(cut -d' ' -f1 "$servers/truth") <(stored 'collectd\.h')
  # Both have some.
  [ "$(find "$servers/carbon/a" -name '*.wsp' | wc -l)" -gt 20 ]
  [ "$(find "$servers/carbon/b" -name '*.wsp' | wc -l)" -gt 20 ]
  diff <(cut -d' ' -f1 "$servers/truth") \
    <(curl -sf "http://127.0.0.1:$graphite_port/metrics/expand?query=collectd.h*.*.*" | jq -r '.results[]' | LC_ALL=C sort)
  # All runs after the first read, of the rates, against the counters.
  counters='nonNegativeDerivative(collectd.h*.bpf_stats-owner0-program_000.invocations)'
  # Four of each program, one of each owner, nine of the fleet, two of each host.
  wait_until has_stored 'fleet\.' $((GROUPS_A_HOST * 4 + (GROUPS_A_HOST < 7 ? GROUPS_A_HOST : 7) + 9 + HOSTS * 2))
  wait_until is_equal "$counters" fleet.programs.owner0-program_000.invocations
  wait_until is_equal 'nonNegativeDerivative(collectd.h*.bpf_stats.derive-run_time_ns)' fleet.run_time_ns
  wait_until is_equal 'nonNegativeDerivative(collectd.h*.bpf_stats-owner3-*.derive-run_time_ns)' fleet.owners.owner3.run_time_ns
  wait_until is_equal 'nonNegativeDerivative(collectd.h00002_example_com.bpf_stats.derive-run_time_ns)' \
    fleet.hosts.h00002_example_com.run_time_ns
}
# But for what the times of packets cost a rate, which have 30 bits after the second.
is_equal() { # COUNTERS RATES
  awk -v counters="$(last_sum "$1")" -v rates="$(last_sum "$2")" -v interval_s="$INTERVAL_S" \
    'BEGIN {ratio = counters ? rates * interval_s / counters : 0; exit !(ratio > 0.999999 && ratio < 1.000001)}'
}

# Ten minutes of a million runs of 100 ns each ten seconds, then ten minutes of ten runs
# of a millisecond, and so on for four hours up to now, as the file's counters.
uneven_lines() { # NOW
  awk -v now="$1" 'BEGIN {
    for (time = now - now % 3600 - 4 * 3600; time < now; time += 10) {
      calm = int(time / 600) % 2
      runs = calm ? 10 : 1000000
      invocations += runs; run_time_ns += runs * (calm ? 1000000 : 100)
      printf "collectd.h.bpf_stats-p.invocations %.0f %d\n", invocations, time
      printf "collectd.h.bpf_stats-p.derive-run_time_ns %.0f %d\n", run_time_ns, time
      printf "collectd.h.bpf_stats-p.gauge-ns_per_call %d %d\n", calm ? 1000000 : 100, time
    }
  }'
}

# Prints how much one run cost in each hour: of sums on both sides.
ns_per_run() { # FROM [PARAMETER=VALUE...]
  local from=$1
  shift
  render "target=divideSeries($(hourly derive-run_time_ns),$(hourly invocations))" format=json "from=$from" "$@" |
    jq -r '.[].datapoints[][0] | values'
}
hourly() { echo "summarize(nonNegativeDerivative(collectd.h.bpf_stats-p.$1),\"1h\",\"sum\")"; } # TYPE

# (180 * 1e8 + 180 * 1e7) / (180 * 1e6 + 180 * 10) ns, in each hour that is whole.
expect_true_cost() {
  awk '{print} $1 > 109.99 && $1 < 110.01 {num++} END {exit num < 2}'
}

@test "storage_conf__uneven_load__cost_per_run_is_the_counters_at_each_resolution" {
  retentions=10s:5h,1m:6h,10m:1d
  start_carbons
  uneven_lines "$EPOCHSECONDS" >"$servers/lines"
  cat "$servers/lines" >"/dev/tcp/127.0.0.1/$relay_port"
  wait_until has_stored 'collectd\.h\.' 3
  wait_until eval 'ns_per_run -4h | expect_true_cost'
  # The coarsest archive, which is what reaches back so far.
  ns_per_run -8h | expect_true_cost
  render target=collectd.h.bpf_stats-p.invocations format=json from=-8h | jq -e '.[0].datapoints | .[1][1] - .[0][1] == 600'
  # A picture with fewer points than there are.
  ns_per_run -8h maxDataPoints=4 | awk '{print} $1 > 90 && $1 < 130 {num++} END {exit num < 1}'
  # What has no true mean has no coarse points.
  [ "$(whisper-info "$servers"/carbon/[ab]/collectd/h/bpf_stats-p/gauge-ns_per_call.wsp | grep -c '^Archive')" -eq 1 ]
}

# --- InfluxDB -------------------------------------------------------------------

influx_answer() { # QUERY
  curl -sSf -G "http://127.0.0.1:$influx_port/query" -d db=collectd -d epoch=s --data-urlencode "q=$1"
}

# A program on two hosts: each second a million runs of 100 ns, or ten of a millisecond.
# One host has statistics on for half of the time.
uneven_points() { # NOW
  awk -v now="$1" 'BEGIN {
    for (host = 1; host <= 2; host++)
      for (time = now - 40; time < now - 4; time++) {
        calm = time % 2
        runs = calm ? 10 : 1000000
        invocations[host] += runs; run_time_ns[host] += runs * (calm ? 1000000 : 100)
        for (group = 0; group < 2; group++) {
          tags = "host=h" host (group ? ",instance=web-p" : "")
          printf "bpf_stats_value,%s,type=invocations value=%.0f %d\n", tags, invocations[host], time
          printf "bpf_stats_value,%s,type=derive,type_instance=run_time_ns value=%.0f %d\n", tags, run_time_ns[host], time
          printf "bpf_stats_value,%s,type=derive,type_instance=recursion_misses value=%.0f %d\n", tags, invocations[host] / 10, time
        }
        printf "bpf_stats_value,host=h%d,type=gauge,type_instance=coverage value=%s %d\n", host, host / 2, time
      }
  }'
}
cost_is_true() {
  influx_answer 'SELECT sum("run_time_ns") / sum("invocations") FROM "fleet"."bpf_program" GROUP BY "instance"' |
    tee "$servers/answer" | jq -e '[.results[0].series[]?] | length == 1 and .[0].tags.instance == "web-p" and
      (.[0].values[0][1] | . > 109.99 and . < 110.01)'
}

sums_are_equal() { # FIELD MEASUREMENT FIELD MEASUREMENT
  influx_answer "SELECT $1 FROM \"fleet\".\"$2\"; SELECT $3 FROM \"fleet\".\"$4\"" |
    tee "$servers/answer" | jq -e '[.results[].series[0].values[0][1] | round] | .[0] == .[1] and .[0] > 0'
}

@test "influxdb_fleet__uneven_load__sums_of_continuous_queries_are_the_counters" {
  read -r influx_port influx_rpc_port influx_fleet_port influx_direct_port < <(free_ports 4)
  start_influxdb
  # A run each two seconds of the last minute, instead of each minute of the last two.
  { statements influxdb-fleet.influxql && statements influxdb-owner.influxql | sed 's/OWNER/web/g'; } |
    sed 's/EVERY 1m FOR [24]m/EVERY 2s FOR 60s/; s/time(1m)/time(2s)/g' |
    while read -r statement; do
      curl -sSf "http://127.0.0.1:$influx_port/query" -d db=collectd --data-urlencode "q=$statement" |
        jq -e '.results[0] | has("error") | not'
    done
  uneven_points $((EPOCHSECONDS / 2 * 2)) >"$servers/points" # in whole buckets
  curl -sSf "http://127.0.0.1:$influx_port/write?db=collectd&precision=s" --data-binary "@$servers/points"
  wait_until cost_is_true
  # By host, of the host's own series.
  influx_answer 'SELECT sum("run_time_ns") FROM "fleet"."bpf_host" GROUP BY "host"' | jq -e '.results[0].series | length == 2'
  # By owner in % of one CPU of a minute, and of the fleet: the same as by program.
  wait_until sums_are_equal 'sum("web") * 600000000' bpf_owner_cpu_percent 'sum("run_time_ns")' bpf_program
  wait_until sums_are_equal 'sum("run_time_ns")' bpf_fleet 'sum("run_time_ns")' bpf_program
  wait_until sums_are_equal 'max("hosts")' bpf_fleet 'max("hosts")' bpf_program
  # Of the alerts those that are due: coverage, and a tenth of the runs skipped.
  statements influxdb-alerts.influxql >"$servers/alerts"
  [ "$(wc -l <"$servers/alerts")" -eq 8 ]
  while read -r statement; do influx_answer "$statement"; done <"$servers/alerts" |
    jq -r '.results[0] | .error // .series[]? | (.tags.host // .tags.instance) // .' >"$servers/due"
  cat "$servers/due"
  diff "$servers/due" <(printf '%s\n' h1 web-p)
}
