# shellcheck shell=bash
# A guest of one kernel: what its root has. Sourced by run.

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
  add "$build/plugin/bpf_stats.so" /usr/lib/collectd/bpf_stats.so
  add "$build/plugin/bpf_stats_pin" /usr/sbin/bpf_stats_pin
  for name in live.t maps.t owners.t watch.t workload capabilities; do
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
