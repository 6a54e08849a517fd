#!/usr/bin/env bash
# What is tested in a booted host, whose disk of tests is mounted on /test. A service
# runs it at each boot; it reports as TAP on the console, and ends the host.
# Functions are called by wait_until as well.
# shellcheck disable=SC2317
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
conf=/etc/collectd/collectd.conf.d/bpf_stats.conf
csv=/var/lib/collectd/csv/guest
rebooted=/var/lib/host-test-rebooted

number=0
check() { # NAME EXPECTED FOUND
  number=$((number + 1))
  if [ "$2" = "$3" ]; then
    echo "ok $number - $1"
  else
    echo "not ok $number - $1"
    printf '%s\n' "expected: $2" "found: $3" | sed 's/^/# /'
  fi
}

# Waits for a state; what never comes is a failed check, and the rest is tried.
wait_until() { # COMMAND...
  local end=$((SECONDS + 300))
  while [ "$SECONDS" -lt "$end" ]; do
    if "$@"; then return 0; fi
    sleep 0.3
  done
  check "in time: $*" yes no
  return 1
}

# --- what collectd has written ------------------------------------------------

values() { # INSTANCE TYPE; those of the running daemon
  cat "$csv/bpf_stats${1:+-$1}/$2"-20??-??-?? 2>/dev/null | awk -F, -v started="$started" '$1 + 0 >= started'
}
last() { # INSTANCE TYPE; "" is the host; what is not there counts as 0
  local value
  value=$(values "$1" "$2" | tail -n 1 | cut -d, -f2)
  echo "${value:-0}"
}
reads() { values '' derive-read_errors | wc -l; }
has_reads() { [ "$(reads)" -ge "$1" ]; }
# The last of them has begun now or later, and is written as a whole.
wait_reads() {
  started=$(date -d "$(systemctl show -P ExecMainStartTimestamp --timestamp=us+utc collectd)" +%s.%3N)
  wait_until has_reads $(($(reads) + 3))
}

# For the notes of a release.
count_series() { # LABEL
  echo "# table: $1: $(find "$csv" -maxdepth 1 -name 'bpf_stats-*' | wc -l) groups, $(find "$csv"/bpf_stats* -type f | wc -l) series"
}

# Prints the reads at which the host's total is not the sum of all groups, of which
# those without a program keep their last; and how many reads there were. The host's
# newest may be half written, and groups, looked at later, have newer ones.
check_sum() { # LABEL TYPE
  local reads wrong
  read -r reads wrong < <(awk -F, -v started="$started" '$1 + 0 >= started {print $1, FILENAME, $2}' \
    "$csv/bpf_stats/$2"-20??-??-?? "$csv"/bpf_stats-*/"$2"-20??-??-?? | sort -s -k 1,1n | awk '
    function settle() { if (host != "") { reads++; if (host != sum) wrong = wrong " " time ":" host - sum } }
    $1 != time { settle(); time = $1; host = "" }
    $2 ~ /\/bpf_stats\// { host = $3; next }
    { sum += $3 - last[$2]; last[$2] = $3 }
    END { print reads + 0 wrong }')
  [ "$reads" -ge 3 ] || wrong="no more than $reads reads"
  check "$1: $2 of the host is the sum of the groups at each read" '' "$wrong"
}
check_sums() { # LABEL
  local type
  for type in invocations derive-run_time_ns derive-recursion_misses; do check_sum "$1" $type; done
}

# --- what the journal, systemd and the kernel say -----------------------------

mark_log() { cursor=$(journalctl -q -n 1 --show-cursor | sed -n 's/^-- cursor: //p'); }
# What collectd, the tool and their units have warned of since mark_log; but not that a
# slow host was late with a read, or with values to write when collectd was stopped.
complaints() { # journalctl's own filters lose the first match after a cursor
  journalctl -q -b -o json ${cursor:+--after-cursor="$cursor"} |
    jq -r 'select((.UNIT // ._SYSTEMD_UNIT // "" | IN("collectd.service", "bpf_stats_pin.service", "run-bpf_stats.mount"))
      and (.PRIORITY // "6" | tonumber) <= 4) | .MESSAGE' |
    grep -vE 'value lists were left after shutting down|^Not sleeping because|^plugin_read_thread: .* took'
}
programs() { # ID TYPE NAME RUNS NS MISSES of each, the name as collectd has it
  bpftool -j prog show | jq -r '.[] | "\(.id) \(.type) \((.name // "bpf_prog_" + .tag) | gsub("[^A-Za-z0-9_-]"; "_")
    ) \(.run_cnt // 0) \(.run_time_ns // 0) \(.recursion_misses // 0)"'
}
own_programs() { programs | grep -c ' bpf_stats_'; }
units() { systemctl is-active collectd bpf_stats_pin run-bpf_stats.mount | paste -sd ' '; }

# --- programs of known runs ---------------------------------------------------

start_workload() {
  coproc WORKLOAD { exec /test/workload; }
  workload 'load host_xdp xdp'
  workload 'load host_name_of_more_than_15_characters cgroup_skb'
  # So that there is a group for those that come and go as "host_brief".
  workload 'load host.brief xdp'
  xdp_runs=0
  skb_runs=0
}
workload() { # COMMAND
  local answer
  echo "$1" >&"${WORKLOAD[1]}"
  read -r answer <&"${WORKLOAD[0]}"
  [ "$answer" = ok ] || check "workload: $1" ok "$answer"
}

# The workload's own counts, and the kernel's, to the unit.
check_values() { # LABEL
  local brief
  wait_reads
  brief=$(last host_brief invocations)
  workload 'run host_xdp 1234'
  workload 'run host_name_of_more_than_15_characters 77'
  workload 'churn host_brief xdp 3 5'
  xdp_runs=$((xdp_runs + 1234))
  skb_runs=$((skb_runs + 77))
  wait_reads
  check "$1: runs" "$xdp_runs $skb_runs" \
    "$(last host_xdp invocations) $(last host_name_of_more_than_15_characters invocations)"
  check "$1: runs and ns are the kernel's" "$(programs | awk '$3 ~ /^host_[xn]/ {print $3, $4, $5}' | sort)" \
    "$(for name in host_name_of_more_than_15_characters host_xdp; do
      echo "$name $(last $name invocations) $(last $name derive-run_time_ns)"
    done)"
  check "$1: runs of programs that came and went" 15 "$(($(last host_brief invocations) - brief))"
  check "$1: no unload without its counters" 0 "$(last '' derive-unwatched_unloads)"
  check "$1: programs" "$(programs | wc -l)" "$(last '' count-programs | cut -d. -f1)"
  check_sums "$1"
}

finish() { # reboot | poweroff
  echo "1..$number"
  echo "# guest has finished"
  systemctl "$1"
  exit
}

# shellcheck source=tests/hosts/packages.bash
. /test/packages.bash
# shellcheck source=tests/hosts/agents.bash
. /test/agents.bash
# shellcheck source=tests/hosts/owners.bash
. /test/owners.bash
parts=" $(cat /test/parts) "
echo # behind what systemd has told the terminal
echo "# Linux $(uname -r), $(systemctl --version | head -n 1), $(nproc) CPUs"
start_workload
if [[ $parts == *' packages '* ]]; then
  if [ ! -e "$rebooted" ]; then
    test_packages
    touch "$rebooted"
    finish reboot
  fi
  test_packages_after_reboot
fi
[[ $parts != *' agents '* ]] || test_agents
[[ $parts != *' owners '* ]] || test_owners
finish poweroff
