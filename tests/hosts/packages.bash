# shellcheck shell=bash
# The package's life on a host, as README tells it: each mode, a reboot, pins that are
# replaced, upgrade, removal, installation again, purge. Sourced by guest.bash.

apt_get() { # install | remove | purge  PACKAGE
  apt-get -q "$1" -y -o Dpkg::Options::=--force-confold "$2" >/tmp/apt.log 2>&1
  check "apt-get $1 $2" 0 "$?"
}

# README's commands behind a line, as they stand.
run_readme() { # LINE
  local commands
  commands=$(awk -v line="$1" '$0 == line { on = 1; next } on && /^    / { print; some = 1; next }
    on && some { exit }' /test/README.md | sed 's/^ *sudo //')
  [ -n "$commands" ] && bash -ec "$commands" >/tmp/readme.log 2>&1
  check "README: $1" 0 "$?"
}

# Values, units, mounts, programs and the journal since mark_log.
check_host() { # LABEL PINNED
  local mounts=0 units='active inactive inactive'
  [ "$2" != pinned ] || { mounts=1 units='active active active'; }
  echo "# $1"
  check_values "$1"
  check "$1: units" "$units" "$(units)"
  check "$1: nothing has failed" '' "$(systemctl --failed --no-legend)"
  check "$1: mounts" "$mounts" "$(findmnt -no ID /run/bpf_stats | wc -l)"
  check "$1: the journal has no warning" '' "$(complaints)"
}

# One that is mounted again may have the numbers of device and mount of the one before,
# but not the directory that was made in that.
check_still_mounted() { # LABEL
  rmdir /run/bpf_stats/witness
  check "$1: the file system has stayed mounted" 0 $?
}

# The same daemon reads on; nothing of what is unloaded meanwhile is lost.
check_pins_replaced() { # restart | reload
  local label="pins after $1" own brief pid
  echo "# $label"
  mark_log
  mkdir /run/bpf_stats/witness
  own=$(own_programs)
  brief=$(last host_brief invocations)
  pid=$(systemctl show -P MainPID collectd)
  systemctl "$1" bpf_stats_pin &
  while kill -0 $! 2>/dev/null; do
    workload 'churn host_brief xdp 2 5'
    brief=$((brief + 10))
  done
  wait $!
  check "$label: done" 0 $?
  wait_reads
  check "$label: runs of what was unloaded meanwhile" "$brief" "$(last host_brief invocations)"
  check_still_mounted "$label"
  check_host "$label" pinned
  check "$label: the daemon has gone on" "$pid" "$(systemctl show -P MainPID collectd)"
  check "$label: as many programs of the plugin" "$own" "$(own_programs)"
}

check_nothing_left() { # LABEL
  echo "# $1"
  check "$1: units" 'active inactive inactive' "$(units)"
  check "$1: nothing has failed" '' "$(systemctl --failed --no-legend)"
  wait_until no_own_programs
  check "$1: no mount, no directory" '' "$(findmnt -no ID /run/bpf_stats)$(ls -d /run/bpf_stats 2>/dev/null)"
  check "$1: collectd has not loaded it" 0 "$(grep -c bpf_stats "/proc/$(systemctl show -P MainPID collectd)/maps")"
}
no_own_programs() { [ "$(own_programs)" -eq 0 ]; }

drop_in() { # UNIT NAME LINE
  mkdir -p "/etc/systemd/system/$1.d"
  printf '[Service]\n%s\n' "$3" >"/etc/systemd/system/$1.d/$2.conf"
}

test_packages() {
  local perfmon=/etc/systemd/system/collectd.service.d/collectd-bpf-perfmon.conf
  check 'no program of the plugin before it is installed' 0 "$(own_programs)"
  mark_log
  apt_get install /test/current.deb
  check_host installed -
  count_series 'the stock host, and three programs'

  mark_log
  install -D -m 644 -t "${perfmon%/*}" "/usr/share/collectd-bpf_stats/${perfmon##*/}"
  sed -i 's/#EnableStats true/EnableStats false/' "$conf"
  sysctl -q kernel.bpf_stats_enabled=1
  systemctl daemon-reload
  systemctl restart collectd
  check_host 'CAP_BPF and CAP_PERFMON' -

  rm "$perfmon"
  sed -i 's/EnableStats false/#EnableStats true/' "$conf"
  sysctl -q kernel.bpf_stats_enabled=0
  mark_log
  run_readme 'For a collectd without any capability:'
  check_host 'no capability' pinned

  mark_log
  systemctl stop collectd
  useradd --system collectd
  chown -R collectd /var/lib/collectd
  drop_in collectd.service user User=collectd
  drop_in bpf_stats_pin.service group Environment=GROUP=collectd
  systemctl daemon-reload
  systemctl restart bpf_stats_pin
  systemctl start collectd
  check_host 'no capability, another user' pinned
  check 'the pin is for its group' 'root collectd 440' "$(stat -c '%U %G %a' /run/bpf_stats/iterator)"
}

test_packages_after_reboot() {
  cursor=
  check_host 'after the reboot' pinned
  check_pins_replaced restart
  check_pins_replaced reload

  mark_log
  mkdir /run/bpf_stats/witness
  apt_get install /test/next.deb
  check_still_mounted upgraded
  check_host upgraded pinned

  apt_get remove collectd-bpf-stats
  check_nothing_left removed

  mark_log
  apt_get install /test/next.deb
  check_host 'installed again' pinned

  apt_get purge collectd-bpf-stats
  check_nothing_left purged
  rm -r /etc/systemd/system/{collectd.service.d/user.conf,bpf_stats_pin.service.d}
  # shellcheck disable=SC2016 # it is README's line
  run_readme 'and `make uninstall` after `systemctl stop bpf_stats_pin`. With no capabilities this is left:'
  check 'purged: statistics are off' 0 "$(cat /proc/sys/kernel/bpf_stats_enabled)"
  check 'purged: no file' '' "$(find /etc /run /usr /var/lib/systemd -name '*bpf_stats*' -not -path /run/systemd/transient)"
  check 'purged: collectd runs' active "$(systemctl is-active collectd)"
}
