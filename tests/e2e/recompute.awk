# Rebuilds struct prog_stats from the values of the three counters, and compares
# the gauges of each interval with what two neighbouring ones give. Prints how
# many intervals were compared. Files: lines "EPOCH,VALUE", counters first; those of
# misses are left out where the kernel counts none.

FILENAME ~ /invocations$/ {cnt[$1] = $2; time[++n] = $1}
FILENAME ~ /run_time_ns$/ {nsecs[$1] = $2}
FILENAME ~ /recursion_misses$/ {misses[$1] = $2; has_misses = 1}
FILENAME ~ /ns_per_call$/ {ns_per_call[$1] = $2}
FILENAME ~ /miss_rate$/ {miss_rate[$1] = $2}

# csv has six decimals.
function differs(a, b) {return a - b > 1e-6 || b - a > 1e-6}

function fail(what, at) {print what " at " at; failed = 1; exit 1}

END {
  if (failed) exit 1
  for (i = 2; i <= n; i++) {
    t = time[i]; s = time[i - 1]
    runs = cnt[t] - cnt[s]
    missed = misses[t] - misses[s]
    if ((runs > 0) != (t in ns_per_call)) fail("ns_per_call is there or not", t)
    if (runs == 0) continue
    if (differs(ns_per_call[t], (nsecs[t] - nsecs[s]) / runs)) fail("ns_per_call", t)
    if (has_misses != (t in miss_rate)) fail("miss_rate is there or not", t)
    if (has_misses && differs(miss_rate[t], missed / (runs + missed))) fail("miss_rate", t)
    compared++
  }
  print compared + 0
}
