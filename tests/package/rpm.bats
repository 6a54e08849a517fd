#!/usr/bin/env bats
# The RPM package: built from the release tarball with rpmbuild. Its
# dependencies have Debian's names here, so they are not asked for.

: "${builddir:?is set by the Makefile}"

setup_file() {
  unset MAKEFLAGS MAKELEVEL MFLAGS # not of the test run that this is part of
  export top=$builddir/tests/package/rpm
  rm -rf "$top"
  mkdir -p "$top/SOURCES"
  rm -f "$builddir"/collectd-bpf_stats-*.tar.xz # of another version
  make -s -C "$builddir" dist >&2
  cp "$builddir"/collectd-bpf_stats-*.tar.xz "$top/SOURCES/"
  rpmbuild -bb --nodeps --define "_topdir $top" "$srcdir/rpm/collectd-bpf-stats.spec" \
    >"$top/build.log" 2>&1 || {
    tail -n 40 "$top/build.log" >&2
    return 1
  }
}

@test "rpm__built__has_the_plugin_the_tool_and_their_files" {
  run rpm -qpl "$top"/RPMS/*/collectd-bpf-stats-[0-9]*.rpm
  echo "$output"
  for file in collectd/bpf_stats.so sbin/bpf_stats_pin collectd.d/bpf_stats.conf \
    system/bpf_stats_pin.service man5/collectd-bpf_stats.5 man8/bpf_stats_pin.8; do
    [[ $output == *"$file"* ]]
  done
}

@test "rpm__configuration__is_kept_when_changed" {
  run rpm -qpc "$top"/RPMS/*/collectd-bpf-stats-[0-9]*.rpm
  [ "$output" = /etc/collectd.d/bpf_stats.conf ]
}
