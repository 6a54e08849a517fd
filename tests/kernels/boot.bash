# shellcheck shell=bash
# How a guest is booted, and what it has reported. Sourced by run, here and in
# tests/hosts. An architecture goes by Debian's name of it: amd64, arm64.

own_architecture=$(dpkg --print-architecture)
silence_max=${SILENCE_MAX:-400} # s

result() { echo ":test-result: $1" >>"$trs"; }

# For how long a process has waited for a CPU that it did not get, in s: the thread
# that waited most, which is the one that runs the guest.
waited() { # PID
  cat "/proc/$1"/task/*/schedstat 2>/dev/null | awk '$2 > most {most = $2} END {print int(most / 1e9)}'
}

# Ends a guest that says nothing any more, whether it spins or sleeps. The time for
# which a busy machine had no CPU for it does not count.
end_if_silent() { # PID CONSOLE
  local size=-1 now since=0
  while kill -0 "$1" 2>/dev/null; do
    now=$((SECONDS - $(waited "$1")))
    if [ "$(stat -c %s "$2" 2>/dev/null)" != "$size" ]; then
      size=$(stat -c %s "$2" 2>/dev/null)
      since=$now
    fi
    if [ $((now - since)) -gt "$silence_max" ]; then
      echo "# the guest has been silent for $silence_max s" >>"$2"
      kill -KILL "$1"
    fi
    sleep 2
  done
}

# Sets qemu to the command for a machine, and parameters to what its kernel needs to
# be told. x86 tries at its start whether the timer ticks, and panics where a busy
# machine lets the emulation wait meanwhile. On arm64 these mitigations make a system
# call take 40 times as long under emulation; emulated x86 has none.
machine() { # ARCHITECTURE
  case $1 in
  amd64)
    qemu=(qemu-system-x86_64 -M pc -cpu qemu64)
    parameters='console=ttyS0 no_timer_check'
    ;;
  arm64)
    qemu=(qemu-system-aarch64 -M virt -cpu neoverse-n1)
    parameters='console=ttyAMA0 mitigations=off nokaslr'
    ;;
  *)
    echo "$1: no machine is known for this architecture" >&2
    exit 1
    ;;
  esac
}

# Boots, and leaves the console in the file. One thread emulates all CPUs: with
# more, kernel code that another CPU patches meanwhile, as each load of an XDP
# program does, is emulated wrongly, and the kernel crashes.
# With several CPUs the kernel is as preemptible as it can be: that is hardest.
boot() { # ARCHITECTURE IMAGE INITRAMFS CPUS CONSOLE MEMORY_MIB [PARAMETERS [QEMU_OPTION...]]
  local qemu parameters preempt=preempt=full
  [ "$4" != 1 ] || preempt=
  machine "$1"
  rm -f "$5"
  "${qemu[@]}" -accel tcg,thread=single -smp "$4" -m "$6" \
    -nodefaults -no-user-config -display none -serial "file:$5" -monitor none \
    -no-reboot -kernel "$2" -initrd "$3" \
    -append "$parameters panic=-1 quiet $preempt ${7:-}" "${@:8}" </dev/null >/dev/null 2>&1 &
  end_if_silent "$!" "$5"
  wait "$!"
}

# Counts what the guest has said, adds it to the results, prints the line.
report() { # NAME STATUS CONSOLE SECONDS
  local console=$3 passed failed release line
  tr -d '\r' <"$console" | grep -aE '^(not )?ok [0-9]+' >"$console.tap"
  passed=$(grep -c '^ok' "$console.tap")
  failed=$(grep -c '^not ok' "$console.tap")
  while read -r line; do
    case $line in
    ok*) echo ":test-result: PASS $1: ${line#ok }" ;;
    *) echo ":test-result: FAIL $1: ${line#not ok }" ;;
    esac
  done <"$console.tap" >>"$trs"
  # A kernel that has crashed ends without this line.
  if [ "$2" -ne 0 ] || ! grep -aq 'guest has finished' "$console"; then
    failed=$((failed + 1))
    echo ":test-result: FAIL $1: did not come to its end (status $2)" >>"$trs"
  fi
  release=$(tr -d '\r' <"$console" | sed -n 's/^# Linux \([^,]*\),.*/\1/p' | head -n 1)
  printf '%-28s %s: %d passed, %d failed, 0 skipped, %d s\n' "${release:-$1}" "${1#* }" "$passed" "$failed" "$4"
  tr -d '\r' <"$console" | sed -n 's/^# \(one load and unload\)/    \1/p'
  if [ "$failed" -gt 0 ]; then
    tr -d '\r' <"$console" | grep -aE -A 4 -B 4 '^not ok|^# expected' | head -n 60
    tail -n 20 "$console"
  fi
}
