#!/usr/bin/env bats
# The Debian package: built from the release tarball, installed with apt in a
# clean root, measured with there, and purged. Needs root and a mirror.

: "${srcdir:?is set by the Makefile}" "${builddir:?}" "${BPFTOOL:?}"

root=$builddir/tests/package/root
work=$builddir/tests/package/deb

in_root=(chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
  DEBIAN_FRONTEND=noninteractive)
in_root() { "${in_root[@]}" "$@"; }

# Every file of the root, but for what packaging itself writes.
list_files() {
  (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o \
    -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log \) -prune -o -print) | sort
}

unmount_root() {
  local place
  for place in dev sys proc; do
    if mountpoint -q "$root/$place"; then umount "$root/$place"; fi
  done
}

# A minimal root of this machine's own release, from its own mirror.
make_root() {
  local site suite
  # shellcheck disable=SC2016 # apt expands it
  site=$(apt-get indextargets --format '$(SITE)' | head -n 1)
  # shellcheck source=/dev/null
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  unmount_root
  rm -rf "$root"
  debootstrap --variant=minbase "$suite" "$root" "$site"
  # As this machine itself reaches its mirror.
  cp -a /etc/apt/apt.conf.d /etc/apt/sources.list* "$root/etc/apt/"
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  mount --bind /proc "$root/proc"
  mount --bind /sys "$root/sys"
  mount --bind /dev "$root/dev"
  in_root apt-get -q update
  in_root apt-get -q install -y --no-install-recommends collectd-core
}

setup_file() {
  # Not the make of the test run that this is part of.
  unset MAKEFLAGS MAKELEVEL MFLAGS
  rm -rf "$work"
  mkdir -p "$work"
  rm -f "$builddir"/collectd-bpf_stats-*.tar.xz # of another version
  make -s -C "$builddir" dist >&2
  tar -xf "$builddir"/collectd-bpf_stats-*.tar.xz -C "$work"
  (cd "$work"/collectd-bpf_stats-* && dpkg-buildpackage -b -us -uc) >"$work/build.log" 2>&1 || {
    tail -n 40 "$work/build.log" >&2
    return 1
  }
  make_root >"$work/root.log" 2>&1 || {
    tail -n 40 "$work/root.log" >&2
    return 1
  }
  cp "$work"/collectd-bpf-stats_*.deb "$root/tmp/package.deb"
  list_files >"$work/before"
}

teardown_file() {
  unmount_root
  rm -rf "$root"
}

@test "deb__lintian__finds_no_error" {
  lintian --allow-root --fail-on error "$work"/*.changes
}

@test "deb__plugin_and_tool__are_hardened" {
  run readelf -d "$work"/collectd-bpf_stats-*/debian/collectd-bpf-stats/usr/lib/collectd/bpf_stats.so
  [[ $output == *BIND_NOW* ]]
  run readelf -hd "$work"/collectd-bpf_stats-*/debian/collectd-bpf-stats/usr/sbin/bpf_stats_pin
  [[ $output == *BIND_NOW* ]]
  [[ $output == *"Position-Independent Executable"* ]]
}

@test "deb__installed_beside_collectd_core__delivers_values" {
  in_root apt-get -q install -y --no-install-recommends /tmp/package.deb
  cat >"$root/tmp/collectd.conf" <<'END'
Hostname "test-host"
Interval 0.5
LoadPlugin csv
<Plugin csv>
  DataDir "/tmp/csv"
  StoreRates false
</Plugin>
Include "/etc/collectd/collectd.conf.d/*.conf"
END
  coproc WORKLOAD { exec "$builddir/tests/live/workload" 3>&-; }
  workload_pid=$WORKLOAD_PID
  echo 'load package_xdp xdp' >&"${WORKLOAD[1]}"
  read -r -t 20 answer <&"${WORKLOAD[0]}"
  [ "$answer" = ok ]
  # Not the function, which would be another process.
  "${in_root[@]}" collectd -f -C /tmp/collectd.conf >"$work/collectd.log" 2>&1 3>&- &
  collectd_pid=$!
  csv="$root/tmp/csv/test-host/bpf_stats-package_xdp"
  for _ in {1..100}; do
    if compgen -G "$csv/invocations-*"; then break; fi
    sleep 0.1
  done
  echo 'run package_xdp 4321' >&"${WORKLOAD[1]}"
  read -r -t 20 answer <&"${WORKLOAD[0]}"
  sleep 2
  kill "$collectd_pid" "$workload_pid"
  wait "$collectd_pid"
  cat "$work/collectd.log"
  [ "$(tail -n 1 "$csv"/invocations-* | cut -d, -f2)" = 4321 ]
  run grep -E 'error|warning' "$work/collectd.log"
  [ "$status" -eq 1 ]
  rm -rf "$root/tmp/csv" "$root/tmp/collectd.conf"
}

@test "deb__installed__pins_the_iterator_and_its_unit_is_not_enabled" {
  in_root bpf_stats_pin --version
  [ -e "$root/lib/systemd/system/bpf_stats_pin.service" ]
  run find "$root/etc/systemd" -name 'bpf_stats_pin*'
  [ -z "$output" ]
  [ -e "$root/etc/collectd/collectd.conf.d/bpf_stats.conf" ]
}

@test "deb__purged__leaves_nothing" {
  list_files >"$work/installed"
  run cmp -s "$work/before" "$work/installed"
  [ "$status" -eq 1 ]
  in_root apt-get -q purge -y --auto-remove collectd-bpf-stats
  list_files >"$work/after"
  run diff "$work/before" "$work/after"
  echo "$output"
  [ -z "$output" ]
}
