# shellcheck shell=bash
# A guest: what its root has, how it is booted, and what it has reported. Sourced by
# run. An architecture goes by Debian's name of it: amd64, arm64.

own_architecture=$(dpkg --print-architecture)

# Where all that belongs to an architecture is.
work_of() { # ARCHITECTURE
  if [ "$1" = "$own_architecture" ]; then echo "$work"; else echo "$work/$1"; fi
}

# The root that its programs and libraries are copied from, and where those are that
# have been built here.
sysroot_of() { if [ "$1" != "$own_architecture" ]; then echo "$work/$1/root"; fi; }
build_of() { if [ "$1" = "$own_architecture" ]; then echo "$builddir"; else echo "$work/$1/build"; fi; }

# Builds the tests for another architecture, with bpftool and clang of this machine;
# the machine's own are built when this begins.
build_guests() { # ARCHITECTURE
  [ "$1" != "$own_architecture" ] || return 0
  local triplet sysroot build log=$work/$1/build.log
  triplet=$(dpkg-architecture -a "$1" -q DEB_HOST_GNU_TYPE 2>/dev/null)
  sysroot=$(sysroot_of "$1")
  build=$(build_of "$1")
  mkdir -p "$build"
  (
    unset MAKEFLAGS MAKELEVEL MFLAGS # of the build that calls us
    export PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$triplet/pkgconfig
    cd "$build" && { [ -x config.status ] ||
      "$(realpath --relative-to=. "$srcdir")/configure" -q --host="$triplet" CC="$triplet-gcc --sysroot=$sysroot" \
        BPFTOOL="$BPFTOOL" CFLAGS='-O2 -g -Werror'; } &&
      make -s -j2 kernels-programs
  ) >"$log" 2>&1 || {
    tail -n 20 "$log"
    return 1
  }
}

# The names of the libraries that a file needs and of their loader. ldd would have to
# run it, which is not possible for another architecture.
needs() { # FILE
  LC_ALL=C readelf -dl "$1" 2>/dev/null |
    sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p; s/.*program interpreter: \(.*\)\]/\1/p'
}

# Copies a program or library, with the libraries that it needs, to a place below
# the root of the guest. The libraries go to where its loader looks for them.
add() { # FILE TARGET
  local library
  install -D "$1" "$root$2" || whole=no
  for library in $(needs "$1"); do add_library "$library"; done
}
add_library() { # NAME; that of the loader is a path
  local path
  for path in "/lib/$multiarch/$1" "/usr/lib/$multiarch/$1" "/lib/$1" "/usr/lib/$1" "/${1#/}"; do
    if [ -e "$sysroot$path" ]; then
      [ -e "$root$path" ] || add "$sysroot$path" "$path"
      return
    fi
  done
  echo "the guest's root lacks the library $1" >&2
  whole=no
}
add_installed() { # FILE...
  local file
  for file in "$@"; do add "$sysroot$file" "$file"; done
}

# Fails when anything is missing in it.
make_root() { # ARCHITECTURE
  local root multiarch sysroot build name whole=yes
  root=$(work_of "$1")/guest
  sysroot=$(sysroot_of "$1")
  build=$(build_of "$1")
  multiarch=$(dpkg-architecture -a "$1" -q DEB_HOST_MULTIARCH 2>/dev/null)
  rm -rf "$root"
  mkdir -p "$root"/{bin,dev,etc,proc,root,run,sys,test,tmp,usr/sbin,usr/bin}
  add_installed /bin/busybox /usr/bin/setpriv /usr/bin/jq
  for name in $(busybox --list); do [ -e "$root/bin/$name" ] || ln -s busybox "$root/bin/$name"; done
  if [ "$1" = "$own_architecture" ]; then
    add "$BPFTOOL" /usr/sbin/bpftool
    add "$COLLECTD" /usr/sbin/collectd
  else
    add_installed /usr/sbin/bpftool /usr/sbin/collectd
  fi
  add_installed /usr/lib/collectd/{csv,logfile}.so
  add_library libgcc_s.so.1 # the C library loads it when a thread is cancelled
  add "$build/plugin/.libs/bpf_stats.so" /usr/lib/collectd/bpf_stats.so
  add "$build/plugin/bpf_stats_pin" /usr/sbin/bpf_stats_pin
  for name in live.t watch.t workload capabilities; do
    add "$build/tests/live/$name" "/test/$name"
  done
  add "$build/tests/kernels/power_off" /test/power_off
  add "$build/tests/bench/bench_watch" /test/bench_watch
  add_installed /usr/share/collectd/types.db
  install "$here/guest-init" "$root/init"
  install -m 644 "$here/guest-shape" "$root/test/guest-shape"
  install -m 644 "$here/collectd.conf" "$root/test/collectd.conf"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  [ "$whole" = yes ]
}

# What a kernel has to have: decided by its version, so that an iterator that does
# not load where it should is a failure. arm64 has fentry from 6.4 or so, and
# Debian's there is not preemptible by its command line.
expect_of() { # ARCHITECTURE VERSION
  case $1/$2 in
  */5.10) echo 'sources=syscall fentry=no preempt=fixed' ;;
  arm64/6.1) echo 'sources=both fentry=no preempt=fixed' ;;
  arm64/*) echo 'sources=both fentry=yes preempt=fixed' ;;
  *) echo 'sources=both fentry=yes preempt=dynamic' ;;
  esac
}

# Packs the root for a kernel of that version.
make_initramfs() { # ARCHITECTURE VERSION
  local dir
  dir=$(work_of "$1")
  expect_of "$1" "$2" >"$dir/guest/test/expect"
  (cd "$dir/guest" && find . | cpio -o -H newc --quiet -R 0:0) | gzip -1 >"$dir/initramfs-$2"
}

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
boot() { # ARCHITECTURE IMAGE INITRAMFS CPUS CONSOLE MEMORY_MIB [PARAMETERS]
  local qemu parameters preempt=preempt=full
  [ "$4" != 1 ] || preempt=
  machine "$1"
  rm -f "$5"
  "${qemu[@]}" -accel tcg,thread=single -smp "$4" -m "$6" \
    -nodefaults -no-user-config -display none -serial "file:$5" -monitor none \
    -no-reboot -kernel "$2" -initrd "$3" \
    -append "$parameters panic=-1 quiet $preempt ${7:-}" </dev/null >/dev/null 2>&1 &
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
