#!/usr/bin/env bats
# What the plugin does to its host over time: under churn as fast as it can be,
# and for long. CHURN_SECONDS and SOAK_SECONDS say for how long.

load common
: "${CHURN_SECONDS:=15}" "${SOAK_SECONDS:=60}"

status_kib() { # KEY
  awk -v key="$1:" '$1 == key {print $2}' "/proc/$collectd_pid/status"
}
fds() { find "/proc/$collectd_pid/fd" -mindepth 1 | wc -l; }

# Lets programs come and go until it is killed, so many at a time.
start_churn() { # NAME PROGRAMS PAUSE_S
  (
    exec 3>&-
    while echo "churn $1 socket_filter $2 3"; do echo "sleep $3"; done |
      exec "$builddir/tests/live/workload" >"$dir/churn-$1.log"
  ) &
  churns+=("$!")
}

# How many programs have come and gone: all are done but the last command's.
churned() { # PROGRAMS_A_COMMAND
  echo $(($(cat "$dir"/churn-* | grep -c ok) * $1 / 2))
}
has_churned() { [ "$(churned "$1")" -gt "$2" ]; } # PROGRAMS_A_COMMAND PROGRAMS

stop_churn() {
  local pid
  for pid in "${churns[@]}"; do
    pkill -P "$pid" || :
    wait "$pid" || :
  done
  churns=()
}

setup() { churns=(); }
teardown() {
  stop_churn
  stop_collectd -TERM
  stop_workload
  if [ -e "$log" ]; then tail -n 30 "$log"; fi
}

# No counter negative or falling, no time twice, in any file. csv has milliseconds,
# within which two reads can begin where one was late; that a read has a series
# twice the log would tell.
expect_clean_values() {
  local file
  for file in "$csv"/bpf_stats*/*-20*; do
    case $file in
    */gauge-* | */count-* | */duration-* | */memory*) continue ;;
    esac
    awk -F, -v file="$file" '
      /^epoch/ {next}
      $2 < 0 || $2 < last || $1 < time {print file ": " $0 " after " time "," last; failed = 1; exit}
      {last = $2; time = $1}
      END {exit failed}' "$file"
  done
  run grep -rilE 'nan|inf' "$csv"/bpf_stats*
  [ "$status" -eq 1 ]
  run grep -iE 'too old|error\]' "$log"
  [ "$status" -eq 1 ]
}

@test "churn__as_fast_as_two_cores_can__values_are_clean_and_memory_is_bounded" {
  for source in iterator syscall; do
    SOURCE=$source
    use_dir "$BATS_TEST_TMPDIR/$source"
    mkdir "$dir"
    interval=1
    start_collectd <<<'MaxInstances 50
      Program "/^churn_/"'
    wait_until has_reads 3
    before=$(status_kib VmRSS)
    fds_before=$(fds)
    start_churn churn_same 1000 0
    start_churn 'churn_new_#' 1000 0
    begin=$SECONDS
    sleep "$CHURN_SECONDS"
    # However slow this machine is at it, these are more than a daemon is used to.
    wait_until has_churned 1000 $((CHURN_SECONDS * 1000))
    seconds=$((SECONDS - begin))
    during=$(status_kib VmRSS)
    stop_churn
    # Idle groups stay, and collectd forgets its own values after two intervals.
    wait_reads 6
    after=$(status_kib VmRSS)
    echo "$source: $(churned 1000) programs came and went in $seconds s; RSS $before KiB, $during KiB, $after KiB, $(fds) fds"
    [ "$(fds)" -eq "$fds_before" ]
    [ "$((during - before))" -le 8192 ]
    [ "$((after - before))" -le 4096 ]
    [ "$(last "" count-programs)" -lt 30 ]
    expect_clean_values
    stop_collectd -TERM
  done >&3
}

# The median of a column in a third of the file, the first or the last.
third() { # COLUMN WHICH
  local num
  num=$(($(wc -l <"$dir/usage") / 3))
  { if [ "$2" = first ]; then head -n "$num" "$dir/usage"; else tail -n "$num" "$dir/usage"; fi; } |
    awk -v column="$1" '{print $column}' | sort -n | awk '{value[NR] = $1} END {print value[int((NR + 1) / 2)]}'
}

# How many of the lines "EPOCH,VALUE" of standard input are of that time.
num_between() { # BEGIN_S END_S
  awk -F, -v begin="$1" -v end="$2" '$1 > begin && $1 <= end {num++} END {print num + 0}'
}

@test "soak__tenth_of_a_second__memory_and_descriptors_stay_and_no_read_is_missed" {
  interval=0.1
  start_collectd <<<'Program "/^(soak|steady)_/"'
  start_workload
  workload load_many steady_ 20
  start_churn 'soak_same' 10 0.2
  # Names that come back, as those of an agent that is restarted.
  start_churn 'soak_#' 10 0.3
  wait_until has_churned 10 300 # each name has been there before
  begin=$EPOCHREALTIME
  while [ "$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {print int(b - a)}')" -lt "$SOAK_SECONDS" ]; do
    echo "$(status_kib VmRSS) $(fds)" >>"$dir/usage"
    sleep 1
  done
  end=$EPOCHREALTIME
  stop_churn
  wait_reads
  num=$(values "" derive-read_errors | num_between "$begin" "$end")
  cpu_num=$(cat "$csv"/cpu-0/cpu-user-* | num_between "$begin" "$end")
  echo "$num reads in $SOAK_SECONDS s, $cpu_num of the plugin cpu; RSS $(third 1 first) KiB, then $(third 1 last) KiB;" \
    "descriptors $(third 2 first), then $(third 2 last); $(churned 10) programs came and went" >&3
  # What the daemon itself was late for, all its plugins were.
  [ "$num" -ge $((cpu_num * 99 / 100)) ]
  [ "$num" -ge $((SOAK_SECONDS / 2)) ]
  [ "$(third 2 last)" -eq "$(third 2 first)" ]
  [ "$(third 1 last)" -le $(($(third 1 first) + 512)) ]
  expect_clean_values
}
