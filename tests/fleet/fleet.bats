#!/usr/bin/env bats
# Many simulated hosts, real collectds with the files of conf/fleet, and a sink that
# counts. No value may be lost, and what is lost must be seen.

servers=${BATS_TEST_TMPDIR:-} # none while bats only counts the tests
load ../e2e/servers
load fleet

setup() {
  read -r port port2 second_port sink_port hung_port hung_sink_port < <(free_ports 6)
  for ((i = 1; i <= HOSTS; i++)); do printf 'h%05d.example.com: secret of %d\n' "$i" "$i"; done \
    >"$servers/passwd"
  start_sink sink "$sink_port"
}

teardown() {
  if [ -n "${sender_pid:-}" ]; then kill "$sender_pid"; fi
  end_what_hangs
  stop_servers
  restore_receive_buffer
  if compgen -G "$servers/*/log"; then tail -n 20 "$servers"/*/log; fi
}

start_chain() { # an aggregator, the second collectd, the sink
  start_second second "$second_port" "$sink_port"
  start_aggregator aggregator "$port" "$second_port"
}

# Stops the aggregator for a quarter of a second at least, until the kernel's own
# buffer would have lost packets.
stop_for_long() {
  kill -STOP "$(pid_of aggregator)"
  sleep 0.25
  wait_until more_waits_than 212992
  kill -CONT "$(pid_of aggregator)"
  wait_until less_waits_than 212992
}
more_waits_than() { [ "$(waiting_bytes "$port")" -gt "$1" ]; }
less_waits_than() { [ "$(waiting_bytes "$port")" -lt "$1" ]; }

@test "fleet__aggregator_stopped_three_times__loses_no_value" {
  set_receive_buffer
  start_chain
  start_sender -p "$port"
  for _ in 1 2 3; do stop_for_long; done
  end_of_sender
  for name in aggregator second; do
    echo "# $name: $(cpu_s $name) s of CPU for $(sent) values, $(rss_mib $name) MiB" >&3
  done
  end_of_counting sink aggregator second
  expect_all sink
}

has_lost_packets() { [ "$(lost_packets "$port")" -gt 0 ]; }

# That a loss is seen: with the buffer that the kernel has by itself.
@test "fleet__default_receive_buffer__loses_what_the_kernel_counts" {
  set_receive_buffer 212992
  start_chain
  start_sender -p "$port"
  kill -STOP "$(pid_of aggregator)"
  wait_until has_lost_packets
  kill -CONT "$(pid_of aggregator)"
  end_of_sender
  local lost
  lost=$(($(lost_packets "$port") + $(lost_packets "$second_port")))
  end_of_counting sink aggregator second
  echo "sent $(sent) values, counted $(counted sink), lost $lost packets"
  # A packet has 60 values at most.
  [ $(($(sent) - $(counted sink))) -ge "$lost" ]
  [ $(($(sent) - $(counted sink))) -le $((lost * 60)) ]
}

# The series that lack values, with how many they lack: "SERIES LACKING".
lacking() {
  join -a 1 -e 0 -o 0,1.2,2.2 "$servers/truth" "$servers/sink.fleet" | awk '$2 > $3 {print $1, $2 - $3}'
}

has_counted() { ask_sink sink && [ "$(counted sink)" -gt "$1" ]; }

# Ends an aggregator and starts it again, once all that came before is at the sink.
restart() { # NAME PORT
  ask_sink sink
  wait_until has_counted "$(counted sink)"
  stop_server "$1"
  sleep "$((INTERVAL_S * 3))"
  start_aggregator "$1" "$2" "$second_port"
}

@test "fleet__one_aggregator_of_two_restarts__its_hosts_lack_that_time_alone" {
  set_receive_buffer
  start_chain
  start_aggregator other "$port2" "$second_port"
  start_sender -p "$port" -p "$port2" # hosts of odd numbers: the other
  local start=$EPOCHSECONDS
  restart other "$port2"
  local down=$((EPOCHSECONDS - start))
  end_of_sender
  end_of_counting sink aggregator other second
  echo "# of $(sent) values $(counted sink) came, an aggregator of two was down for $down s at most" >&3
  [ "$(lacking | wc -l)" -gt 0 ]
  run awk -v most=$((down / INTERVAL_S + 2)) '$1 !~ /^collectd\.h[0-9]*[13579]_/ || $2 > most' <(lacking)
  [ -z "$output" ]
}

@test "fleet__hosts_that_send_to_two_aggregators__lose_nothing_while_one_restarts" {
  set_receive_buffer
  start_chain
  start_aggregator other "$port2" "$second_port"
  READS=$((READS + 6)) start_sender -b -p "$port" -p "$port2"
  restart other "$port2"
  restart aggregator "$port"
  end_of_sender
  end_of_counting sink aggregator other second
  expect_all sink
}

# A sink that takes connections and never reads.
@test "fleet__a_sink_that_hangs__costs_the_others_nothing_and_bounded_memory" {
  set_receive_buffer
  start_sink hung_sink "$hung_sink_port"
  kill -STOP "$(pid_of hung_sink)"
  queue_limit=5000 start_second hung "$hung_port" "$hung_sink_port"
  start_second second "$second_port" "$sink_port"
  start_aggregator aggregator "$port" "$second_port" "$hung_port"
  start_sender -p "$port"
  end_of_sender
  echo "# second collectd of a sink that hangs: $(rss_mib hung) MiB, of the other: $(rss_mib second) MiB" >&3
  # Without a limit some 700 bytes a value wait in memory.
  run awk -v hung="$(rss_mib hung)" -v good="$(rss_mib second)" -v values="$(sent)" \
    'BEGIN {exit !(hung < good + values * 700 / 1048576 / 4)}'
  [ "$status" -eq 0 ]
  wait_for_count sink aggregator second
  local start=$SECONDS
  stop_server aggregator
  stop_server second
  echo "# the others ended within $((SECONDS - start)) s" >&3
  [ $((SECONDS - start)) -le 10 ]
  ask_sink sink
  expect_all sink
}
# This one ends by collectd-graphite.service's TimeoutStopSec alone.
end_what_hangs() {
  local pid
  for pid in $(pid_of hung); do kill -KILL "$pid"; done
  for pid in $(pid_of hung_sink); do kill -CONT "$pid"; done
}

@test "fleet__a_wrong_password__is_not_taken_and_the_others_are" {
  sed 's/secret of 2$/a guess/' "$servers/passwd" >"$servers/known"
  passwords=$servers/known start_chain
  HOSTS=3 READS=4 start_sender -p "$port"
  end_of_sender
  end_of_counting sink aggregator second
  grep -v '^collectd\.h00002_' "$servers/truth" >"$servers/allowed"
  cmp "$servers/allowed" "$servers/sink.fleet"
}

@test "who_may_send_conf__a_user_in_the_name_of_other_hosts__is_not_heard" {
  printf 'web: one\nothers: two\n' >"$servers/passwd"
  sed 's/\^web\[0-9\]+/^h0000[1-4]/' "$fleet/who-may-send.conf" >"$servers/who-may-send.conf"
  also=$servers/who-may-send.conf
  start_chain
  HOSTS=8 READS=4 start_sender -p "$port" # odd numbers are of web
  end_of_sender
  end_of_counting sink aggregator second
  grep -vE '^collectd\.h0000[57]_' "$servers/truth" >"$servers/allowed"
  cmp "$servers/allowed" "$servers/sink.fleet"
}

notifications() { grep -c "Notification: severity = $1, host = fleet" "$servers/aggregator/log"; } # SEVERITY
has_warnings() { [ "$(notifications WARNING)" -ge "$1" ]; }

# Of the sender's programs every fifth has misses, some 200 a second on 20 hosts.
@test "threshold_conf__misses_on_all_hosts__are_one_warning_a_program" {
  also=threshold.conf
  interval=1 start_chain
  start_sender -p "$port"
  wait_until has_warnings 10
  end_of_sender
  end_of_counting sink aggregator second
  [ "$(notifications WARNING)" -eq 10 ]
  # One of each program at the start, not of each series of each host, and one after
  # each warning.
  [ "$(notifications OKAY)" -le $((GROUPS_A_HOST + 10)) ]
}

@test "units__of_conf_fleet__are_what_systemd_knows" {
  mkdir -p "$servers/units/collectd.service.d"
  cp "$fleet/collectd-graphite.service" "$servers/units/"
  cp "$fleet/collectd-aggregator.conf" "$servers/units/collectd.service.d/"
  cp /lib/systemd/system/collectd.service "$servers/units/"
  for unit in collectd-graphite collectd; do
    SYSTEMD_UNIT_PATH=$servers/units: run systemd-analyze verify --man=no "$servers/units/$unit.service"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *"$servers/units"* ]] # what it says of others
  done
}
