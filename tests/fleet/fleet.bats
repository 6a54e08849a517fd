#!/usr/bin/env bats
# Many simulated hosts, real collectds with the files of conf/fleet, and a sink that
# counts. No value may be lost, and what is lost must be seen.

servers=${BATS_TEST_TMPDIR:-} # none while bats only counts the tests
load ../e2e/servers
load fleet

setup() {
  read -r aggregator_port sink_port < <(free_ports 2)
  echo "fleet: change-me" >"$servers/passwd"
  start_sink sink "$sink_port"
}

teardown() {
  if [ -n "${sender_pid:-}" ]; then kill "$sender_pid"; fi
  stop_servers
  restore_receive_buffer
  cat "$servers"/*/log
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
more_waits_than() { [ "$(waiting_bytes "$aggregator_port")" -gt "$1" ]; }
less_waits_than() { [ "$(waiting_bytes "$aggregator_port")" -lt "$1" ]; }

@test "fleet__aggregator_stopped_three_times__loses_no_value" {
  set_receive_buffer
  start_aggregator aggregator "$aggregator_port" "$sink_port"
  start_sender -p "$aggregator_port"
  for _ in 1 2 3; do stop_for_long; done
  end_of_sender
  echo "# aggregator: $(cpu_s aggregator) s of CPU for $(sent) values, $(rss_mib aggregator) MiB" >&3
  end_of_counting sink aggregator
  expect_all sink
}

has_lost_packets() { [ "$(lost_packets "$aggregator_port")" -gt 0 ]; }

# That a loss is seen: with the buffer that the kernel has by itself.
@test "fleet__default_receive_buffer__loses_what_the_kernel_counts" {
  set_receive_buffer 212992
  start_aggregator aggregator "$aggregator_port" "$sink_port"
  start_sender -p "$aggregator_port"
  kill -STOP "$(pid_of aggregator)"
  wait_until has_lost_packets
  kill -CONT "$(pid_of aggregator)"
  end_of_sender
  local lost
  lost=$(lost_packets "$aggregator_port")
  end_of_counting sink aggregator
  echo "sent $(sent) values, counted $(counted sink), lost $lost packets"
  # A packet has 60 values at most.
  [ $(($(sent) - $(counted sink))) -ge "$lost" ]
  [ $(($(sent) - $(counted sink))) -le $((lost * 60)) ]
}
