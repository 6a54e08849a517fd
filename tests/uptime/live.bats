#!/usr/bin/env bats
# The live tests on a host that has just booted.

load booted

live_tests() { # SECONDS
  expect_uptime "$1"
  booted_ago "$1" "$builddir/tests/live/live.t"
  booted_ago "$1" "$builddir/tests/live/watch.t"
}

# The unit tests see more uptimes: here the kernel's own clocks are of another time.
@test "booted_60_seconds_ago__live_tests__pass" { live_tests 60; }
