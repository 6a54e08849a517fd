# The scenario of the tests of sinks: all servers, a fleet of one host and an
# aggregator with the files of conf/fleet, and a workload with a past, a reload
# and a restart of collectd. And the points that each sink gives back, one a
# line: "TIME_S INSTANCE TYPE VALUE", where the host's instance is "-", and TYPE
# is what csv calls the file, without the date.
# shellcheck shell=bash

# Two that differ after the 127 characters that collectd has for a name.
long_names() {
  local stem
  printf -v stem 'sink_%0130d' 0
  echo "${stem}a ${stem}b"
}

# The configuration of the host, from the files that operators copy.
edge_config() {
  cat <<END
PluginDir "/usr/lib/collectd"
<LoadPlugin write_graphite>
  FlushInterval 1
</LoadPlugin>
$(sed "s/carbon.example.com/127.0.0.1/; s/\"2003\"/\"$carbon_port\"/" "$fleet/write_graphite.conf")
$(sed "s/0.0.0.0/127.0.0.1/; s/\"9103\"/\"$exporter_port\"/" "$fleet/write_prometheus.conf")
$(sed "s/aggregator1.example.com/127.0.0.1/; s/\"25826\"/\"$aggregator_port\"/" "$fleet/edge.conf")
<Plugin network>
  Server "127.0.0.1" "$influx_direct_port"
</Plugin>
END
}

start_aggregator() {
  mkdir -p "$servers/aggregator"
  cat >"$servers/aggregator/collectd.conf" <<END
BaseDir "$servers/aggregator"
PIDFile "$servers/aggregator/pid"
Hostname "aggregator"
FQDNLookup false
Interval 1
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "$servers/aggregator/log"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "$servers/aggregator/csv"
</Plugin>
$(sed -e "s/0.0.0.0/127.0.0.1/; s/\"25826\"/\"$aggregator_port\"/" \
    -e "s|/etc/collectd/passwd|$servers/passwd|" \
    -e '/"25828"/d' -e "s/influxdb.example.com/127.0.0.1/; s/\"25827\"/\"$influx_fleet_port\"/" \
    "$fleet/aggregator.conf")
END
  start_server aggregator "$COLLECTD" -f -C "$servers/aggregator/collectd.conf"
  wait_for_server aggregator grep 'Initialization complete' "$servers/aggregator/log"
}

start_all_servers() {
  local ports
  ports=$(free_ports 9)
  read -r carbon_port graphite_port influx_port influx_rpc_port influx_fleet_port \
    influx_direct_port exporter_port prometheus_port aggregator_port <<<"$ports"
  export carbon_port graphite_port influx_port prometheus_port
  start_graphite
  start_influxdb
  start_prometheus
  start_aggregator
}

# Starts the host's collectd early in a second, so that each of its reads is a
# second of its own at Graphite.
start_edge() {
  extra_config=$(edge_config)
  interval=1
  sleep "$(awk -v now="$(date +%s.%N)" 'BEGIN {print 1 - now % 1}')"
  start_collectd <<<'MaxInstances 0
    Owner "/./"
    MemoryEvery 1
    MapFillTop 1000
    Metrics "invocations" "run_time_ns" "recursion_misses" "ns_per_call" "miss_rate"
    Metrics "programs" "loads" "age"'
}

