# The servers behind collectd, each private: on loopback, with its own ports and
# its own files below $servers, stopped by its own pid.
# shellcheck shell=bash

: "${servers?is set to the folder of the servers, when tests run}" "${srcdir:?}"
fleet=$srcdir/conf/fleet

# Prints that many ports of loopback on which nobody listens.
free_ports() { # NUM
  python3 - "$1" <<'END'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))
END
}

# Starts a server and notes its pid.
start_server() { # NAME COMMAND...
  local name=$1
  shift
  "$@" >"$servers/$name.log" 2>&1 3>&- &
  echo "$! $name" >>"$servers/pids"
}

pid_of() { # NAME
  awk -v name="$1" '$2 == name {print $1}' "$servers/pids"
}

# Waits until the command succeeds, while the server is there.
wait_for_server() { # NAME COMMAND...
  local name=$1 pid _
  shift
  pid=$(pid_of "$name")
  for _ in {1..3000}; do
    if "$@" >/dev/null 2>&1; then return 0; fi
    if ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.1
  done
  echo "$name does not answer to: $*"
  tail -n 30 "$servers/$name.log"
  return 1
}

is_listening() { # PORT
  (exec 9<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

stop_server() { # NAME
  local pid
  pid=$(pid_of "$1")
  kill "$pid" 2>/dev/null || echo "$1 had ended already"
  # Again: influxd waits for 30 s at the first signal, for nothing.
  while kill "$pid" 2>/dev/null; do sleep 0.1; done
  sed -i "/^$pid /d" "$servers/pids"
}

stop_servers() {
  local name
  [ -e "$servers/pids" ] || return 0
  for name in $(tac "$servers/pids" | cut -d' ' -f2); do stop_server "$name"; done
}

# carbon-cache and graphite-web, with the schemas of conf/fleet but for a first
# resolution of one second, on $carbon_port and $graphite_port.
start_graphite() {
  mkdir -p "$servers/graphite"/{conf,whisper,log}
  cat >"$servers/graphite/conf/carbon.conf" <<END
[cache]
STORAGE_DIR = $servers/graphite
CONF_DIR = $servers/graphite/conf
LOG_DIR = $servers/graphite/log
PID_DIR = $servers/graphite
LOCAL_DATA_DIR = $servers/graphite/whisper
USER =
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = $carbon_port
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = 0
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = 0
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
ENABLE_TAGS = False
END
  sed 's/retentions = 10s:1d/retentions = 1s:2h/' "$fleet/storage-schemas.conf" \
    >"$servers/graphite/conf/storage-schemas.conf"
  cp "$fleet/storage-aggregation.conf" "$servers/graphite/conf/"
  cat >"$servers/graphite/private_settings.py" <<END
SECRET_KEY = 'private'
LOG_DIR = '$servers/graphite/log'
STORAGE_DIR = '$servers/graphite'
WHISPER_DIR = '$servers/graphite/whisper'
STANDARD_DIRS = [WHISPER_DIR]
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '$servers/graphite/db'}}
ALLOWED_HOSTS = ['127.0.0.1']
TIME_ZONE = 'UTC'
CARBONLINK_HOSTS = []
DEFAULT_CACHE_DURATION = 0
FIND_CACHE_DURATION = 0
END
  start_server carbon carbon-cache --nodaemon \
    --config="$servers/graphite/conf/carbon.conf" start
  local -x PYTHONPATH=$servers/graphite GRAPHITE_SETTINGS_MODULE=private_settings
  local -x DJANGO_SETTINGS_MODULE=graphite.settings
  graphite-manage migrate --run-syncdb >"$servers/migrate.log" 2>&1
  start_server graphite-web graphite-manage runserver --noreload --nothreading \
    "127.0.0.1:$graphite_port"
  wait_for_server carbon is_listening "$carbon_port"
  wait_for_server graphite-web curl -sf "http://127.0.0.1:$graphite_port/metrics/index.json"
}

# What graphite-web answers to a render request: render PARAMETER=VALUE...
render() {
  local parameter arguments=()
  for parameter; do arguments+=(--data-urlencode "$parameter"); done
  curl -sSf -G "http://127.0.0.1:$graphite_port/render" "${arguments[@]}" -d noCache=true
}

# InfluxDB with the listener of conf/fleet, encrypted, into the database collectd
# on $influx_fleet_port, and one that is not, into the database direct on
# $influx_direct_port. Queries go to $influx_port.
start_influxdb() {
  mkdir -p "$servers/influxdb"
  printf '%s: change-me\n' web1.example.com aggregator1 >"$servers/passwd"
  cat >"$servers/influxdb.conf" <<END
reporting-disabled = true
bind-address = "127.0.0.1:$influx_rpc_port"
[meta]
  dir = "$servers/influxdb/meta"
[data]
  dir = "$servers/influxdb/data"
  wal-dir = "$servers/influxdb/wal"
[http]
  bind-address = "127.0.0.1:$influx_port"
$(sed -e "s|0.0.0.0:25827|127.0.0.1:$influx_fleet_port|" \
    -e "s|/etc/influxdb/collectd-passwd|$servers/passwd|" \
    -e 's|batch-timeout = "10s"|batch-timeout = "500ms"|' "$fleet/influxdb.conf")
[[collectd]]
  enabled = true
  bind-address = "127.0.0.1:$influx_direct_port"
  database = "direct"
  typesdb = "/usr/share/collectd/types.db"
  security-level = "none"
  parse-multivalue-plugin = "split"
  batch-timeout = "500ms"
END
  start_server influxdb influxd -config "$servers/influxdb.conf"
  wait_for_server influxdb curl -sf "http://127.0.0.1:$influx_port/ping"
}

# The answer to an InfluxQL query as JSON, with times in ms.
influx_query() { # DATABASE QUERY
  curl -sSf -G "http://127.0.0.1:$influx_port/query" --data-urlencode "db=$1" \
    -d epoch=ms --data-urlencode "q=$2"
}

# Prometheus with the job of conf/fleet, which fetches from $exporter_port twice a
# second, on $prometheus_port.
start_prometheus() {
  sed -e "s/web1.example.com:9103/127.0.0.1:$exporter_port/" \
    -e 's/scrape_interval: 10s/scrape_interval: 500ms/' "$fleet/prometheus.yml" \
    >"$servers/prometheus.yml"
  cp "$fleet"/prometheus-{rules,alerts}.yml "$servers/"
  start_server prometheus prometheus --config.file="$servers/prometheus.yml" \
    --storage.tsdb.path="$servers/prometheus" --web.listen-address="127.0.0.1:$prometheus_port"
  wait_for_server prometheus curl -sf "http://127.0.0.1:$prometheus_port/-/ready"
}

# What Prometheus answers: prometheus_query KIND PARAMETER=VALUE...
prometheus_query() {
  local kind=$1 parameter arguments=()
  shift
  for parameter; do arguments+=(--data-urlencode "$parameter"); done
  curl -sSf -G "http://127.0.0.1:$prometheus_port/api/v1/$kind" "${arguments[@]}"
}
