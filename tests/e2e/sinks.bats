#!/usr/bin/env bats
# What the servers behind collectd make of the values: Graphite, InfluxDB, an
# aggregating collectd, Prometheus. One scenario, in sinks.bash, for all tests.

load common
servers=${BATS_FILE_TMPDIR:-} # none while bats only counts the tests
host=web1.example.com
use_dir "$servers"
load servers
load sinks
load dashboards

setup_file() {
  start_all_servers
  run_scenario
}

teardown_file() {
  stop_collectd -TERM
  stop_workload
  stop_servers
}

# The files of one collectd serve all tests.
teardown() { :; }

points() { # SINK INSTANCE TYPE
  awk -v instance="$2" -v type="$3" '$2 == instance && $3 == type {print $1 "," $4}' "$dir/$1.points"
}

# The series of each group, and of the host. The kernel counts misses of sink_hot alone.
expected_series() {
  local group
  for group in sink_steady sink_reloaded sink_hot; do
    printf "$group %s\n" count-programs derive-loads derive-run_time_ns gauge-age \
      gauge-ns_per_call invocations
  done
  printf 'sink_hot %s\n' derive-recursion_misses gauge-miss_rate
  printf -- '- %s\n' count-folded_programs count-programs count-uncounted_programs \
    count-maps count-unmeasured_maps count-unused_maps gauge-map_fill-sink_full gauge-map_fill-sink_leak \
    gauge-map_fill_max memory-maps memory-programs memory-unused_maps \
    count-unowned_programs derive-programs_loaded derive-programs_unloaded derive-read_errors derive-recursion_misses derive-run_time_ns \
    derive-unwatched_unloads duration-read gauge-coverage gauge-cpu_percent \
    gauge-miss_rate gauge-ns_per_call gauge-statistics_percent invocations
  # Not every kernel shows where it counts JITed code.
  ! grep -q ' bpf_jit_current$' /proc/kallsyms || printf -- '- %s\n' memory-jit gauge-jit_fill
}

