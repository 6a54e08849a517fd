# Shared by the end-to-end tests: a private collectd with the plugin that was
# built, and a workload of real BPF programs. Needs root.
# shellcheck shell=bash

: "${builddir:?is set by the Makefile}" "${COLLECTD:?}" "${BPFTOOL:?}"
: "${SOURCE:=auto}" # the tests run once for each source

: "${host:=test-host}"

# Where the files of one collectd are.
use_dir() { # DIR
  dir=$1
  log=$dir/collectd.log
  csv=$dir/csv/$host
}
use_dir "${BATS_TEST_TMPDIR:-}"

# Prints what the plugin has logged but for the one line that a kernel which
# refuses fentry gets at each start, as the machines do on which these tests run;
# a test of its own demands it.
plugin_lines() {
  awk '/bpf_stats:/ && !/^\[info\] bpf_stats: unloads are not watched: /' "$log"
}

# Waits until the command succeeds; at some time what never will is a failure.
wait_until() {
  local _
  for _ in {1..3000}; do
    if "$@"; then return 0; fi
    sleep 0.1
  done
  echo "timed out waiting for: $*"
  if [ -e "$log" ]; then cat "$log"; fi
  return 1
}

# Writes the configuration. The lines of the <Plugin bpf_stats> block come from
# standard input, what is to come before and after it from early_config and
# extra_config. Most tests compare with what really ran, to the unit: statistics are on
# all the time, unless overhead_limit is set. With one write thread the values of a
# series are written in their order, also when a read was late and the next comes at
# once.
write_config() {
  cat >"$dir/collectd.conf" <<END
BaseDir "$dir"
PIDFile "$dir/pid"
Hostname "$host"
FQDNLookup false
Interval ${interval:-0.2}
WriteThreads 1
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "${log_file:-$log}"
  Timestamp false
  PrintSeverity true
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "$dir/csv"
  StoreRates false
</Plugin>
LoadPlugin unixsock
<Plugin unixsock>
  SocketFile "$dir/sock"
  SocketGroup "root"
</Plugin>
LoadPlugin cpu
${early_config:-}
PluginDir "${plugin_dir:-$builddir/plugin}"
LoadPlugin bpf_stats
<Plugin bpf_stats>
Source "$SOURCE"
MapFillThreshold 0
OverheadLimit ${overhead_limit:-0}
$(cat)
</Plugin>
${extra_config:-}
END
}

# Starts collectd, with the words before it ("setpriv ..."), and sets collectd_pid.
start_collectd() {
  local starts_before
  write_config
  : >"$dir/stdout"
  rm -f "$dir/sock" # of one that was killed
  starts_before=$(starts)
  "$@" "$COLLECTD" -f -C "$dir/collectd.conf" >"$dir/stdout" 2>&1 3>&- &
  collectd_pid=$!
  wait_until collectd_is_up_or_gone
  [ -S "$dir/sock" ]
}

# All plugins have started, so that statistics are on, or there is no collectd. A thread
# of unixsock makes the socket, at any time.
collectd_is_up_or_gone() {
  { [ "$(starts)" -gt "$starts_before" ] && [ -S "$dir/sock" ]; } || ! kill -0 "$collectd_pid" 2>/dev/null
}
starts() { cat "$log" "$dir/stdout" 2>/dev/null | grep -cF 'Initialization complete' || :; }

# Ends the daemon, and returns its status. The signal is sent again where that is not
# the end: the kernel may hand it to a thread that reads, and then collectd's main
# thread sleeps on for an interval.
end_collectd() { # SIGNAL
  local status=0 pid=$collectd_pid
  collectd_pid=
  kill "$1" "$pid" || return 1
  while sleep 5 && kill "$1" "$pid"; do :; done >/dev/null 2>&1 3>&- &
  wait "$pid" || status=$?
  kill "$!"
  return "$status"
}

