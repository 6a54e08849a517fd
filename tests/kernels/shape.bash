# shellcheck shell=bash
# The words that tests/kernels/shapes consists of, see there. Each shape becomes a
# directory of its parts, which are packed behind the root. Sourced by run.

shape() { # NAME KERNEL [PARAMETER...]
  shape=$work/shape-$1
  shape_names="$shape_names $1"
  rm -rf "$shape"
  mkdir -p "$shape/test"
  printf "shape_name='%s'\nshape_reads=\n" "$1" >"$shape/test/shape"
  : >"$shape/test/says"
  echo "$2" >"$shape/kernel"
  echo 512 >"$shape/memory"
  echo 1 >"$shape/cpus"
  shift 2
  echo "$*" >"$shape/parameters"
}
memory() { echo "$1" >"$shape/memory"; }
cpus() { echo "$1" >"$shape/cpus"; }
inside() { echo "$1" >>"$shape/test/shape"; }
meanwhile() { echo "meanwhile() { $1; }" >>"$shape/test/shape"; }
confine() { echo "confine() { $1; }" >>"$shape/test/shape"; }
says() { echo "$1" >>"$shape/test/says"; }
reads() { echo shape_reads=1 >>"$shape/test/shape"; }

# Collectd is confined by that policy with these rules added, in SELinux's CIL.
selinux() { # RULE...
  printf '%s\n' "$@" >"$shape/rules.cil"
  secilc -c 31 -f /dev/null -o "$shape/test/policy" "$here/selinux.cil" "$shape/rules.cil" || exit
  inside 'mount -t selinuxfs selinux /sys/fs/selinux'
  inside 'dd if=/test/policy of=/sys/fs/selinux/load bs=1M 2>/dev/null'
  inside 'result $? "the policy is loaded"'
  inside 'echo 1 >/sys/fs/selinux/enforce'
  confine 'printf %s system_u:system_r:collectd_t:s0 >/proc/self/attr/exec'
}
apparmor() {
  local abi=/etc/apparmor.d/abi/3.0
  apparmor_parser -Q -T -S --policy-features "$abi" --kernel-features "$abi" \
    "$here/apparmor.profile" >"$shape/test/profile" || exit
  inside 'mount -t securityfs securityfs /sys/kernel/security'
  inside 'cat /test/profile >/sys/kernel/security/apparmor/.load'
  inside 'result $? "the profile is loaded"'
  confine 'echo exec collectd >/proc/self/attr/exec'
}

# The kernel unpacks one archive after the other.
run_shape() { # NAME
  local shape=$work/shape-$1 console=$work/console-$1 start=$SECONDS kernel
  kernel=$(cat "$shape/kernel")
  { cat "$work/initramfs-$kernel" && (cd "$shape" && find test | cpio -o -H newc --quiet -R 0:0) | gzip -1; } >"$shape/initramfs"
  boot "$own_architecture" "${images[$own_architecture $kernel]}" "$shape/initramfs" \
    "$(cat "$shape/cpus")" "$console" "$(cat "$shape/memory")" "$(cat "$shape/parameters")"
  report "$kernel $1" $? "$console" "$((SECONDS - start))" >"$console.line"
}
