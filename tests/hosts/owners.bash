# shellcheck shell=bash
# Who has loaded a program, as collectd tells it, beside who did: while it runs, when it
# starts after them, and when they have gone, but for a process that holds descriptors
# of all their programs. Sourced by guest.bash.

container=docker-$(printf '%064d' 1)

# What opensnoop says of each file would fill the journal, whose files it opens.
unit() { systemd-run -q --collect -p StandardOutput=null --unit="$1" "${@:2}"; }
unit_that_ends() { systemd-run -q --collect --wait --unit="$1" "${@:2}"; }
by_ssh() { ssh -qn -o StrictHostKeyChecking=no root@127.0.0.1 "$@" & }
as_users_unit() { by_ssh "XDG_RUNTIME_DIR=/run/user/0 systemd-run --user -q --collect --unit=$1 ${*:2}"; }
in_container() { systemd-run -q --scope --unit="$container" "$@" & }
by_hand() { "$@" & }

allow_ssh() {
  loginctl enable-linger root # so that the slice outlives the sessions
  ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
  cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
  wait_until by_ssh_works
}
by_ssh_works() { ssh -qn -o StrictHostKeyChecking=no root@127.0.0.1 true; }

# What has come since /tmp/before is all there.
have_come() { # NUMBER
  agents_programs >/tmp/come
  sleep 1
  [ "$(wc -l </tmp/come)" -ge "$1" ] && agents_programs | cut -d ' ' -f1 | cmp -s - <(cut -d ' ' -f1 /tmp/come)
}

# A loader, and the owner of its programs: in truth, which the watch sees; as it is found
# later; and when the loader has gone, where programs without maps have a user alone.
# Written as in a series.
rows=()
row() { # LABEL PROGRAMS OWNER OWNER_LATER OWNER_GONE COMMAND...
  local number=$2
  rows+=("$1|$3|$4|$5")
  programs >/tmp/before
  "${@:6}" >/tmp/loader.log 2>&1
  wait_until have_come "$number" || cat /tmp/loader.log
  cut -d ' ' -f1 /tmp/come >"/tmp/row-${#rows[@]}"
}

start_loaders() {
  row 'bpftrace, a unit' 3 bpftrace_service bpftrace_service system_slice \
    unit bpftrace bpftrace -e 'tracepoint:syscalls:sys_enter_openat { @a = count(); }
      kprobe:vfs_read { @b = count(); } uprobe:/bin/bash:main { @c = count(); }'
  row 'opensnoop, a unit' 2 opensnoop_service opensnoop_service system_slice unit opensnoop opensnoop-libbpf
  row 'biolatency, a unit' 2 biolatency_service biolatency_service system_slice unit biolatency biolatency-libbpf
  row 'runqlat, MemoryAccounting=no' 3 runqlat_service runqlat_service system_slice \
    unit runqlat -p MemoryAccounting=no runqlat-libbpf
  row 'opensnoop by hand, from ssh' 2 user_0 user_0 user_0 by_ssh opensnoop-libbpf
  row "an agent as a user's unit" 3 user_agent_service user_agent_service 'uid_0 user_0' \
    as_users_unit agent /test/agent /test/misses.bpf.o
  row 'opensnoop in the scope of a container' 2 container_opensnoop_libbp container system_slice \
    in_container opensnoop-libbpf
  row 'a scheduler of a unit that is a template' 1 sched__service sched__service uid_0 \
    unit sched@one /test/agent /test/scheduler.bpf.o
  row 'biolatency by a script' 2 host_test_service host_test_service host_test_service by_hand biolatency-libbpf
  row 'pinned, its loader gone' 3 pinner_service 'system_slice uid_0' 'system_slice uid_0' \
    unit_that_ends pinner bpftool prog loadall /test/misses.bpf.o /sys/fs/bpf/misses
  row 'pinned, without maps, its loader gone' 1 pinner2_service uid_0 uid_0 \
    unit_that_ends pinner2 bpftool prog loadall /test/classifier.bpf.o /sys/fs/bpf/classifier
  tc qdisc add dev lo clsact
  row 'attached by tc' 1 shaper_service uid_0 uid_0 unit_that_ends shaper \
    tc filter add dev lo ingress bpf direct-action object-file /test/classifier.bpf.o section tc
  row 'attached by xdp-filter' 2 firewall_service system_slice system_slice \
    unit_that_ends firewall xdp-filter load -m skb lo
  row "systemd's, for a unit" 3 systemd systemd systemd start_systemd
}

end_loaders() {
  systemctl kill -s KILL bpftrace opensnoop biolatency runqlat sched@one "$container.scope"
  XDG_RUNTIME_DIR=/run/user/0 systemctl --user kill -s KILL agent
  pkill -KILL opensnoop
  pkill -KILL biolatency
  wait_until none_runs
}
none_runs() { ! pgrep -f '^/test/agent|^bpftrace|^opensnoop|^biolatency|^runqlat' >/dev/null; }

owner_of() { # ID
  local instance
  for instance in "$csv"/bpf_stats-*-"$1"; do
    instance=${instance##*/bpf_stats-}
    [ "$(last "$instance" count-programs | cut -d. -f1)" = 0 ] || echo "${instance%-*}"
  done
}
owners_of() { # FILE_OF_IDS
  local id
  while read -r id; do owner_of "$id"; done <"$1"
}

check_owners() { # LABEL COLUMN
  local i row found
  wait_reads
  for i in "${!rows[@]}"; do
    IFS='|' read -ra row <<<"${rows[i]}"
    found=$(owners_of "/tmp/row-$((i + 1))" | sort -u | paste -sd ' ')
    check "owner of ${row[0]}, $1" "${row[$2]}" "$found"
    echo "# table: ${row[0]} | $1 | ${row[1]} | $found"
  done
  programs | cut -d ' ' -f1 >/tmp/ids
  owners_of /tmp/ids >/tmp/owners
  check "$1: programs without an owner" "$(grep -cE '^(uid_[0-9]+|_unknown)$' /tmp/owners)" \
    "$(last '' count-unowned_programs | cut -d. -f1)"
  check "$1: who looks owns nothing" '' "$(grep exporter /tmp/owners)"
}

test_owners() {
  [ -e "$conf" ] || apt_get install /test/current.deb
  sed -i 's/.*#* *PluginInstanceFormat .*/PluginInstanceFormat "owner id"/' "$conf"
  allow_ssh
  unit exporter /test/exporter
  mark_log
  systemctl restart collectd
  wait_reads
  start_loaders
  check_owners 'seen' 1
  systemctl restart collectd
  check_owners 'loaded before collectd' 2
  end_loaders
  systemctl restart collectd
  check_owners 'before collectd, its loader gone' 3
  check 'owners: the journal has no warning' '' "$(complaints)"
}