stop_collectd() { # SIGNAL
  [ -z "${collectd_pid:-}" ] || end_collectd "$1" || :
}

# Starts the workload, with the words of before_workload before it, if any;
# `workload COMMAND` gives it a command and waits for "ok".
before_workload=()
start_workload() {
  coproc WORKLOAD { exec "${before_workload[@]}" "$builddir/tests/live/workload" 3>&-; }
  workload_pid=$WORKLOAD_PID
  # Copies, which are there in pipelines as well.
  exec {workload_out}<&"${WORKLOAD[0]}" {workload_in}>&"${WORKLOAD[1]}"
}

workload() {
  echo "$*" >&"$workload_in"
  local line
  while read -r -t 600 line <&"$workload_out"; do
    case $line in
    ok) return 0 ;;
    error:*)
      echo "$line"
      return 1
      ;;
    *) echo "$line" ;;
    esac
  done
  echo "no answer of the workload to: $*"
  return 1
}

stop_workload() {
  [ -n "${workload_pid:-}" ] || return 0
  if kill "$workload_pid"; then wait "$workload_pid" || :; fi
  workload_pid=
}

teardown() {
  stop_collectd -TERM
  stop_workload
  if [ -e "$log" ]; then cat "$log"; fi
}

# The values of a series so far, one line "EPOCH,VALUE" a read. The instance is
# "" for the host.
values() { # INSTANCE TYPE
  cat "$csv/bpf_stats${1:+-$1}/$2"-20??-??-?? | grep -v '^epoch'
}

# Sets num to the number of values so far. What is waited for is asked so often that
# it takes no process.
count_values() { # INSTANCE TYPE
  local file lines
  num=0
  for file in "$csv/bpf_stats${1:+-$1}/$2"-20??-??-??; do
    [ -s "$file" ] || continue
    mapfile -t lines <"$file"
    num=$((num + ${#lines[@]} - 1)) # without the headline
  done
}

has_values() { # INSTANCE TYPE
  compgen -G "$csv/bpf_stats${1:+-$1}/$2-20??-??-??" >/dev/null
}

has_none() { # INSTANCE TYPE
  if has_values "$@"; then
    echo "has values: $*"
    return 1
  fi
}

# The last value; counters and whole numbers without their decimals.
last() { # INSTANCE TYPE
  values "$1" "$2" | tail -n 1 | cut -d, -f2 | sed 's/\.000000$//'
}

reads() {
  local num
  count_values "" derive-read_errors
  echo "$num"
}

has_reads() { # NUMBER
  local num
  count_values "" derive-read_errors
  [ "$num" -ge "$1" ]
}

# Waits until that many more reads have been written, so that the last of them
# began after now.
wait_reads() {
  wait_until has_reads $(($(reads) + ${1:-2} + 1))
}

# The programs of the workload run, at their rates, until there are so many more reads,
# however long these take.
run_for_reads() { # NUMBER
  local end=$(($(reads) + $1))
  until has_reads "$end"; do workload sleep 1; done
}

# How often the daemon itself has read, whatever became of the plugin: its plugin
# cpu has as well.
cpu_reads() { cat "$csv"/cpu-0/cpu-user-* 2>/dev/null | grep -cv '^epoch'; }
has_cpu_reads() { [ "$(cpu_reads)" -ge "$1" ]; }

# All instances for which there is a directory, one a line; "" of the host too.
instances() {
  (cd "$csv" && find . -mindepth 1 -maxdepth 1 -name 'bpf_stats*' -printf '%f\n') |
    sed 's/^bpf_stats-\{0,1\}//' | sort
}

ask_collectd() {
  socat - "UNIX-CONNECT:$dir/sock" <<<"$1"
}

# A field of what bpftool shows of the program, 0 for one that is left out.
bpftool_field() { # ID FIELD
  "$BPFTOOL" -j prog show id "$1" | jq -r ".$2 // 0"
}
