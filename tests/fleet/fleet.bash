# A simulated fleet, aggregators with the files of conf/fleet, and a sink that
# counts. What the sender has sent is the truth.
# shellcheck shell=bash

: "${builddir:?is set by the Makefile}" "${COLLECTD:?}"
: "${HOSTS:=20}" "${GROUPS_A_HOST:=50}" "${INTERVAL_S:=1}" "${READS:=8}"

# Waits until the command succeeds; at some time what never will is a failure.
wait_until() {
  local _
  for _ in {1..1200}; do
    if "$@"; then return 0; fi
    sleep 0.1
  done
  echo "timed out waiting for: $*"
  return 1
}

# The kernel's settings become those of conf/fleet, and are as before at the end.
set_receive_buffer() { # [BYTES]
  sysctl net.core.rmem_default net.core.rmem_max >"$servers/sysctl.before"
  if [ -n "${1:-}" ]; then
    sysctl -q -w "net.core.rmem_default=$1"
  else
    sysctl -q -p "$fleet/60-collectd-aggregator.conf"
  fi
}
restore_receive_buffer() {
  if [ -e "$servers/sysctl.before" ]; then sysctl -q -p "$servers/sysctl.before"; fi
}

# A whole configuration around the files of conf/fleet, from standard input.
write_collectd_conf() { # NAME
  mkdir -p "$servers/$1"
  cat >"$servers/$1/collectd.conf" <<END
BaseDir "$servers/$1"
PIDFile "$servers/$1/pid"
Hostname "$1.example.com"
FQDNLookup false
Interval ${interval:-10}
LoadPlugin logfile
<Plugin logfile>
  File "$servers/$1/log"
</Plugin>
$(cat)
END
}

start_collectd_server() { # NAME
  start_server "$1" "$COLLECTD" -f -C "$servers/$1/collectd.conf"
  wait_for_server "$1" grep 'Initialization complete' "$servers/$1/log"
}

# An aggregator that passes on to a second collectd, each with the files of conf/fleet.
start_aggregator() { # NAME PORT PORT_OF_SECOND... ; of conf/fleet also: $also
  local name=$1 port=$2
  shift 2
  {
    sed -e "s/0.0.0.0/127.0.0.1/; s/\"25826\"/\"$port\"/; s|/etc/collectd/passwd|${passwords:-$servers/passwd}|" \
      -e '/<Server/,/<\/Server/d' -e "s/Server \"127.0.0.1\" \"25828\"/$(printf \
        'Server \"127.0.0.1\" \"%s\"\\n' "$@")/" "$fleet/aggregator.conf"
    # shellcheck disable=SC2086 # words
    (cd "$fleet" && cat /dev/null ${also:-})
  } | write_collectd_conf "$name"
  start_collectd_server "$name"
}

# The second collectd, for Graphite. Its configuration is whole but for the log.
start_second() { # NAME PORT SINK_PORT ; one more file: $second_also
  mkdir -p "$servers/$1"
  sed "s/carbon.example.com/127.0.0.1/; s/\"2003\"/\"$3\"/" "$fleet/write_graphite.conf" \
    >"$servers/$1/write_graphite.conf"
  sed -e "s|/var/lib/collectd-graphite|$servers/$1|; s|/run/collectd-graphite|$servers/$1|" \
    -e "s|/etc/collectd/|$servers/$1/|; s/25828/$2/; s/300000/${queue_limit:-300000}/" \
    "$fleet/sink-graphite.conf" >"$servers/$1/sink.conf"
  cat >"$servers/$1/collectd.conf" <<END
LoadPlugin logfile
<Plugin logfile>
  File "$servers/$1/log"
</Plugin>
Include "$servers/$1/sink.conf"
${second_also:+Include \"$second_also\"}
END
  start_collectd_server "$1"
}

start_sink() { # NAME PORT
  start_server "$1" "$srcdir/tests/fleet/counting_sink" "$2" "$servers/$1.counted"
  wait_for_server "$1" is_listening "$2"
}

# Sends, in the background; the truth is in $servers/truth after end_of_sender.
start_sender() { # OPTION...
  "$builddir/tests/fleet/sender" -a "$servers/passwd" -H "$HOSTS" -G "$GROUPS_A_HOST" \
    -i "$INTERVAL_S" -n "$READS" "$@" >"$servers/truth" 3>&- &
  sender_pid=$!
}

end_of_sender() {
  local pid=$sender_pid
  sender_pid=
  wait "$pid"
  LC_ALL=C sort -o "$servers/truth" "$servers/truth"
}

sent() { awk '{sum += $2} END {print sum + 0}' "$servers/truth"; }

# What the sink has counted of the fleet, without the aggregators' own series.
ask_sink() { # NAME
  rm -f "$servers/$1.counted"
  kill -USR1 "$(pid_of "$1")"
  wait_until test -e "$servers/$1.counted"
  { grep '^collectd\.h[0-9]*_example_com\.' "$servers/$1.counted" || :; } >"$servers/$1.fleet"
}

counted() { awk '{sum += $2} END {print sum + 0}' "$servers/$1.fleet"; } # NAME

# Waits until the sink has all, or until nothing new has come for five intervals. The
# collectds hold back what does not fill a buffer, until they are told to flush.
wait_for_count() { # SINK COLLECTD...
  local sink=$1 name before=-1 still=0
  shift
  while [ "$still" -lt 5 ]; do
    for name; do kill -USR1 "$(pid_of "$name")"; done
    sleep "$INTERVAL_S"
    ask_sink "$sink"
    if [ "$(counted "$sink")" -ge "$(sent)" ]; then break; fi
    if [ "$(counted "$sink")" -eq "$before" ]; then still=$((still + 1)); else still=0; fi
    before=$(counted "$sink")
  done
  echo "packets without a place in a buffer: $(lost_packets "$port"), then $(lost_packets "$second_port")"
}

end_of_counting() { # SINK COLLECTD...
  local sink=$1 name
  wait_for_count "$@"
  shift
  for name; do stop_server "$name"; done
  wait_until sink_is_idle "$sink"
}
sink_is_idle() { # SINK
  local before
  before=$(counted "$1")
  ask_sink "$1"
  [ "$(counted "$1")" = "$before" ]
}

# Each series, with as many values as were sent of it, and the last one.
expect_all() { # SINK
  echo "sent $(sent) values, counted $(counted "$1")"
  diff "$servers/truth" "$servers/$1.fleet" | head -n 20
  cmp "$servers/truth" "$servers/$1.fleet"
}

# Of the socket on that port: what waits in its buffer, and how many packets had no
# place in it.
socket_of() { # PORT
  awk -v port="$(printf ':%04X' "$1")" 'index($2, port) {print $5, $NF}' /proc/net/udp
}
waiting_bytes() { printf '%d\n' "0x$(socket_of "$1" | sed 's/.*:\(.*\) .*/\1/')"; } # PORT
lost_packets() { socket_of "$1" | cut -d' ' -f2; } # PORT

cpu_s() { # NAME
  awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) / hz}' "/proc/$(pid_of "$1")/stat"
}
rss_mib() { # NAME
  awk '/^VmRSS/ {print $2 / 1024}' "/proc/$(pid_of "$1")/status"
}
