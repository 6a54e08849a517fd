#!/usr/bin/env bats
# The form of the sources, scripts and manual pages.

@test "C_sources__are_formatted_by_clang_format_14" {
  # Other versions format a little differently.
  clang-format --version | grep -q 'version 14\.' || skip "needs clang-format 14"
  cd "$srcdir"
  clang-format --dry-run -Werror plugin/*.c plugin/*/*.[ch] include/*.h tests/*.h tests/*/*.[ch]
}

@test "scripts__have_no_finding_of_shellcheck" {
  cd "$srcdir"
  shellcheck -x scripts/* tests/hosts/root tests/kernels/fetch tests/kernels/guest-init \
    tests/kernels/guest-shape tests/kernels/shapes tests/kernels/sysroot tests/*/run \
    tests/live/in_cgroup tests/package/prepare debian/*.preinst debian/*.postinst debian/*.prerm debian/*.postrm
  # What common.bash sets and uses is not seen from the tests that load it.
  shellcheck -s bash -e SC2034,SC2153,SC2154 tests/*/*.bash tests/*/*.bats
}

@test "manual_pages__have_no_warning_of_mandoc" {
  mandoc -T lint -W warning "$srcdir"/doc/*.[1-8]
}

# What README's tables name, which unit tests compare with the code.
@test "manual_page__names_each_option_and_series" {
  local name page="$srcdir/doc/collectd-bpf_stats.5"
  # shellcheck disable=SC2016 # the backticks are README's
  names=$(sed -nE 's/^\| `([A-Z][A-Za-z]+)` \|.*/\1/p; s/^\| `[a-z_]+` \| `([a-z_-]+)` \|.*/\1/p' "$srcdir/README.md")
  [ "$(wc -l <<<"$names")" -gt 50 ]
  for name in $names; do
    echo "$name"
    grep -qE "^\.It (.* )?(Cm|Li) (.*, )?$name( |\$)" "$page"
  done
}

# A module is a header, its source, or both; tsort(1) finds the circles.
@test "modules__depend_on_each_other_in_one_direction" {
  cd "$srcdir"
  grep -H '^#include "[a-z_.]*h"' plugin/*.c plugin/*/*.[ch] include/*.h | grep -v '\.skel\.h' |
    sed -E 's|^[a-z/]+/([a-z_]+)[a-z.]*:#include "([a-z_]+).*|\1 \2|' >"$BATS_TEST_TMPDIR/pairs"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/pairs")" -gt 100 ]
  tsort "$BATS_TEST_TMPDIR/pairs"
}

# What a file may include is the architecture, and the folders follow it.
included() { # HEADER_REGEX FILE... ; prints the files that include such a header
  local regex=$1
  shift
  [ "$#" -gt 0 ] && [ -e "$1" ]
  grep -lE "^#include [<\"]($regex)" "$@" || [ "$?" -eq 1 ]
}

@test "libbpf__is_known_to_kernel_and_bpf_alone" {
  cd "$srcdir"
  [ -n "$(included 'bpf/' plugin/kernel/*.c)" ]
  [ -n "$(included 'bpf/' plugin/bpf/*)" ]
  [ -z "$(included 'bpf/' plugin/*.c plugin/groups/*.c plugin/daemon/*.c plugin/pin/*.c include/*.h)" ]
}

@test "collectd__is_known_to_the_daemons_side_alone" {
  cd "$srcdir"
  [ -n "$(included 'collectd/' plugin/daemon/*.c)" ]
  [ -z "$(included 'collectd/' plugin/bpf/* plugin/kernel/*.c plugin/groups/*.c plugin/pin/*.c)" ]
  [ "$(included 'collectd/' plugin/*.c)" = plugin/bpf_stats.c ]
  # A header that has collectd's is of a source there.
  for header in $(included 'collectd/' include/*.h); do
    compgen -G "plugin/daemon/$(basename "$header" .h)*.c"
  done
}

# The headers of a folder's sources, as names for a regex or as files.
names_of() { for file in plugin/"$1"/*.c; do basename "$file" .c; done | paste -sd '|'; }
headers_of() {
  for file in plugin/"$1"/*.c; do
    if [ -e "include/$(basename "$file" .c).h" ]; then echo "include/$(basename "$file" .c).h"; fi
  done
}

@test "kernel_and_groups__do_not_know_each_other" {
  cd "$srcdir"
  # shellcheck disable=SC2046 # one word a file
  [ -z "$(included "($(names_of kernel))\.h" plugin/groups/*.c $(headers_of groups))" ]
  # shellcheck disable=SC2046
  [ -z "$(included "($(names_of groups))\.h" plugin/kernel/*.c $(headers_of kernel))" ]
}

@test "version__is_the_same_everywhere" {
  cd "$srcdir"
  version=$(sed -n 's/^AC_INIT(\[bpf_stats\], \[\([0-9.]*\)\].*/\1/p' configure.ac)
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]
  head -n 1 debian/changelog | grep -F "($version-"
  grep -Ex "Version: +$version" rpm/collectd-bpf-stats.spec
  # What is unreleased comes first.
  grep -E '^## ' CHANGELOG.md | grep -v unreleased | head -n 1 | grep -F "## $version "
}