# All that every sink has to show, whatever it is. The counts are compared with
# those of the kernel, so that csv is no more believed than the sink.
expect_the_values() { # SINK TOLERANCE_S [partly]
  local name field type
  run diff <(expected_series | sort) \
    <(awk '$2 ~ /^(-|sink_(steady|reloaded|hot))$/ && $3 !~ /^gauge-map_fill-/ || $3 ~ /-sink_/ {print $2, $3}' \
      "$dir/$1.points" | sort -u)
  echo "$output"
  [ "$status" -eq 0 ]
  run awk -v tolerance="$2" -v partly="${3:-}" -f "$BATS_TEST_DIRNAME/compare_points.awk" \
    "$dir/csv.points" "$dir/$1.points"
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${lines[-1]}" -gt 500 ]
  for name in sink_steady sink_reloaded sink_hot; do
    while read -r field type; do
      echo "$name $type"
      [ "$type" != derive-recursion_misses ] || [ "$name" = sink_hot ] || continue
      [ "$(points "$1" "$name" "$type" | tail -n 1 | cut -d, -f2)" = \
        "$(jq ".[] | select(.name == \"$name\") | .$field // 0" "$dir/bpftool")" ]
    done <<'END'
run_cnt invocations
run_time_ns derive-run_time_ns
recursion_misses derive-recursion_misses
END
  done
  # 50,000 of its past, 15 seconds of 100 in which 3 or less nobody counted.
  [ "$(points "$1" sink_hot invocations | tail -n 1 | cut -d, -f2)" -gt 51100 ]
}

# A leak and a full map, as the sink gave them back.
expect_the_maps() { # SINK
  [ "$(points "$1" - gauge-map_fill-sink_full | tail -n 1 | cut -d, -f2)" = 1 ]
  [ "$(points "$1" - gauge-map_fill-sink_leak | tail -n 1 | cut -d, -f2)" = 0.5 ]
  [ "$(points "$1" - count-unused_maps | tail -n 1 | cut -d, -f2 | cut -d. -f1)" -ge 2 ]
  # Each has room for 1,000 keys of 4 bytes and values of 8.
  [ "$(points "$1" - memory-unused_maps | tail -n 1 | cut -d, -f2 | cut -d. -f1)" -gt $((2 * 1000 * 12)) ]
}

# struct prog_stats from what the sink gave back, and the gauges from it.
expect_that_prog_stats_are_rebuilt() { # SINK
  local name type types
  for name in sink_steady sink_hot; do
    types=(invocations derive-run_time_ns gauge-ns_per_call)
    if [ "$name" = sink_hot ]; then types+=(derive-recursion_misses gauge-miss_rate); fi
    for type in "${types[@]}"; do
      points "$1" "$name" "$type" |
        awk -F, -v restarted="$(cat "$dir/restarted")" '$1 > restarted' >"$BATS_TEST_TMPDIR/$type"
    done
    (
      cd "$BATS_TEST_TMPDIR"
      awk -F, -f "$BATS_TEST_DIRNAME/recompute.awk" "${types[@]}"
    ) >"$dir/output" || { cat "$dir/output"; return 1; }
    [ "$(cat "$dir/output")" -ge 4 ]
  done
}

# Rates from standard input, one a line: of programs that run 100 times a second.
expect_rates() {
  awk '{print} $1 < 0 || $1 > 200 {failed = 1} $1 > 50 {num++}
    END {exit failed || num < 6}'
}

# Whatever its name, each program is one series of its own, and none is lost.
expect_the_names() { # SINK
  awk '$2 ~ /^[Ss]ink_(dot|0)/ && $3 == "invocations" {last[$2] = $4}
    END {for (name in last) print name, last[name]}' "$dir/$1.points" | sort >"$dir/names"
  cat "$dir/names"
  grep -qx 'sink_dot 14' "$dir/names"
  grep -qx 'Sink_dot 7' "$dir/names"
  [ "$(grep -cE '^sink_0{100,}.* 7$' "$dir/names")" -eq 2 ]
  [ "$(wc -l <"$dir/names")" -eq 4 ]
}

@test "graphite__by_its_render_api__has_every_value" { expect_the_values graphite 0.501; }

@test "graphite__two_points__give_back_prog_stats" { expect_that_prog_stats_are_rebuilt graphite; }

@test "graphite__maps__show_a_leak_and_a_full_one" { expect_the_maps graphite; }

@test "graphite__odd_names__are_a_series_each" { expect_the_names graphite; }

@test "graphite__perSecond__has_no_spike_and_is_never_negative" {
  for name in steady reloaded hot; do
    render "target=perSecond(collectd.web1_example_com.bpf_stats-sink_$name.invocations)" \
      format=json from=-10min | jq '.[].datapoints[][0] | values' | expect_rates
  done
}

@test "graphite__whisper__has_every_value" {
  whisper=$servers/graphite/whisper/collectd/web1_example_com
  for type in derive-recursion_misses derive-run_time_ns invocations; do
    whisper-fetch --from="$(date -d -10min +%s)" --json "$whisper/bpf_stats-sink_hot/$type.wsp" >"$dir/whisper"
    [ "$(jq '[.values[] | values | round] | last' "$dir/whisper")" = \
      "$(points csv sink_hot "$type" | tail -n 1 | cut -d, -f2)" ]
  done
  # How it gets coarser, as conf/fleet says.
  [ "$(whisper-info "$whisper/bpf_stats-sink_hot/invocations.wsp" aggregationMethod)" = last ]
  [ "$(whisper-info "$whisper/bpf_stats-sink_hot/derive-run_time_ns.wsp" aggregationMethod)" = last ]
  [ "$(whisper-info "$whisper/bpf_stats-sink_hot/gauge-miss_rate.wsp" aggregationMethod)" = average ]
  [ "$(whisper-info "$whisper/bpf_stats/gauge-coverage.wsp" xFilesFactor)" = 0.0 ]
}

@test "influxdb__by_its_listener__has_every_value" { expect_the_values influxdb 0.002; }

@test "influxdb__two_points__give_back_prog_stats" { expect_that_prog_stats_are_rebuilt influxdb; }

@test "influxdb__maps__show_a_leak_and_a_full_one" { expect_the_maps influxdb; }

@test "influxdb__odd_names__are_a_series_each" { expect_the_names influxdb; }

@test "influxdb__non_negative_derivative__has_no_spike_and_is_never_negative" {
  for name in steady reloaded hot; do
    influx_query direct "SELECT non_negative_derivative(\"value\", 1s) FROM \"bpf_stats_value\"
      WHERE \"type\" = 'invocations' AND \"instance\" = 'sink_$name'" |
      jq '.results[0].series[0].values[][1]' | expect_rates
  done
}

@test "fleet__encrypted_by_an_aggregator_to_InfluxDB__has_every_value" { expect_the_values fleet 0.002; }

@test "fleet__two_points__give_back_prog_stats" { expect_that_prog_stats_are_rebuilt fleet; }

@test "fleet__maps__show_a_leak_and_a_full_one" { expect_the_maps fleet; }

@test "fleet__odd_names__are_a_series_each" { expect_the_names fleet; }

@test "aggregator__csv__has_every_value" { expect_the_values aggregator 0.001; }

@test "prometheus__fetched__has_every_value" { expect_the_values prometheus 0.002 partly; }

@test "prometheus__two_points__give_back_prog_stats" { expect_that_prog_stats_are_rebuilt prometheus; }

@test "prometheus__maps__show_a_leak_and_a_full_one" { expect_the_maps prometheus; }

@test "prometheus__odd_names__are_a_series_each" { expect_the_names prometheus; }

@test "prometheus__rate__has_no_spike_and_is_never_negative" {
  for name in steady reloaded hot; do
    prometheus_query query_range "start=$(date -d -10min +%s)" "end=$(date +%s)" step=1 \
      "query=rate(collectd_bpf_stats_invocations_total{bpf_stats=\"sink_$name\"}[5s])" |
      jq -r '.data.result[].values[][1]' | expect_rates
  done
}

# For all hosts and programs, and for one of each.
@test "dashboard_of_graphite__each_query__has_data" {
  queries graphite.json target | fill '*' '*' | expect_data 24 graphite_num
  queries graphite.json target | fill '{web1_example_com,web2}' '{sink_hot,sink_reloaded}' |
    expect_data 24 graphite_num
}

@test "dashboard_of_influxdb__each_query__has_data" {
  queries influxdb.json query | fill '.*' '.+' | expect_data 25 influxdb_num
  queries influxdb.json query | fill '(web1\\.example\\.com|web2)' '(sink_hot|sink_reloaded)' |
    expect_data 25 influxdb_num
}

@test "graphite_render__each_url__is_a_picture_of_data" {
  while read -r url; do
    url=${url/graphite.example.com/127.0.0.1:$graphite_port}
    url=${url/from=-6h/from=-10min}
    echo "$url"
    curl -sSfg "$url" >"$dir/picture"
    [ "$(head -c 8 "$dir/picture" | od -An -tx1 | xargs)" = "89 50 4e 47 0d 0a 1a 0a" ]
    [ "$(curl -sSfg "$url&format=json" | jq '[.[].datapoints[][0] | values] | length')" -gt 0 ]
  done < <(grep '^http' "$srcdir/conf/dashboards/graphite-render.txt")
}
