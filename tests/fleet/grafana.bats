#!/usr/bin/env bats
# The dashboards, by the schema that Grafana publishes. Needs npm and its registry, so
# that it is a target of its own.

: "${srcdir:?is set by the Makefile}" "${builddir:?}"
dashboards=$srcdir/conf/dashboards

# By npm, once for a build directory: the schema, of the first Grafana that has all that is
# used, and what judges.
fetch_schema() {
  schema=$builddir/tests/fleet/schema
  [ -d "$schema/node_modules/@grafana/schema" ] || npm install --prefix "$schema" --silent --ignore-scripts \
    --no-audit --no-fund @grafana/schema@10.4.0 typescript@5.4.5
}
type_check() { # FILE...
  local file
  cp "$srcdir/tests/fleet/dashboard_types.ts" "$schema/check.ts"
  for file; do printf '{\nconst board: Plain<Board> = %s;\n}\n' "$(cat "$file")"; done >>"$schema/check.ts"
  (cd "$schema" && node_modules/.bin/tsc --noEmit --strict --skipLibCheck --moduleResolution node check.ts)
}

@test "dashboards__grafanas_published_schema__takes_them" {
  fetch_schema
  type_check "$dashboards"/*.json
  # It would not take what lacks an option, or has a word that Grafana does not know.
  jq 'del(.panels[].options.tooltip)' "$dashboards/graphite.json" >"$BATS_TEST_TMPDIR/bad.json"
  run type_check "$BATS_TEST_TMPDIR/bad.json"
  [[ $output == *tooltip* ]]
  jq '.panels[0].options.legend.placement = "left"' "$dashboards/graphite.json" >"$BATS_TEST_TMPDIR/bad.json"
  run type_check "$BATS_TEST_TMPDIR/bad.json"
  [[ $output == *left* ]]
}
