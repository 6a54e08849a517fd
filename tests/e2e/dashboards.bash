# The queries of conf/dashboards, each run by its real server.
# shellcheck shell=bash

dashboards=$srcdir/conf/dashboards

# Each query of each panel, of each variable and of each annotation, "TITLE<TAB>QUERY" a line.
queries() { # FILE FIELD [TYPE_OF_PANEL]
  jq -r --arg type "${3:-}" '.panels[] | select($type == "" or .type == $type) | .title as $title |
    .targets[]? | [$title, .'"$2"'] | join("\t")' "$dashboards/$1"
  [ -n "${3:-}" ] ||
    jq -r '(.templating.list[] | select(.type == "query") | [.name, .query]), (.annotations.list[]? | [.name, .'"$2"']) |
      join("\t")' "$dashboards/$1"
}

# Puts values in the place of a dashboard's variables. Of the last ten minutes by steps of
# a second, or $minutes, $step.
fill() { # HOST PROGRAM [BUDGET]
  local minutes=${minutes:-10} to=$((EPOCHSECONDS * 1000)) from
  from=$((to - minutes * 60000))
  sed -E "s/[$]host/$1/g; s/[$](program|owner|top)/$2/g; s/[$]budget/${3:-5}/g
    s/[$]timeFilter/time >= ${from}ms and time <= ${to}ms/g; s/[$]__(rate_)?interval/${step:-1s}/g
    s/[$]__range/${minutes}m/g; s/[$][{]__range_s[}]/$((minutes * 60))/g; s/[$][{]__from[}]/$from/g; s/[$][{]__to[}]/$to/g"
}

# The filled-in queries, from standard input, each have data. How long each took goes to
# the file $times, "MS TITLE" a line.
expect_data() { # NUM COMMAND...
  local num=0 expected=$1 title query start_us
  shift
  while IFS=$'\t' read -r title query; do
    echo "$title: $query"
    start_us=${EPOCHREALTIME/./}
    [ "$("$@" "$query")" -gt 0 ]
    echo "$(((${EPOCHREALTIME/./} - start_us) / 1000)) $title" >>"${times:-/dev/null}"
    num=$((num + 1))
  done
  [ "$num" -eq "$expected" ]
}

graphite_num() { # QUERY; the number of values, or of names that a variable has
  if [[ $1 == *'('* ]]; then
    render "target=$1" format=json "from=-${minutes:-10}min" maxDataPoints=600 |
      jq '[.[].datapoints[][0] | values] | length'
  else
    curl -sSf -G "http://127.0.0.1:$graphite_port/metrics/find" --data-urlencode "query=$1" | jq length
  fi
}

influxdb_num() { # QUERY
  influx_query collectd "$1" | jq '[.results[0].series[]?.values[]?] | length'
}
