#!/usr/bin/env bats
# bpf_stats_pin: where it pins, who may read that, what it refuses, and what is
# left after --unpin.
# shellcheck disable=SC2030,SC2031 # each test has variables of its own

load common

setup() {
  chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
  pin_program=${PIN_PROGRAM:-$builddir/plugin/bpf_stats_pin}
  pin_dir=$dir/bpf
  existing=$dir/existing
}

teardown() {
  local mount
  while read -r mount; do
    umount "$mount"
  done < <(awk -v dir="$dir/" 'index($5, dir) == 1 {print $5}' /proc/self/mountinfo | tac)
}

# Runs it with --dir pin_dir; the line about fentry, which not every kernel has,
# is left out of the output.
pin() { # ARGUMENTS...
  run "$pin_program" --dir "$pin_dir" "$@"
  lines=()
  local line
  while read -r line; do
    [[ -z $line || $line == *"the watch on unloads is not pinned"* ]] || lines+=("$line")
  done <<<"$output"
  output="${lines[*]}"
  echo "status $status: $output"
}

pins() { # ARGUMENTS...
  pin "$@"
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

# Demands that it fails with this line alone, and that nothing was mounted.
refuses() { # LINE ARGUMENTS...
  local line=$1 mounts
  shift
  mounts=$(mounts_num)
  pin "$@"
  [ "$status" -eq 1 ]
  [ "$output" = "bpf_stats_pin: $line" ]
  [ "$(mounts_num)" -eq "$mounts" ]
}

mounts_num() {
  grep -cF " $dir" /proc/self/mountinfo || :
}

mount_existing() { # MODE
  mkdir -p "$existing"
  mount -t bpf -o "mode=$1" bpf "$existing"
}

mode() { # FILE
  stat -c '%u %g %a' "$1"
}

# The names of what is in a directory but for what the kernel puts there.
names() { # DIR
  find "$1" -mindepth 1 ! -name '*.debug' -printf '%P\n'
}

as_nobody() { # COMMAND...
  setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"
}

# --- how the directory is named ----------------------------------------------

@test "unpin__trailing_slashes__leaves_nothing" {
  pins
  pin_dir=$pin_dir// pins --unpin
  [ ! -e "$pin_dir" ]
  [ "$(mounts_num)" -eq 0 ]
}

@test "unpin__through_a_symlink__leaves_nothing" {
  pins
  ln -s "$dir" "$dir/link"
  ln -s bpf "$dir/link_to_it"
  pin_dir=$dir/link_to_it pins --unpin
  [ ! -e "$pin_dir" ]
  [ "$(mounts_num)" -eq 0 ]
  pin_dir=$dir/link/bpf/ pins
  [ -e "$pin_dir/iterator" ]
  pin_dir=$dir/link/bpf pins --unpin
  [ ! -e "$pin_dir" ]
  [ "$(mounts_num)" -eq 0 ]
}

@test "pin__a_name_with_blanks_and_dots__is_found_again" {
  mkdir "$dir/a b"
  pin_dir="$dir/a b/../a b/./b\\p f" pins
  [ -e "$dir/a b/b\\p f/iterator" ]
  pin_dir="$dir/a b/b\\p f" pins --unpin
  [ -z "$(names "$dir/a b")" ]
  [ "$(mounts_num)" -eq 0 ]
}

@test "pin__a_path_of_4000_characters__pins_and_unpins" {
  part=$(printf '%0200d' 0)
  cd "$dir" || return 1
  pin_dir=$dir
  while [ "${#pin_dir}" -lt 3700 ]; do
    mkdir "$part"
    cd "$part" || return 1
    pin_dir=$pin_dir/$part
  done
  pin_dir=$pin_dir/$(printf "%0$((3999 - ${#pin_dir}))d" 0)
  [ "${#pin_dir}" -eq 4000 ]
  pins
  [ "$(stat -c %a "$pin_dir/iterator")" = 440 ]
  pins --unpin
  [ ! -e "$pin_dir" ]
  cd /
  pin_dir=$dir/$(printf '%05000d' 0)
  refuses "$pin_dir: it cannot be opened: File name too long"
}

@test "pin__missing_parent__is_one_line" {
  pin_dir=$dir/missing/bpf refuses "$dir/missing/bpf: it cannot be opened: No such file or directory"
  pin_dir=$dir/missing/.. refuses "$dir/missing/..: it cannot be opened: No such file or directory"
}

@test "pin__a_file_in_place_of_the_directory__is_one_line" {
  echo kept >"$pin_dir"
  refuses "$pin_dir: it cannot be opened: Not a directory"
  refuses "$pin_dir: it cannot be opened: Not a directory" --unpin
  [ "$(cat "$pin_dir")" = kept ]
  rm "$pin_dir"
  ln -s nowhere "$pin_dir"
  refuses "$pin_dir: it cannot be opened: Not a directory"
}

# --- modes -------------------------------------------------------------------

@test "pin__umask_077__lets_the_group_in" {
  umask 077
  pins --group 65534
  [ "$(mode "$pin_dir/iterator")" = "0 65534 440" ]
  as_nobody cat "$pin_dir/iterator" >/dev/null
}

@test "pin__umask_077_on_an_existing_bpffs__lets_the_group_in" {
  mount_existing 0755
  umask 077
  pin_dir=$existing/bpf
  pins --group 65534
  [ "$(mode "$pin_dir")" = "0 0 755" ]
  as_nobody cat "$pin_dir/iterator" >/dev/null
  pins --unpin
  [ -z "$(names "$existing")" ]
}

@test "pin__umask_000__makes_nothing_that_others_may_write" {
  umask 000
  pins
  [ -z "$(find "$pin_dir" -perm /022)" ]
  pins --unpin
  mount_existing 0755
  pin_dir=$existing/bpf pins
  [ -z "$(find "$existing" -perm /022)" ]
}

@test "pin__the_bpffs_itself__keeps_owner_mode_and_mount" {
  mount_existing 0750
  chgrp 65534 "$existing"
  pin_dir=$existing
  pins --group 65534
  as_nobody cat "$existing/iterator" >/dev/null
  [ "$(stat -c '%u %g %a' "$existing")" = "0 65534 1750" ]
  pins --unpin
  [ -z "$(names "$existing")" ]
  [ "$(stat -c '%u %g %a' "$existing")" = "0 65534 1750" ]
  [ "$(stat -f -c %T "$existing")" = bpf_fs ]
}

@test "unpin__a_directory_with_modes_of_its_own__keeps_it" {
  mount_existing 0755
  pin_dir=$existing/mine
  mkdir -m 750 "$pin_dir"
  pins
  pins --unpin
  [ "$(mode "$pin_dir")" = "0 0 750" ]
}

@test "pin__a_directory_that_the_group_cannot_enter__says_which" {
  mount_existing 0700
  pin_dir=$existing/bpf
  pin --group 65534
  [ "$status" -eq 0 ]
  [ "$output" = "bpf_stats_pin: $pin_dir: group 65534 may not enter $existing, so it cannot reach the pins" ]
  chmod 711 "$existing"
  pins --group 65534
}

# --- whose directory ---------------------------------------------------------

@test "pin__a_directory_of_somebody_else__is_refused" {
  install -d -o 65534 "$pin_dir"
  refuses "$pin_dir: it belongs to user 65534, who could replace the pins; allowed is a directory of root"
  [ "$(mode "$pin_dir")" = "65534 0 755" ]
  mount_existing 0755
  pin_dir=$existing/theirs
  mkdir "$pin_dir"
  chown 65534 "$pin_dir"
  refuses "$pin_dir: it belongs to user 65534, who could replace the pins; allowed is a directory of root"
  [ -z "$(names "$pin_dir")" ]
}

@test "pin__a_directory_that_others_may_write__is_refused" {
  for mode in 1775 1757 1777; do
    mount_existing "$mode"
    pin_dir=$existing refuses "$existing: its mode $mode lets others replace the pins; allowed is up to 0755"
    umount "$existing"
  done
}

@test "pin__a_symlink_in_its_place__changes_nothing_behind_it" {
  mount_existing 0755
  install -m 600 /dev/null "$dir/victim"
  ln -s "$dir/victim" "$existing/iterator_new"
  ln -s "$dir/victim" "$existing/iterator"
  ln -s "$dir/victim" "$existing/unload_ring"
  ln -s "$dir/victim" "$existing/unload_link_0"
  pin_dir=$existing
  pins --group 65534 --mode 0444
  [ "$(mode "$dir/victim")" = "0 0 600" ]
  [ "$(mode "$existing/iterator")" = "0 65534 444" ]
  pins --unpin
  [ -z "$(names "$existing")" ]
}

@test "pin__a_directory_with_something_in_it__is_not_hidden_by_a_mount" {
  mkdir "$pin_dir"
  touch "$pin_dir/.precious"
  refuses "$pin_dir: there is something in it, which a bpffs mounted there would hide"
  pin_dir=/ refuses "/: there is something in it, which a bpffs mounted there would hide"
}

@test "unpin__a_directory_on_another_file_system__touches_nothing" {
  mkdir "$pin_dir"
  touch "$pin_dir/iterator" "$pin_dir/unload_ring"
  pins --unpin
  [ "$(names "$pin_dir" | wc -l)" -eq 2 ]
}

# --- mounts and namespaces ---------------------------------------------------

@test "pin__private_mount_namespace__is_refused_and_leaves_nothing" {
  line="$pin_dir: the rest of the system does not see a bpffs that is mounted in this mount namespace; mount one there before, outside, or run bpf_stats_pin without PrivateTmp, ProtectSystem or what else made the namespace"
  run unshare -m "$pin_program" --dir "$pin_dir"
  [ "$status" -eq 1 ]
  [ "$(grep -v 'watch on unloads' <<<"$output")" = "bpf_stats_pin: $line" ]
  [ ! -e "$pin_dir" ]
}

@test "pin__private_mount_namespace_on_an_existing_bpffs__pins_for_all" {
  mount_existing 0755
  unshare -m "$pin_program" --dir "$existing"
  unshare -m "$pin_program" --dir "$existing/bpf"
  [ -e "$existing/iterator" ]
  [ -e "$existing/bpf/iterator" ]
  unshare -m "$pin_program" --dir "$existing/bpf" --unpin
  unshare -m "$pin_program" --dir "$existing" --unpin
  [ -z "$(names "$existing")" ]
}

@test "pin__mount_namespace_that_passes_mounts_on__pins_for_all" {
  mkdir "$dir/shared"
  mount -t tmpfs -o mode=755 tmpfs "$dir/shared"
  mount --make-shared "$dir/shared"
  pin_dir=$dir/shared/bpf
  unshare -m --propagation unchanged "$pin_program" --dir "$pin_dir"
  [ -e "$pin_dir/iterator" ]
  pins --unpin
  [ ! -e "$pin_dir" ]
}

@test "pin__without_sight_of_the_first_process__is_refused" {
  # As hidepid and ProtectProc do.
  # shellcheck disable=SC2016 # the other shell's
  run unshare -m sh -c 'mount -t tmpfs tmpfs /proc/1 && exec "$0" --dir "$1"' "$pin_program" "$pin_dir"
  [ "$status" -eq 1 ]
  [[ $(grep -v 'watch on unloads' <<<"$output") == "bpf_stats_pin: $pin_dir: the rest of the system does not see "* ]]
  [ ! -e "$pin_dir" ]
}

# As in a unit that leaves the mount to another.
@test "pin__without_CAP_SYS_ADMIN_on_an_existing_bpffs__pins_and_unpins" {
  mount_existing 0755
  for action in --group=65534 --unpin; do
    unshare -m setpriv --inh-caps=-all --bounding-set=-all,+bpf,+perfmon,+chown --no-new-privs \
      "$pin_program" --dir "$existing" "$action"
    [ "$action" = --unpin ] || [ "$(mode "$existing/iterator")" = "0 65534 440" ]
  done
  [ -z "$(names "$existing")" ]
}

@test "unpin__a_mount_of_somebody_else__keeps_it" {
  mount_existing 0755
  pin_dir=$existing
  pins
  pins --unpin
  [ "$(stat -f -c %T "$existing")" = bpf_fs ]
  [ "$(mounts_num)" -eq 1 ]
}

@test "unpin__in_use__unmounts_all_the_same" {
  pins
  exec 7<"$pin_dir/iterator"
  pins --unpin
  [ ! -e "$pin_dir" ]
  cat <&7 >/dev/null # a walk that has begun ends
  exec 7<&-
}

@test "pin__a_file_system_that_is_read_only__is_one_line" {
  mkdir "$existing"
  mount -t tmpfs -o ro,mode=755 tmpfs "$existing"
  pin_dir=$existing/bpf refuses "$existing/bpf: it cannot be made: Read-only file system"
  umount "$existing"
  mount_existing 0755
  mount -o remount,ro "$existing"
  pin_dir=$existing refuses "$existing: the iterator cannot be pinned: Read-only file system"
}

# --- interrupted, and several at once ----------------------------------------

@test "pin__after_an_interruption__repairs" {
  mkdir "$pin_dir" # killed before the mount
  pins
  # Killed before the rename, and amidst the watch.
  mv "$pin_dir/iterator" "$pin_dir/iterator_new"
  touch_pin "$pin_dir/unload_counters"
  touch_pin "$pin_dir/unload_link_3"
  pins
  [ -e "$pin_dir/iterator" ]
  [ ! -e "$pin_dir/iterator_new" ]
}

@test "unpin__after_an_interruption__leaves_nothing" {
  pins
  mv "$pin_dir/iterator" "$pin_dir/iterator_new"
  touch_pin "$pin_dir/unload_link_3"
  pins --unpin
  [ ! -e "$pin_dir" ]
  [ "$(mounts_num)" -eq 0 ]
}

# Makes some file there: a bpffs takes no ordinary ones.
touch_pin() { # FILE
  ln -s nowhere "$1"
}

@test "pin__failing__leaves_no_mount" {
  run setpriv --inh-caps=-chown --bounding-set=-chown "$pin_program" --dir "$pin_dir" --group 65534
  [ "$status" -eq 1 ]
  [ "$(grep -v 'watch on unloads' <<<"$output")" = "bpf_stats_pin: $pin_dir: the iterator cannot be pinned: Operation not permitted; root lacks a capability here, CAP_SYS_ADMIN or CAP_CHOWN, or a security module forbids it" ]
  [ ! -e "$pin_dir" ]
}

@test "pin__many_at_once__leave_one_mount_and_whole_pins" {
  for _ in 1 2 3; do
    pids=()
    for _ in {1..6}; do
      "$pin_program" --dir "$pin_dir" 2>>"$dir/stderr" &
      pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    [ "$(mounts_num)" -eq 1 ]
    [ ! -e "$pin_dir/iterator_new" ]
    [ "$(stat -c %a "$pin_dir/iterator")" = 440 ]
    pins --unpin
    [ "$(mounts_num)" -eq 0 ]
  done
}

@test "pin_and_unpin__many_at_once__leave_all_or_nothing" {
  pids=()
  for i in {1..12}; do
    action=(--group 65534)
    if [ $((i % 2)) -eq 0 ]; then action=(--unpin); fi
    "$pin_program" --dir "$pin_dir" "${action[@]}" 2>>"$dir/stderr" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  if [ -e "$pin_dir" ]; then
    [ "$(mounts_num)" -eq 1 ]
    [ "$(mode "$pin_dir/iterator")" = "0 65534 440" ]
  fi
  pins --unpin
  [ ! -e "$pin_dir" ]
  [ "$(mounts_num)" -eq 0 ]
}

@test "pin__killed_at_any_time__is_repaired_by_the_next" {
  local ms number=0
  for ms in 020 040 060 080 100 130 160 200 250; do
    number=$((number + 1))
    timeout -s KILL "0.$ms" "$pin_program" --dir "$pin_dir" 2>>"$dir/stderr" || :
    pins
    [ "$(mounts_num)" -eq 1 ]
    [ "$(names "$pin_dir" | grep -cvE "unload_|owner_|^maps$|^map_(uses|payers)$")" -eq 1 ]
    timeout -s KILL "0.00$number" "$pin_program" --dir "$pin_dir" --unpin || :
    pins --unpin
    [ "$(mounts_num)" -eq 0 ]
    [ ! -e "$pin_dir" ] || rmdir "$pin_dir" # killed between umount and rmdir
  done
}

has_open() { # PID DIR
  [ -n "$(find "/proc/$1/fd" -lname "$2" 2>/dev/null)" ]
}

# How often the process has gone to sleep of itself, as between two tries for a lock.
sleeps() { awk '$1 == "voluntary_ctxt_switches:" {print $2}' "/proc/$1/status"; } # PID
has_slept() { [ "$(sleeps "$1")" -ge "$2" ]; }                                   # PID COUNT

@test "unpin__while_another_run_holds_the_directory__waits_for_it" {
  pins
  exec 7<"$pin_dir"
  flock 7
  "$pin_program" --dir "$pin_dir" --unpin 7<&- &
  wait_until has_open $! "$pin_dir"
  wait_until has_slept $! $(($(sleeps $!) + 5))
  [ -e "$pin_dir/iterator" ]
  exec 7<&-
  wait $!
  [ ! -e "$pin_dir" ]
}

@test "pin__another_run_mounts_meanwhile__pins_in_that_mount" {
  mkdir "$pin_dir"
  exec 7<"$pin_dir"
  flock 7
  "$pin_program" --dir "$pin_dir" 7<&- 2>"$dir/stderr" &
  wait_until has_open $! "$pin_dir"
  mount -t bpf -o mode=0755 bpf "$pin_dir"
  exec 7<&-
  wait $!
  [ "$(mounts_num)" -eq 1 ]
  [ -e "$pin_dir/iterator" ]
}

@test "pin__another_run_removes_it_meanwhile__makes_it_anew" {
  mkdir "$pin_dir"
  exec 7<"$pin_dir"
  flock 7
  "$pin_program" --dir "$pin_dir" 7<&- 2>"$dir/stderr" &
  wait_until has_open $! "$pin_dir"
  rmdir "$pin_dir"
  exec 7<&-
  wait $!
  [ -e "$pin_dir/iterator" ]
}

@test "pin__somebody_holds_a_lock_on_the_directory__goes_on_after_a_while" {
  pins
  exec 7<"$pin_dir"
  as_nobody flock -n 7
  pin
  exec 7<&-
  [ "$status" -eq 0 ]
  [ "$output" = "bpf_stats_pin: $pin_dir: somebody holds a lock on it; going on without" ]
}

# --- arguments and privilege -------------------------------------------------

@test "pin__wrong_arguments__are_one_line_each" {
  while IFS='|' read -r option value line; do
    run "$pin_program" "$option" "$value"
    echo "$option '$value': $status: $output"
    [ "$status" -eq 2 ]
    [ "$output" = "bpf_stats_pin: $option $value: $line" ]
  done <<'TABLE'
--mode||allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--mode|999|allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--mode|7777|allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--mode|0222|allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--mode|0111|allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--mode|0460|allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--mode|0|allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--mode|+440|allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--mode| 440|allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--mode|-440|allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--mode|40000000000000000000440|allowed is an octal number of bits from 0644 that lets somebody read, such as 0440
--group||allowed is the name or number of a group
--group|nosuchgroup|allowed is the name or number of a group
--group|-1|allowed is the name or number of a group
--group|+5|allowed is the name or number of a group
--group| 5|allowed is the name or number of a group
--group|-18446744073709551611|allowed is the name or number of a group
--group|4294967295|allowed is the name or number of a group
--group|99999999999999999999|allowed is the name or number of a group
--dir||allowed is an absolute path
--dir|relative|allowed is an absolute path
TABLE
  run "$pin_program" extra
  [ "$status" -eq 2 ]
  [ "${#lines[@]}" -eq 1 ]
  run "$pin_program" --help
  [ "$status" -eq 0 ]
  [[ $output == Usage:* ]]
}

@test "pin__modes_that_are_allowed__are_those_of_the_iterator" {
  for mode in 0400 440 0444 0640; do
    pins --mode "$mode"
    [ "$(stat -c %a "$pin_dir/iterator")" = "${mode#0}" ]
  done
}

@test "pin__without_privilege__says_what_is_missing" {
  run setpriv --inh-caps=-all --bounding-set=-all "$pin_program" --dir "$pin_dir"
  [ "$status" -eq 1 ]
  [ "$output" = "bpf_stats_pin: loading the iterator needs CAP_BPF and CAP_PERFMON" ]
}

@test "unpin__without_privilege__is_one_line_and_takes_nothing" {
  pins
  run as_nobody "$pin_program" --dir "$pin_dir" --unpin
  echo "$output"
  [ "$status" -eq 1 ]
  [ "$output" = "bpf_stats_pin: $pin_dir: the pins cannot be removed: Permission denied; run it as root" ]
  [ -e "$pin_dir/iterator" ]
}

@test "unpin__nothing_there__has_nothing_to_do" {
  pins --unpin
  pin_dir=$dir/missing/bpf pins --unpin
}

@test "pin__again_and_unpin__leaves_nothing_behind" {
  pins --group 65534
  pins --group 65534
  [ "$(mode "$pin_dir/iterator")" = "0 65534 440" ]
  pins --unpin
  [ ! -e "$pin_dir" ]
  [ "$(mounts_num)" -eq 0 ]
}

@test "unpin__beside_another_pin__keeps_that" {
  pins
  mv "$pin_dir/iterator" "$pin_dir/other"
  pins --unpin
  [ -e "$pin_dir/other" ]
}
