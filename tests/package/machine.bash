# Runs a machine for a test: systemd as PID 1 on the root that "prepare" has made,
# in namespaces of its own, on this machine's kernel. What a test changes is in a
# layer that is thrown away. Programs, and whether statistics are on, are the
# kernel's: nobody else may load or count while such a test runs.
# shellcheck shell=bash

: "${srcdir:?is set by the Makefile}" "${builddir:?}" "${BPFTOOL:?}"

# shellcheck disable=SC2034 # tests use them
packages=$builddir/tests/package/work
export machine=$builddir/tests/package/machine

# What becomes PID 1 sees no more of this machine than it needs.
boot_in_namespaces() { # in the cgroup of the machine
  local root=$machine/root device
  mount -t overlay -o "lowerdir=$packages/root,upperdir=$machine/upper,workdir=$machine/work" overlay "$root"
  mount -t proc proc "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
  mount --bind /proc/sys/kernel/bpf_stats_enabled "$root/proc/sys/kernel/bpf_stats_enabled"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for device in null zero full random urandom tty; do cp -a "/dev/$device" "$root/dev/"; done
  ln -s /proc/self/fd "$root/dev/fd"
  mkdir "$root/dev/shm" "$root/dev/pts"
  mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mkdir -p "$root/packages"
  mount --bind -o ro "$packages" "$root/packages"
  cd "$root" || return
  pivot_root . mnt
  umount -l /mnt
  exec env -i container=bpf_stats PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
}

# systemd wants a hierarchy of cgroups to itself: this makes one below the
# machine's own, wherever that is mounted, or is not.
boot_in_cgroup() {
  local cgroup=$machine/cgroup/bpf_stats_machine
  mount --make-rprivate /
  mount -t cgroup2 none "$machine/cgroup"
  mkdir -p "$cgroup"
  echo $$ >"$cgroup/cgroup.procs"
  exec unshare --mount --pid --cgroup --uts --ipc --net --fork --kill-child \
    bash -euc 'boot_in_namespaces'
}
export -f boot_in_namespaces boot_in_cgroup
export packages

# Waits until a command succeeds; the limit is for what hangs.
wait_until() { # COMMAND...
  local _
  for _ in {1..600}; do
    if "$@"; then return 0; fi
    sleep 0.2
  done
  echo "not in two minutes: $*" >&2
  [ ! -e "/proc/$machine_pid/root" ] || in_machine journalctl -q -o short-monotonic | grep -v rrdtool | tail -n 40 >&2 || true
  return 1
}

is_booted() {
  machine_pid=$(pgrep -P "$boot_pid" -x systemd) &&
    in_machine systemctl is-system-running --quiet
}

boot_machine() {
  mkdir -p "$machine"/{root,upper,work,cgroup}
  : "${sysctl_before:=$(cat /proc/sys/kernel/bpf_stats_enabled)}"
  # It ends with the test, however that ends.
  setpriv --pdeathsig KILL unshare --mount bash -euc boot_in_cgroup \
    >"$machine/boot.log" 2>&1 3>&- </dev/null &
  boot_pid=$!
  wait_until is_booted 2>/dev/null || {
    cat "$machine/boot.log"
    in_machine systemctl --failed
    return 1
  }
}

reboot_machine() {
  kill_machine
  boot_machine
}

stop_machine() {
  kill_machine
  echo "$sysctl_before" >/proc/sys/kernel/bpf_stats_enabled
  rm -rf "$machine"
}

# Its processes are gone before PID 1 is.
kill_machine() {
  kill -KILL "${machine_pid:-$boot_pid}"
  wait "$boot_pid" || true
  unshare --mount bash -euc "
    mount -t cgroup2 none '$machine/cgroup'
    find '$machine/cgroup/bpf_stats_machine' -depth -type d -exec rmdir {} +"
}

in_machine() { # COMMAND...
  nsenter -t "$machine_pid" -m -u -i -n -p -C -r env -i -C / \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# --- what the tests do and see in there ---------------------------------------

deb() { # install VERSION... | remove | purge
  local action=$1
  shift
  if [ "$action" = install ]; then
    set -- "${@/#//packages/}"
    set -- "${@/%/.deb}"
  else
    set -- collectd-bpf-stats
  fi
  # What an operator has changed goes before what a package brings.
  in_machine apt-get -q "$action" -y --no-install-recommends \
    -o Dpkg::Options::=--force-confold "$@"
}

# With its full configuration; "collectd -t" would not see a missing plugin.
restart_collectd() {
  in_machine systemctl restart collectd
  in_machine systemctl is-active collectd
}

in_root() { # PATH: where a file of the machine is, seen from outside
  echo "/proc/$machine_pid/root$1"
}

# The reads that csv has of the host's programs.
count_values() {
  cat "$(in_root /var/lib/collectd/csv)"/*/bpf_stats/count-programs-* 2>/dev/null | grep -vc epoch
}
has_more_values() { [ "$(count_values)" -gt "$1" ]; }

# Two reads from now on, so that one of them has begun now.
values_go_on() { wait_until has_more_values "$(($(count_values) + 1))"; }

no_values_come() {
  restart_collectd
  local before
  before=$(count_values)
  sleep 3
  [ "$(count_values)" -eq "$before" ]
}

# What collectd has said about the plugin at level warning or above since mark_log.
mark_log() { log_cursor=$(in_machine journalctl -q -n 1 --show-cursor | sed -n 's/^-- cursor: //p'); }
complaints() { # journalctl's own filters lose the first match after a cursor
  in_machine journalctl -q -o json --after-cursor="$log_cursor" |
    jq -r 'select(.SYSLOG_IDENTIFIER == "collectd" and (.PRIORITY // "6" | tonumber) <= 4) | .MESSAGE' |
    grep -F 'bpf_stats: '
}

# The commands that README has after a line, run in there as they stand.
run_readme() { # LINE
  local commands
  commands=$(awk -v line="$1" '$0 == line { on = 1; next } on && /^    / { print; some = 1; next }
    on && some { exit }' "$srcdir/README.md" | sed 's/^ *sudo //')
  [ -n "$commands" ]
  in_machine sh -exc "${commands//\/etc\/collectd\/collectd.conf.d\/bpf_stats.conf/$conf}"
}

go_without_capabilities() { # with $conf
  run_readme 'For a collectd without any capability:'
}