run_scenario() {
  local name runs
  start_workload
  # A past: programs that have counted before the sinks know of them.
  start_collectd </dev/null
  for name in steady reloaded hot; do
    workload load "sink_$name" "$([ $name = hot ] && echo recursion || echo xdp)"
  done
  wait_reads 1
  for name in steady reloaded hot; do workload run "sink_$name" 50000; done
  stop_collectd -TERM
  rm -r "$csv"

  start_edge
  # A map that nothing uses, and one that fills up.
  workload map sink_leak 1000 500
  workload map sink_full 1000 1000
  for name in sink.dot sink_dot Sink_dot $(long_names); do
    workload load "$name" xdp
    workload run "$name" 7
  done
  for name in steady reloaded hot; do workload rate "sink_$name" 100; done
  run_for_reads 4
  workload unload sink_reloaded
  workload load sink_reloaded xdp
  workload rate sink_reloaded 100
  run_for_reads 4
  # The programs run on while collectd restarts.
  workload sleep 3 >/dev/null &
  runs=$!
  stop_collectd -TERM
  date +%s.%N >"$dir/restarted"
  start_edge
  wait "$runs"
  run_for_reads 6
  wait_reads 1
  "$BPFTOOL" -j prog show >"$dir/bpftool"
  wait_until prometheus_has_a_read_after "$EPOCHREALTIME" # the workload is at rest
  stop_collectd -TERM
  stop_workload
  save_all_points
}

csv_points() { # DIRECTORY_OF_HOST
  local file
  for file in "$1"/bpf_stats*/*-20??-??-??; do
    awk -F, -v path="${file#"$1"/bpf_stats}" '
      BEGIN {
        split(substr(path, 1, length(path) - 11), part, "/")
        instance = part[1] == "" ? "-" : substr(part[1], 2)
      }
      /^[0-9]/ {print $1, instance, part[2], $2}' "$file"
  done
}

# + 0: newer versions of graphite-web and jq leave 7 as 7.0.
graphite_points() {
  render 'target=collectd.web1_example_com.bpf_stats*.*' format=json from=-10min |
    jq -r '.[] | (.target | split(".")) as $name | .datapoints[] | select(.[0] != null) |
      [.[1], ($name[2] | ltrimstr("bpf_stats") | ltrimstr("-") | if . == "" then "-" else . end),
       $name[3], .[0] + 0] | join(" ")'
}

influxdb_points() { # DATABASE
  influx_query "$1" 'SELECT "value" FROM /^bpf_stats_/
    GROUP BY "host", "instance", "type", "type_instance"' |
    jq -r --arg host "$host" '.results[0].series[] | select(.tags.host == $host) | .tags as $tags |
      .values[] | [.[0] / 1000, (if $tags.instance == "" then "-" else $tags.instance end),
        ([$tags.type, $tags.type_instance | select(. != "")] | join("-")), .[1]] | join(" ")'
}

# Of the host, which has no plugin instance, the label is the type instance.
prometheus_points() {
  prometheus_query query 'query={__name__=~"collectd_bpf_stats_.*"}[10m]' |
    jq -r --arg host "$host" '.data.result[] | select(.metric.instance == $host) | .metric as $metric |
      ($metric.__name__ | capture("^collectd_bpf_stats_(?<type>[a-z]+)").type) as $type |
      (if $metric.type or ($type == "invocations" and $metric.bpf_stats)
       then [$metric.bpf_stats, $metric.type] else ["-", $metric.bpf_stats] end) as [$group, $name] |
      .values[] | [.[0], $group, ([$type, $name | values] | join("-")), .[1]] | join(" ")'
}

prometheus_has_a_read_after() { # TIME_S
  prometheus_points | awk -v time="$1" '$1 > time && $2 == "-" && $3 == "derive-read_errors" {found = 1}
    END {exit !found}'
}

# Keeps the points of a sink in a file, once it has all that csv has.
save_points() { # SINK COMMAND...
  local sink=$1
  shift
  wait_until has_all_points "$sink" "$@" || : # the tests say what is missing
}

has_all_points() { # SINK COMMAND...
  local sink=$1
  shift
  "$@" | sort -n >"$dir/$sink.points"
  [ "$(wc -l <"$dir/$sink.points")" -ge "$(wc -l <"$dir/csv.points")" ]
}

save_all_points() {
  csv_points "$csv" | sort -n >"$dir/csv.points"
  save_points graphite graphite_points
  save_points influxdb influxdb_points direct
  save_points aggregator csv_points "$servers/aggregator/csv/$host"
  stop_server aggregator # which then sends on what it still has
  save_points fleet influxdb_points collectd
  prometheus_points | sort -n >"$dir/prometheus.points"
}
