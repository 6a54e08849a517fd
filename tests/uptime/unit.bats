#!/usr/bin/env bats
# The unit tests on a host that has just booted.

load booted

unit_tests() { # SECONDS
  expect_uptime "$1"
  booted_ago "$1" "$builddir/tests/unit/unit.t"
}

@test "booted_60_seconds_ago__unit_tests__pass" { unit_tests 60; }
@test "booted_600_seconds_ago__unit_tests__pass" { unit_tests 600; }
@test "booted_3700_seconds_ago__unit_tests__pass" { unit_tests 3700; }
