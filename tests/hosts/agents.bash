# shellcheck shell=bash
# Agents that others have written, and two struct_ops: what the plugin says of their
# programs is what the kernel says. Sourced by guest.bash.
#
# Hooks such as openat(2) have no rest. But the kernel counts runs while statistics are
# on alone: once they are off its counters stand still, and can be compared.

thaw() { sysctl -q kernel.bpf_stats_enabled=1; }
freeze() { sysctl -q kernel.bpf_stats_enabled=0; }

start_process() { # COMMAND...
  "$@" >/tmp/agent.log 2>&1 &
  agent_pid=$!
}
end_process() { # SIGNAL
  kill -s "$1" "$agent_pid"
  wait "$agent_pid" 2>/dev/null
}

start_bpftrace() {
  start_process bpftrace -e 'tracepoint:syscalls:sys_enter_openat { @a = count(); }
    kprobe:vfs_read { @b = count(); } uprobe:/bin/bash:main { @c = count(); }'
}
start_opensnoop() { start_process opensnoop-libbpf; }
start_biolatency() { start_process biolatency-libbpf; }
start_runqlat() { start_process runqlat-libbpf; }
start_congestion() { start_process /test/agent /test/congestion.bpf.o; }
start_scheduler() { start_process /test/agent /test/scheduler.bpf.o; }
start_misses() { start_process /test/agent /test/misses.bpf.o; }

# A daemon-reload would have systemd load the programs of all other units anew.
start_systemd() {
  systemd-run -q --collect --unit=fenced -p IPAddressDeny=10.0.0.0/8 -p DevicePolicy=closed -p 'DeviceAllow=/dev/null rw' \
    -p SocketBindDeny=tcp -p RestrictFileSystems=~tmpfs /bin/bash -c \
    'while :; do ping -q -c 1 -W 1 127.0.0.1; : </dev/null; socat -u - tcp4-listen:81; sleep 0.5; done'
}
end_systemd() { # SIGNAL
  if [ "$1" = KILL ]; then systemctl kill -s KILL fenced; else systemctl stop fenced; fi
}

start_tc() {
  tc qdisc add dev lo clsact
  tc filter add dev lo ingress bpf direct-action object-file /test/classifier.bpf.o section tc
}
# Nobody is left to be killed: programs go with what they are attached to.
end_tc() { tc qdisc del dev lo clsact; }

start_xdp() { xdp-filter load -m skb lo; }
end_xdp() { xdp-filter unload lo; } # which alone removes its pins

# Something of everything that they hook: files, disk, processes, packets, TCP, maps.
load() {
  dd if=/dev/zero of=/var/tmp/load bs=4k count=4 oflag=direct 2>/dev/null
  ping -q -c 2 -i 0.2 127.0.0.1 >/dev/null
  bash -c : </dev/null
  if grep -q bpf_stats_cc /proc/sys/net/ipv4/tcp_available_congestion_control; then
    sysctl -q net.ipv4.tcp_congestion_control=bpf_stats_cc
    socat -u tcp-listen:8080,reuseaddr /dev/null &
    wait_until socat -u /bin/bash tcp:127.0.0.1:8080,shut-none 2>/dev/null
    wait $!
    sysctl -q net.ipv4.tcp_congestion_control=cubic
  fi
  if [ "$agent" = misses ]; then
    local _
    for _ in {1..10}; do
      bpftool map update name missed key 0 0 0 0 value 0 0 0 0 || return
      bpftool map delete name missed key 0 0 0 0 2>/dev/null # the program was first
    done
  fi
}

