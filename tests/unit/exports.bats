#!/usr/bin/env bats
# What the built plugin exports, and what it expects from others: with a daemon
# that provides symbols, a missing one shows only when the plugin is loaded.

plugin="$builddir/plugin/.libs/bpf_stats.so"

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
