# Compares what a sink gives back with what csv of the same collectd has. Files:
# lines "TIME_S INSTANCE TYPE VALUE", csv's first. Variables: tolerance, how far
# in seconds the times may be apart; partly, when the sink need not have all.
# Prints how many points were compared.

function fail(what) {print what; failures++}

# csv has six decimals.
function differs(a, b) {return a - b > 1e-6 || b - a > 1e-6}

{key = $2 " " $3}

NR == FNR {
  num[key]++
  time[key, num[key]] = $1
  value[key, num[key]] = $4
  next
}

{
  # Both are ordered by time.
  if (!(key in at)) at[key] = 1
  while (at[key] < num[key] && time[key, at[key]] < $1 - tolerance) at[key]++
  found = 0
  for (i = at[key]; i <= num[key] && time[key, i] <= $1 + tolerance; i++)
    if (time[key, i] >= $1 - tolerance && !differs(value[key, i], $4)) found = 1
  for (i = at[key]; i <= num[key] && time[key, i] <= $1 + tolerance; i++) seen[key, i] = 1
  if (!found) fail("csv has no such point: " $0)
  compared++
}

END {
  if (!partly)
    for (key in num)
      for (i = 1; i <= num[key]; i++)
        if (!((key, i) in seen)) fail("the sink has no " key " at " time[key, i])
  print compared + 0
  exit failures > 0
}
