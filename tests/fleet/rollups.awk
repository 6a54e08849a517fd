# An hour of what a fleet's roll-ups are, after the same hour a week before:
#   awk -v store=graphite -v hosts=20 -v groups=50 -v now=TIME_S -v minutes=60 -f rollups.awk
# For Graphite its lines, for InfluxDB its line protocol, for VictoriaMetrics what its
# /api/v1/import takes. The names are those that the files of conf/fleet make.
#
# What somebody should see: h00001 is silent for the last 20 minutes, h00002 has statistics on for
# half of the time, h00003 takes 6 % of a CPU, h00004 folds three programs, h00005 cannot
# watch one unload a minute, program 005 skips 2 % of its runs, the last program is new.

function runs_s(group) { return hosts * (group + 1) * 10 * load }
function ns_per_run(group) { return 100 + 10 * group }
function misses_s(group) { return group % 5 ? 0 : runs_s(group) * (group == 5 ? 0.02 / 0.98 : 0.001) }
function host_ns_s(host) { return (host == 3 ? 60000000 : 1000000) * load }
function is_there(group) { return load == 1 || group < groups - 1 }
function program(group) { return sprintf("owner%d-program_%03d", group % 7, group) }
function host_name(host, dot) { return sprintf("h%05d%sexample%scom", host, dot, dot) }
function end_of(host) { return host == 1 && load == 1 ? end - 1200 : end }
# How many hosts a program runs on: the new one is deployed in the course of the time.
function hosts_of(group, time) {
  return group < groups - 1 ? hosts : int(hosts * (time - start) / (end - start)) + 1
}

# --- Graphite: rates each ten seconds, of the hosts each minute ------------------
function lines(name, value, step, until, time) {
  for (time = start; time < until; time += step) print name, value, time
}
function graphite(group, host, name, time) {
  for (group = 0; group < groups; group++) {
    if (!is_there(group)) continue
    name = "fleet.programs." program(group)
    lines(name ".run_time_ns", runs_s(group) * ns_per_run(group), 10, end)
    lines(name ".invocations", runs_s(group), 10, end)
    if (group % 5 == 0) lines(name ".recursion_misses", misses_s(group), 10, end)
    for (time = start; time < end; time += 10) print name ".hosts", hosts_of(group, time), time
  }
  for (group = 0; group < 7; group++) lines("fleet.owners.owner" group ".run_time_ns", 1000000 * (group + 1) * load, 10, end)
  lines("fleet.run_time_ns", hosts * 1000000 * load, 10, end)
  lines("fleet.sending_hosts", hosts - (load == 1), 10, end)
  lines("fleet.coverage", 0.5, 10, end)
  lines("fleet.folded_programs", 3, 10, end)
  lines("fleet.uncounted_programs", 0, 10, end)
  lines("fleet.unwatched_unloads", 1 / 60, 10, end)
  lines("fleet.read_errors", 0, 10, end)
  for (host = 1; host <= hosts; host++) {
    name = "fleet.hosts." host_name(host, "_")
    lines(name ".run_time_ns", host_ns_s(host), 60, end_of(host))
    lines(name ".coverage", host == 2 ? 0.5 : 1, 60, end_of(host))
  }
}

# --- InfluxDB: what each minute adds ---------------------------------------------
function influxdb(group, host, time, owners) {
  for (time = start; time < end; time += 60) {
    for (group = 0; group < groups; group++)
      if (is_there(group))
        printf "bpf_program,instance=%s invocations=%.0f,run_time_ns=%.0f,hosts=%d%s %d\n", program(group), runs_s(group) * 60,
          runs_s(group) * 60 * ns_per_run(group), hosts_of(group, time),
          group % 5 ? "" : sprintf(",recursion_misses=%.0f", misses_s(group) * 60), time
    for (host = 1; host <= hosts; host++)
      if (time < end_of(host))
        printf "bpf_host,host=%s invocations=%.0f,run_time_ns=%.0f,recursion_misses=0,coverage=%s,folded_programs=%d,uncounted_programs=0,unwatched_unloads=%d,read_errors=0 %d\n",
          host_name(host, "."), 60000 * load, host_ns_s(host) * 60, host == 2 ? 0.5 : 1, host == 4 ? 3 : 0, host == 5, time
    owners = ""
    for (group = 0; group < 7; group++) owners = owners (group ? "," : "") "owner" group "=" (group + 1) / 10 * load
    print "bpf_owner_cpu_percent", owners, time
    printf "bpf_fleet invocations=%.0f,run_time_ns=%.0f,recursion_misses=0,folded_programs=3,uncounted_programs=0,unwatched_unloads=1,read_errors=0,hosts=%d %d\n",
      hosts * 60000 * load, hosts * 60000000 * load, hosts - (load == 1), time
  }
}

