#!/usr/bin/env bats
# "make install" and "make uninstall" with --with-confdir: the same life as that of
# the packages, in a directory instead of a machine.

: "${srcdir:?is set by the Makefile}" "${builddir:?}" "${COLLECTD:?}"

setup_file() {
  unset MAKEFLAGS MAKELEVEL MFLAGS # not of the test run that this is part of
  export work=$builddir/tests/package/source
  rm -rf "$work"
  mkdir -p "$work/build" "$work/etc/conf.d"
  cat >"$work/etc/collectd.conf" <<END
BaseDir "$work"
PIDFile "$work/pid"
FQDNLookup false
Interval 0.2
PluginDir "$work/lib"
<Include "$work/etc/conf.d">
  Filter "*.conf"
</Include>
END
  cd "$work/build" || return
  "$srcdir/configure" -q --prefix="$work/usr" --with-plugindir="$work/lib" \
    --with-confdir="$work/etc/conf.d" --with-unitdir="$work/units"
  make -s all
}

setup() {
  conf=$work/etc/conf.d/bpf_stats.conf
  make -s -C "$work/build" install
}

teardown() {
  make -s -C "$work/build" uninstall
  rm -f "$work"/etc/conf.d/* "$work"/etc/bpf_stats.conf.removed
}

# Until it reads, or has ended because it could not.
collectd_starts() {
  local pid started=1
  "$COLLECTD" -f -C "$work/etc/collectd.conf" >"$work/collectd.log" 2>&1 3>&- &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if grep -q 'entering read-loop' "$work/collectd.log"; then
      started=0
      break
    fi
    sleep 0.05
  done
  kill "$pid" || true
  wait "$pid" || true
  cat "$work/collectd.log"
  return "$started"
}

@test "source__installed__has_all_that_the_packages_have" {
  (cd "$work" && find lib units etc/conf.d usr/sbin usr/share/collectd-bpf_stats usr/share/man -type f | sort) \
    >"$BATS_TEST_TMPDIR/files"
  diff "$BATS_TEST_TMPDIR/files" - <<'END'
etc/conf.d/bpf_stats.conf
lib/bpf_stats.so
units/bpf_stats_pin.service
units/run-bpf_stats.mount
usr/sbin/bpf_stats_pin
usr/share/collectd-bpf_stats/60-bpf_stats.conf
usr/share/collectd-bpf_stats/bpf_stats.conf
usr/share/collectd-bpf_stats/collectd-bpf-perfmon.conf
usr/share/collectd-bpf_stats/collectd-no-capabilities.conf
usr/share/man/man5/collectd-bpf_stats.5
usr/share/man/man8/bpf_stats_pin.8
END
  grep -F "ExecStart=$work/usr/sbin/bpf_stats_pin " "$work/units/bpf_stats_pin.service"
  collectd_starts
  grep 'plugin "bpf_stats" successfully loaded' "$work/collectd.log"
}

@test "source__uninstalled__collectd_starts_and_settings_return" {
  echo '# of the operator' >>"$conf"
  make -s -C "$work/build" uninstall
  [ -z "$(ls "$work/etc/conf.d")" ]
  collectd_starts
  make -s -C "$work/build" install
  [ "$(tail -n 1 "$conf")" = '# of the operator' ]
  collectd_starts
}

@test "source__installed_again__replaces_no_settings" {
  echo '# of the operator' >>"$conf"
  make -s -C "$work/build" install
  [ "$(tail -n 1 "$conf")" = '# of the operator' ]
}

@test "source__settings_deleted_by_the_operator__stay_deleted" {
  rm "$conf"
  make -s -C "$work/build" install
  [ ! -e "$conf" ]
}

@test "source__uninstalled_without_an_edit__leaves_no_file" {
  make -s -C "$work/build" uninstall
  run find "$work/lib" "$work/units" "$work/usr" "$work/etc" -type f
  [ "$output" = "$work/etc/collectd.conf" ]
}
