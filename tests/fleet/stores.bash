# The stores of a fleet, with the files of conf/fleet, and an hour of roll-ups in them.
# shellcheck shell=bash

# Two carbon daemons, each with a disk of its own so that it is seen who has what, the
# relay, the aggregator and graphite-web. Resolutions: $retentions, or those of conf/fleet;
# the aggregator's intervals are the fleet's. Nobody waits for files to be created.
start_carbons() {
  local carbon=$servers/carbon instance
  read -r relay_port aggregator_port graphite_port a b c d e f < <(free_ports 9)
  mkdir -p "$carbon"/{a,b,log}
  sed -e "s|/var/lib/graphite/whisper/|$carbon/a|; s|/var/lib/graphite/|$carbon|; s|/etc/carbon/|$carbon|" \
    -e "s|/var/log/carbon/|$carbon/log|; s|/var/run/|$carbon|; s/^USER = .*/USER =/" \
    -e "s/= 2003$/= $relay_port/; s/= 2023$/= $aggregator_port/; s/2104/$a/; s/2204/$b/" \
    -e "s/7102/$c/; s/7202/$d/; s/= 2004$/= $e/; s/= 2024$/= $f/; s/0\.0\.0\.0/127.0.0.1/" \
    -e 's/^MAX_AGGREGATION_INTERVALS = 5/MAX_AGGREGATION_INTERVALS = 60/' \
    -e 's/^MAX_CREATES_PER_MINUTE = .*/MAX_CREATES_PER_MINUTE = inf/' \
    -e "/^\[cache:b\]/a LOCAL_DATA_DIR = $carbon/b" "$fleet/carbon.conf" >"$carbon/carbon.conf"
  sed "${retentions:+s/^retentions = .*,.*/retentions = $retentions/; s/= 10s:1d$/= ${retentions%%,*}/}" \
    "$fleet/storage-schemas.conf" >"$carbon/storage-schemas.conf"
  cp "$fleet/storage-aggregation.conf" "$carbon/"
  sed -E "s/ [(][16]0[)] / ($INTERVAL_S) /" "$fleet/aggregation-rules.conf" >"$carbon/aggregation-rules.conf"
  for instance in a b; do
    start_server "carbon-$instance" carbon-cache --nodaemon --instance="$instance" --config="$carbon/carbon.conf" start
  done
  start_server relay carbon-relay --nodaemon --config="$carbon/carbon.conf" \
    --pidfile="$carbon/relay.pid" --logdir="$carbon/log" start
  start_server carbon-aggregator carbon-aggregator --nodaemon --config="$carbon/carbon.conf" \
    --pidfile="$carbon/aggregator.pid" --logdir="$carbon/log" start
  mkdir -p "$carbon/web"
  cat >"$carbon/web/private_settings.py" <<END
SECRET_KEY = 'private'
LOG_DIR = '$carbon/log'
STORAGE_DIR = '$carbon'
STANDARD_DIRS = ['$carbon/a', '$carbon/b']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '$carbon/web/db'}}
ALLOWED_HOSTS = ['127.0.0.1']
TIME_ZONE = 'UTC'
CARBONLINK_HOSTS = [] # what comes is in files
DEFAULT_CACHE_DURATION = 0
FIND_CACHE_DURATION = 0
END
  local -x PYTHONPATH=$carbon/web GRAPHITE_SETTINGS_MODULE=private_settings
  local -x DJANGO_SETTINGS_MODULE=graphite.settings
  # Without the tables of users, which no render request needs.
  start_server graphite-web graphite-manage runserver --noreload --nothreading "127.0.0.1:$graphite_port"
  wait_for_server carbon-a is_listening "$a"
  wait_for_server carbon-b is_listening "$b"
  wait_for_server relay is_listening "$relay_port"
  wait_for_server carbon-aggregator is_listening "$aggregator_port"
  wait_for_server graphite-web curl -sf "http://127.0.0.1:$graphite_port/metrics/index.json"
}

start_victoria() {
  start_server victoria victoria-metrics -storageDataPath "$servers/victoria" \
    -httpListenAddr "127.0.0.1:$victoria_port" -search.latencyOffset=0s
  wait_for_server victoria curl -sf "http://127.0.0.1:$victoria_port/health"
}

# They end in ten minutes, as queries of a busy machine come late.
rollups() { # STORE
  awk -v store="$1" -v hosts="$HOSTS" -v groups="$GROUPS_A_HOST" -v now=$((EPOCHSECONDS + 600)) -v minutes=72 \
    -f "$srcdir/tests/fleet/rollups.awk"
}

load_graphite() {
  local minute=$((EPOCHSECONDS / 60 * 60))
  rollups graphite >"$servers/rollups"
  cat "$servers/rollups" >"/dev/tcp/127.0.0.1/$relay_port"
  wait_until are_in_files $((minute - 3600)) "$minute"
}
# Whether all roll-ups of a time are in carbon's files. What came before them is too, as
# carbon writes all that it holds of a series at once.
are_in_files() { # FROM UNTIL
  local due
  due=$(awk -v from="$1" -v until="$2" '$3 > from && $3 <= until {num++} END {print num}' "$servers/rollups")
  render target='fleet.*' target='fleet.*.*.*' format=json from="$1" until="$2" |
    jq -e --argjson due "$due" '[.[].datapoints[][0] | values] | length == $due'
}

load_influxdb() {
  local statement
  while read -r statement; do
    curl -sSf "http://127.0.0.1:$influx_port/query" --data-urlencode "q=$statement"
  done < <(statements influxdb-fleet.influxql | grep -v CONTINUOUS)
  local -x url="http://127.0.0.1:$influx_port/write?db=collectd&rp=fleet&precision=s"
  # shellcheck disable=SC2016 # split's shell expands it
  rollups influxdb | split -l 20000 --filter='curl -sSf --data-binary @- "$url"'
}

load_victoria() {
  rollups victoria | curl -sSf -T - "http://127.0.0.1:$victoria_port/api/v1/import"
  curl -sSf "http://127.0.0.1:$victoria_port/internal/force_flush"
}

# The names of stored series.
stored() { (cd "$servers/carbon" && find a b -name '*.wsp' | sed 's|^[ab]/||; s|\.wsp$||; s|/|.|g' | grep "^$1" | LC_ALL=C sort); } # PREFIX
has_stored() { [ "$(stored "$1" | wc -l)" -ge "$2" ]; } # PREFIX NUM

# Each statement of a file of conf/fleet, on a line of its own.
statements() { grep -E '^(ALTER|CREATE|SELECT) ' "$fleet/$1"; } # FILE
