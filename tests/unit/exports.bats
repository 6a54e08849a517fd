#!/usr/bin/env bats
# What the built plugin exports, and what it expects from others: with a daemon
# that provides symbols, a missing one shows only when the plugin is loaded. And
# that it is hardened, as is bpf_stats_pin.

plugin="$builddir/plugin/bpf_stats.so"
pin="$builddir/plugin/bpf_stats_pin" # built where there is an iterator

# Runs readelf or nm on each file that is built, and looks for a line.
each_has() { # PATTERN COMMAND...
  local pattern=$1 file
  shift
  [ "$HARDENING" = yes ] || skip "built with --disable-hardening or without optimisation"
  for file in "$plugin" "$pin"; do
    [ -e "$file" ] || [ "$file" = "$plugin" ] || continue
    run "$@" "$file"
    echo "$file: $output"
    [ "$status" -eq 0 ]
    grep -qE "$pattern" <<<"$output"
  done
}

@test "exports__of_the_plugin__are_module_register_alone" {
  run nm -D --defined-only "$plugin"
  [ "$status" -eq 0 ]
  [ "$(awk '{print $3}' <<<"$output")" = module_register ]
}

@test "imports__of_the_plugin__are_provided_by_the_daemon_or_its_libraries" {
  [ -x "$COLLECTD" ]
  libraries=$(ldd "$plugin" | awk '$2 == "=>" {print $3}')
  [ -n "$libraries" ]
  # shellcheck disable=SC2086 # one word a library
  nm -D --defined-only "$COLLECTD" $libraries |
    awk 'NF == 3 {sub("@.*", "", $3); print $3}' | sort -u >"$BATS_TEST_TMPDIR/provided"
  # Strong references only: a weak one may stay unresolved.
  nm -D --undefined-only "$plugin" |
    awk '$1 == "U" {sub("@.*", "", $2); print $2}' | sort -u >"$BATS_TEST_TMPDIR/needed"
  [ -s "$BATS_TEST_TMPDIR/needed" ]
  run comm -23 "$BATS_TEST_TMPDIR/needed" "$BATS_TEST_TMPDIR/provided"
  echo "provided by nobody: $output"
  [ -z "$output" ]
}

@test "hardening__of_the_dynamic_section__is_full_relro" {
  each_has '\(FLAGS\).*BIND_NOW' readelf -dW
  each_has '^ *GNU_RELRO ' readelf -lW
}

@test "hardening__of_the_stack__is_not_executable" {
  each_has '^ *GNU_STACK .* RW +0x' readelf -lW
}

@test "hardening__of_the_stack__has_canaries" {
  each_has ' U __stack_chk_fail(@|$)' nm -D --undefined-only
}

@test "hardening__of_calls_to_the_library__checks_the_sizes_of_buffers" {
  each_has ' U __[a-z]+_chk(@|$)' nm -D --undefined-only
}

@test "hardening__of_bpf_stats_pin__is_position_independent" {
  [ "$HARDENING" = yes ] || skip "built with --disable-hardening or without optimisation"
  [ ! -e "$pin" ] || readelf -hW "$pin" | grep -qE 'Type: +DYN'
}
