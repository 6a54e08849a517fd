# A handler of collectd's plugin exec that keeps each notification, for the tests that
# demand some.
# shellcheck shell=bash

# Has each notification written into a file of its own, by a user without rights.
handler_config() {
  chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
  mkdir "$dir/notified"
  chown nobody "$dir/notified"
  cat >"$dir/handler" <<END
#!/bin/sh
cat >"$dir/notified/\$(date +%s.%N)"
END
  chmod 755 "$dir/handler"
  echo 'PluginDir "/usr/lib/collectd"
LoadPlugin exec
<Plugin exec>
  NotificationExec "nobody" "'"$dir/handler"'"
</Plugin>'
}

notified() { find "$dir/notified" -type f | wc -l; }
has_notified() { [ "$(notified)" -ge "$1" ]; }