# Those of the agent: what has come since it was started.
agents_programs() { programs | awk 'NR == FNR {old[$1]; next} !($1 in old)' /tmp/before -; }
have_run() { # NUMBER
  load
  [ "$(agents_programs | awk '$4 + $6 > 0' | wc -l)" -ge "$1" ]
}
# A program's numbers survive it in its group.
declare -A dead
add() { # RUNS NS MISSES  RUNS NS MISSES
  echo "$(($1 + $4)) $(($2 + $5)) $(($3 + $6))"
}
of_kernel() { # NAME; of all programs of that name, with those that are gone
  # shellcheck disable=SC2046,SC2086 # words
  add ${dead[$1]:-0 0 0} $(programs | awk -v name="$1" '$3 == name {r += $4; n += $5; m += $6} END {printf "%d %d %d", r, n, m}')
}
of_collectd() { echo "$(last "$1" invocations) $(last "$1" derive-run_time_ns) $(last "$1" derive-recursion_misses)"; }

compare() { # LABEL; the agent's programs, and those that are always there
  local name type kernel ours
  while read -r name type; do
    kernel=$(of_kernel "$name")
    ours=$(of_collectd "$name")
    check "$1: runs, ns and misses of $name" "$kernel" "$ours"
    echo "# table: $1 | $name | $type | $kernel | $ours"
  done < <({ cat /tmp/agent && programs | awk -v name="$lasting" '$3 == name'; } | awk '{print $3, $2}' | sort -u)
}

unloaded() { ! programs | awk 'NR == FNR {of_agent[$1]; next} $1 in of_agent {print}' /tmp/agent - | grep -q .; }

# Runs it until so many of its programs have run, and stops the kernel's counters.
run_agent() { # NUMBER
  programs >/tmp/before
  thaw
  "start_$agent"
  wait_until have_run "$1" || cat /tmp/agent.log
  load
  freeze
  agents_programs >/tmp/agent
}
# Ends it. What it counted last is then the group's for ever.
end_agent() { # SIGNAL
  local _ name numbers
  while read -r _ _ name numbers; do
    # shellcheck disable=SC2086 # words
    dead[$name]=$(add ${dead[$name]:-0 0 0} $numbers)
  done </tmp/agent
  if declare -F "end_$agent" >/dev/null; then "end_$agent" "$1"; else end_process "$1"; fi
  wait_until unloaded
}

# It runs and ends while collectd reads; and once more between two reads, where only
# the watch on unloads sees it, and is killed.
test_agent() { # NAME PROGRAMS_THAT_RUN [PROGRAM_THAT_STAYS]
  agent=$1
  lasting=${3-}
  echo "# $agent"
  run_agent "$2"
  wait_reads
  compare "$agent"
  end_agent TERM
  wait_reads
  compare "$agent, ended"
  systemctl kill -s STOP collectd
  run_agent "$2"
  end_agent KILL
  systemctl kill -s CONT collectd
  wait_reads
  compare "$agent, killed between two reads"
}

test_agents() {
  local name
  apt_get install /test/current.deb
  sed -i 's/#EnableStats true/EnableStats false/' "$conf"
  mark_log
  systemctl restart collectd
  wait_reads
  test_agent bpftrace 3
  test_agent opensnoop 2
  test_agent biolatency 2
  test_agent runqlat 3
  test_agent systemd 4 restrict_filesystems
  check 'systemd: restrict_filesystems runs' yes "$([ "$(last restrict_filesystems invocations)" -gt 0 ] && echo yes)"
  test_agent tc 1
  test_agent xdp 1
  test_agent congestion 1
  test_agent scheduler 1
  test_agent misses 3
  for name in missed_fentry missed_kprobe missed_kprobe_multi; do
    check "$name: some were missed" yes "$([ "$(last "$name" derive-recursion_misses)" -gt 0 ] && echo yes)"
  done
  workload 'load host_hot recursion'
  thaw
  workload 'run host_hot 150'
  freeze
  wait_reads
  check 'raw tracepoint: runs and misses' '150 150' "$(last host_hot invocations) $(last host_hot derive-recursion_misses)"
  check_sums agents
  count_series 'the host on which all these agents have been'
  check 'agents: no unload without its counters' 0 "$(last '' derive-unwatched_unloads)"
  check 'agents: the journal has no warning' '' "$(complaints)"
}
