#!/usr/bin/env bats
# The live tests on a host that has just booted.

load booted

live_tests() { # SECONDS
  expect_uptime "$1"
  booted_ago "$1" "$builddir/tests/live/live.t"
  booted_ago "$1" "$builddir/tests/live/watch.t"
}

@test "booted_60_seconds_ago__live_tests__pass" { live_tests 60; }
@test "booted_600_seconds_ago__live_tests__pass" { live_tests 600; }
@test "booted_3700_seconds_ago__live_tests__pass" { live_tests 3700; }