# --- VictoriaMetrics: what the rules make each minute, series of hosts as fetched -------
# A value of the counter grows by a second's growth.
function series(metric, labels, value, growth_s, step, until, time, values, times) {
  for (time = start; time < until; time += step) {
    values = values (values ? "," : "") sprintf("%.12g", value + growth_s * (time - start))
    times = times (times ? "," : "") time "000"
  }
  printf "{\"metric\":{\"__name__\":\"%s\"%s},\"values\":[%s],\"timestamps\":[%s]}\n", metric, labels, values, times
}
function label(name, value) { return ",\"" name "\":\"" value "\"" }
function recorded(level, what, labels, value, until) { series(level ":bpf_stats_" what, labels, value, 0, 60, until) }
function victoria(group, host, labels) {
  for (group = 0; group < groups; group++) {
    if (!is_there(group)) continue
    labels = label("bpf_stats", program(group))
    recorded("program", "invocations:rate5m", labels, runs_s(group), end)
    recorded("program", "guarded_invocations:rate5m", labels, runs_s(group), end)
    recorded("program", "run_time_ns:rate5m", labels, runs_s(group) * ns_per_run(group), end)
    if (group < groups - 1) recorded("program", "hosts:count", labels, hosts, end)
    else series("program:bpf_stats_hosts:count", labels, 1, hosts / (end - start), 60, end)
    if (group % 5 == 0) {
      recorded("program", "recursion_misses:rate5m", labels, misses_s(group), end)
      recorded("program", "miss_rate:ratio_rate5m", labels, misses_s(group) / (misses_s(group) + runs_s(group)), end)
    }
  }
  for (group = 0; group < 7; group++) recorded("owner", "run_time_ns:rate5m", label("owner", "owner" group), 1000000 * (group + 1) * load, end)
  recorded("fleet", "run_time_ns:rate5m", "", hosts * 1000000 * load, end)
  for (host = 1; host <= hosts; host++) {
    labels = label("instance", host_name(host, "."))
    recorded("instance", "run_time_ns:rate5m", labels, host_ns_s(host), end_of(host))
    series("collectd_bpf_stats_gauge", labels label("bpf_stats", "coverage"), host == 2 ? 0.5 : 1, 0, 10, end_of(host))
    series("collectd_bpf_stats_count", labels label("bpf_stats", "folded_programs"), host == 4 ? 3 : 0, 0, 10, end_of(host))
    series("collectd_bpf_stats_derive_total", labels label("bpf_stats", "unwatched_unloads"), 7, host == 5 ? 1 / 60 : 0, 10, end_of(host))
    series("collectd_bpf_stats_derive_total", labels label("bpf_stats", "read_errors"), 0, 0, 10, end_of(host))
  }
  # One host, whole.
  labels = label("instance", host_name(3, "."))
  series("collectd_bpf_stats_count", labels label("bpf_stats", "programs"), groups, 0, 10, end)
  series("collectd_bpf_stats_count", labels label("bpf_stats", "uncounted_programs"), 0, 0, 10, end)
  series("collectd_bpf_stats_memory", labels label("bpf_stats", "programs"), 4096 * groups, 0, 10, end)
  series("collectd_bpf_stats_memory", labels label("bpf_stats", "maps"), 1000000, 0, 10, end)
  series("collectd_bpf_stats_memory", labels label("bpf_stats", "unused_maps"), 0, 10, 10, end)
  series("collectd_bpf_stats_gauge", labels label("bpf_stats", "map_fill-map"), 0.5, 0, 10, end)
  series("collectd_bpf_stats_derive_total", labels label("bpf_stats", "programs_loaded"), groups, 0, 10, end)
  series("collectd_bpf_stats_derive_total", labels label("bpf_stats", "programs_unloaded"), 0, 0, 10, end)
  series("collectd_bpf_stats_derive_total", labels label("bpf_stats", "run_time_ns"), 0, host_ns_s(3), 10, end)
  for (group = 0; group < groups; group++) {
    series("collectd_bpf_stats_invocations_total", labels label("bpf_stats", program(group)), 0, 1000, 10, end)
    series("collectd_bpf_stats_derive_total", labels label("bpf_stats", program(group)) label("type", "run_time_ns"), 0, 100000, 10, end)
    series("collectd_bpf_stats_derive_total", labels label("bpf_stats", program(group)) label("type", "recursion_misses"), 0, 1, 10, end)
  }
}

function all() {
  if (store == "graphite") graphite()
  else if (store == "influxdb") influxdb()
  else victoria()
}
BEGIN {
  end = now - now % 60 - 604800
  start = end - minutes * 60
  load = 0.5
  all()
  start += 604800; end += 604800
  load = 1
  all()
}
