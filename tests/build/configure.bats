#!/usr/bin/env bats
# What configure finds out about the tools and headers for the BPF programs, and
# how these are then compiled. Builds in directories of its own.

setup() {
  mkdir "$BATS_TEST_TMPDIR/build" "$BATS_TEST_TMPDIR/bin"
  cd "$BATS_TEST_TMPDIR/build" || return 1
  unset BPFTOOL MAKEFLAGS MAKELEVEL # of the build that runs the tests
  bpftool=$BATS_TEST_TMPDIR/bin/bpftool
}

# Makes a bpftool of these commands.
write_bpftool() { # COMMANDS
  printf '#!/bin/sh\n%s\n' "$1" >"$bpftool"
  chmod 755 "$bpftool"
}

# As distributions have it when the tools of the running kernel are missing.
write_wrapper() {
  write_bpftool 'echo "WARNING: bpftool not found for kernel 6.1.0" >&2; echo "  install it" >&2; exit 2'
}

# Configures for this machine unless told otherwise.
run_configure() { # ARGUMENTS...
  run "$srcdir/configure" CFLAGS= "$@"
  tail -n 20 <<<"status $status: $output"
}

# Compiles a BPF program.
compile_bpf() {
  run make plugin/bpf/prog_iter.bpf.o
  tail -n 20 <<<"status $status: $output"
  [ "$status" -eq 0 ]
}

@test "bpftool__works__builds_the_iterator" {
  run_configure
  [ "$status" -eq 0 ]
  grep -Fx 'configure: sources: iterator and syscall' <<<"$output"
}

@test "bpftool__cannot_run__builds_without_the_iterator_and_says_why" {
  write_wrapper
  run_configure BPFTOOL="$bpftool"
  [ "$status" -eq 0 ]
  grep -Fx "configure: sources: syscall alone, as $bpftool cannot make a skeleton: WARNING: bpftool not found for kernel 6.1.0" <<<"$output"
  make -s plugin/bpf_stats.so
}

@test "bpftool__cannot_run_but_is_asked_for__is_one_error" {
  write_wrapper
  run_configure BPFTOOL="$bpftool" --with-iterator=yes
  [ "$status" -eq 1 ]
  [ "$(grep -c error: <<<"$output")" -eq 1 ]
  grep -Fx "configure: error: --with-iterator=yes: $bpftool cannot make a skeleton: WARNING: bpftool not found for kernel 6.1.0" <<<"$output"
}

@test "bpftool__does_nothing__is_not_taken_for_one_that_works" {
  write_bpftool 'exit 0'
  run_configure BPFTOOL="$bpftool"
  [ "$status" -eq 0 ]
  grep -Fx "configure: sources: syscall alone, as $bpftool cannot make a skeleton: it has written none" <<<"$output"
}

@test "bpftool__missing__is_one_error_if_asked_for" {
  run_configure BPFTOOL=/nowhere/bpftool --with-iterator=yes
  [ "$status" -eq 1 ]
  grep -F "configure: error: --with-iterator=yes: /nowhere/bpftool cannot make a skeleton: " <<<"$output"
}

@test "clang__cannot_compile_BPF__is_one_error_if_asked_for" {
  run_configure CLANG=false --with-iterator=yes
  [ "$status" -eq 1 ]
  grep -Fx "configure: error: --with-iterator=yes: false cannot compile for bpfel: it has written none" <<<"$output"
}

@test "BPF_programs__for_another_byte_order__have_that" {
  # Not every bpftool takes objects of another byte order than its own.
  write_bpftool 'echo "struct conftest;"'
  run_configure BPFTOOL="$bpftool" --host=s390x-linux-gnu --with-iterator=yes
  [ "$status" -eq 0 ]
  compile_bpf
  readelf -h plugin/bpf/prog_iter.bpf.o | grep -E 'Data: .*big endian'
}

@test "BPF_programs__cross_compiled__see_no_headers_of_the_build_machine" {
  write_bpftool 'echo "struct conftest;"'
  run_configure BPFTOOL="$bpftool" --host=s390x-linux-gnu --with-iterator=yes
  [ "$status" -eq 0 ]
  flags=$(sed -n 's/^BPF_CPPFLAGS = //p' Makefile)
  echo "$flags"
  [[ $flags == *s390x-linux-gnu/* ]]
  [[ $flags != *"$(gcc -print-multiarch)"* ]]
}

@test "BPF_programs__native__have_the_byte_order_of_the_machine" {
  run_configure
  compile_bpf
  own=$(readelf -h /proc/self/exe | grep Data:)
  [ "$(readelf -h plugin/bpf/prog_iter.bpf.o | grep Data:)" = "$own" ]
}

@test "BPF_programs__libbpf_in_another_place__have_its_headers" {
  cp -r "$(pkg-config --variable=includedir libbpf)/bpf" "$BATS_TEST_TMPDIR/bin/bpf"
  echo 'int of_the_other_libbpf;' >>"$BATS_TEST_TMPDIR/bin/bpf/bpf_helpers.h"
  run_configure LIBBPF_CFLAGS="-I$BATS_TEST_TMPDIR/bin" LIBBPF_LIBS=-lbpf
  [ "$status" -eq 0 ]
  compile_bpf
  readelf -s plugin/bpf/prog_iter.bpf.o | grep of_the_other_libbpf
}

@test "BPF_programs__headers_where_the_compiler_looks__have_these" {
  mkdir "$BATS_TEST_TMPDIR/uapi" "$BATS_TEST_TMPDIR/uapi/linux"
  printf '%s\n' 'int of_the_sysroot;' '#include_next <linux/bpf.h>' \
    >"$BATS_TEST_TMPDIR/uapi/linux/bpf.h"
  run_configure CC="gcc -isystem $BATS_TEST_TMPDIR/uapi"
  [ "$status" -eq 0 ]
  compile_bpf
  readelf -s plugin/bpf/prog_iter.bpf.o | grep of_the_sysroot
}

@test "collectd__headers_where_the_compiler_looks__need_no_COLLECTD_CPPFLAGS" {
  mkdir "$BATS_TEST_TMPDIR/uapi"
  cp -r /usr/include/collectd "$BATS_TEST_TMPDIR/uapi/collectd"
  run_configure CC="gcc -isystem $BATS_TEST_TMPDIR/uapi" --with-iterator=no
  [ "$status" -eq 0 ]
  grep -F "COLLECTD_CPPFLAGS = -isystem $BATS_TEST_TMPDIR/uapi/collectd " Makefile
}

@test "debian_control__for_another_architecture__wants_tools_of_the_build_machine" {
  for architecture in s390x arm64; do
    # What is of the host architecture is missing; the tools are installed.
    run dpkg-checkbuilddeps -a "$architecture" "$srcdir/debian/control"
    echo "$output"
    [[ $output == *libbpf-dev* ]] || [ "$(dpkg --print-architecture)" = "$architecture" ]
    [[ $output != *clang* && $output != *bpftool* && $output != *collectd-dev* ]]
  done
}
