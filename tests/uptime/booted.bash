# Runs tests on a host that has just booted, as its clocks tell: in time namespaces.
# Needs root.
# shellcheck shell=bash

: "${builddir:?is set by the Makefile}"

setup() {
  [ "$(id -u)" -eq 0 ] || skip "needs root"
  [ -e /proc/self/ns/time ] || skip "this kernel has no time namespaces"
}

# How far the clock that tells now is ahead of what it shall tell.
offset() { # CLOCK SECONDS
  python3 -c "import time; print($2 - int(time.clock_gettime(time.$1)))"
}

# Runs the command where the host has booted so long ago.
booted_ago() { # SECONDS COMMAND...
  local monotonic boottime seconds=$1
  monotonic=$(offset CLOCK_MONOTONIC "$seconds")
  boottime=$(offset CLOCK_BOOTTIME "$seconds")
  shift
  unshare --time --monotonic "$monotonic" --boottime "$boottime" --fork --kill-child "$@"
}

expect_uptime() { # SECONDS
  local found
  found=$(booted_ago "$1" cut -d. -f1 /proc/uptime)
  [ "$found" -ge "$1" ] && [ "$found" -le $(($1 + 60)) ]
}
