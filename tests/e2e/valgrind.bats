#!/usr/bin/env bats
# A whole collectd with the plugin and real programs under valgrind's tools: no
# error in which our code has a part.

load common
: "${VALGRIND:?is set by the Makefile}"

# The plugin's functions are known by the names of its source files.
sources() { find "$srcdir/plugin" -name '*.c' -printf '%f\n' | paste -sd '|'; }

# Of valgrind's blocks of lines, those with a frame of the plugin's own. What drd
# adds about other threads says only where these have been meanwhile.
our_errors() {
  awk -v sources="($(sources))" '
    {line = $0; sub(/^==[0-9]+== ?/, "", line)}
    line ~ /^Other segment start/ {elsewhere = 1}
    line == "" {elsewhere = 0; if (ours) print block; block = ""; ours = 0; next}
    {block = block "\n" line}
    !elsewhere && line ~ ("^ *(at|by) 0x[0-9A-F]+: .*\\((" sources ":[0-9]+\\)|in .*/bpf_stats\\.so\\))") {ours = 1}
    END {if (ours) print block}' "$dir"/valgrind.log
}

# Runs collectd under the tool while programs run, come and go.
run_under() { # TOOL OPTION... ; the plugin's options from standard input
  local tool=$1
  shift
  interval=1
  start_collectd "$VALGRIND" --tool="$tool" --keep-debuginfo=yes --log-file="$dir/valgrind.log" "$@"
  wait_until has_reads 1
  start_workload
  workload load valgrind_a xdp
  workload load valgrind_a_longer_name_than_15 xdp
  workload load valgrind_hot recursion
  for name in valgrind_a valgrind_a_longer_name_than_15 valgrind_hot; do workload run "$name" 200; done
  wait_reads 1
  workload churn 'valgrind_#' socket_filter 50 1
  wait_reads 2
  [ "$(last valgrind_hot count-programs)" = 1 ]
  stop_collectd -TERM
  grep -q 'ERROR SUMMARY' "$dir/valgrind.log"
  our_errors >"$dir/ours"
  cat "$dir/ours"
  [ ! -s "$dir/ours" ]
}

# valgrind does not know that bpf(2) fills in what a pointer in its argument points
# to; the unit tests check the same code for what is not initialized.
memcheck=(memcheck --undef-value-errors=no --leak-check=full
  "--show-leak-kinds=definite,indirect,possible")

@test "memcheck__iterator__no_error_of_ours" { run_under "${memcheck[@]}" <<<'Source "iterator"'; }

@test "memcheck__system_calls_and_windows__no_error_of_ours" {
  run_under "${memcheck[@]}" <<<$'Source "syscall"\nSampleWindow 0.1'
}

@test "helgrind__windows__no_error_of_ours" {
  run_under helgrind <<<$'Source "syscall"\nSampleWindow 0.1'
}

@test "drd__windows__no_error_of_ours" { run_under drd <<<$'Source "syscall"\nSampleWindow 0.1'; }
