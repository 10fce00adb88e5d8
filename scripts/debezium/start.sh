#!/usr/bin/env bash
# start.sh DIR BOOTSTRAP PORT [extra.properties]: starts a Kafka Connect worker with the Debezium connectors of PostgreSQL
# and MariaDB, for the Kafka at BOOTSTRAP, and waits until its REST interface answers on 127.0.0.1.
#
# PORT 0 takes a free port. Written into DIR: address, pid, connect.log, worker.properties, offsets (how far each
# connector is). Starting again on the same DIR goes on there. Topics are made by Connect, as the connectors ask for them.
# extra.properties is appended to worker.properties, so its values win.
# Connectors are registered over REST, as test/debezium does: PUT http://ADDRESS/connectors/NAME/config.
#
# Environment:
#   GX_TEST_DEBEZIUM_HOME   folder of the jars; default: what install.sh prints
#   DEBEZIUM_OWNER_PID      the worker stops by itself when this process is gone
#   DEBEZIUM_START_TIMEOUT  seconds to wait for an answer; default 120
#   DEBEZIUM_START_LOG      a file that gets one line for every worker that came up
# Exit codes: 1 did not come up, 2 wrong call, 3 Java or Maven missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=alive.sh
. "$here/alive.sh"

if [ "$#" -lt 3 ] || [ "$#" -gt 4 ]; then
  echo "usage: start.sh DIR BOOTSTRAP PORT [extra.properties]" >&2
  exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
bootstrap=$2
port=$3
extra=${4:-}
case "$port" in '' | *[!0-9]*) echo "debezium: PORT must be a number, got '$port'" >&2; exit 2 ;; esac
[ -z "$extra" ] || [ -r "$extra" ] || { echo "debezium: cannot read $extra" >&2; exit 2; }
if worker_alive "$dir"; then
  echo "debezium: a worker already runs in $dir (pid $(cat "$dir/pid")); stop.sh stops it" >&2
  exit 2
fi
rm -f "$dir/pid"

lib=${GX_TEST_DEBEZIUM_HOME:-$("$here/install.sh")}
compgen -G "$lib/debezium-core-*.jar" >/dev/null || {
  echo "debezium: no Debezium jars in $lib" >&2
  exit 2
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# choose_port sets port to one on which nobody listens, below those that systems take for outgoing connections.
choose_port() {
  local try
  for try in $(seq 1 50); do
    port=$((20000 + (RANDOM * 7 + try) % 12000))
    listening "$port" || return 0
  done
  echo "debezium: no free port between 20000 and 32000" >&2
  exit 1
}

# plugin.discovery: the connectors are on the class path beside the worker; it would look into every jar for others.
write_properties() {
  {
    cat <<PROPERTIES
bootstrap.servers=$bootstrap
listeners=http://127.0.0.1:$port
rest.advertised.host.name=127.0.0.1
plugin.discovery=service_load
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
offset.storage.file.filename=$dir/offsets
offset.flush.interval.ms=1000
topic.creation.enable=true
PROPERTIES
    [ -z "$extra" ] || { echo; cat "$extra"; }
  } >"$dir/worker.properties"
}

log_options=(
  -Dorg.slf4j.simpleLogger.showDateTime=true
  -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS
  -Dorg.slf4j.simpleLogger.log.org.apache.kafka=warn
  -Dorg.slf4j.simpleLogger.log.org.apache.kafka.connect=info
  -Dorg.slf4j.simpleLogger.log.org.apache.kafka.connect.runtime.rest=warn
  -Dorg.slf4j.simpleLogger.log.org.eclipse.jetty=warn)

give_up() {
  echo "debezium: the worker in $dir $1; the end of connect.log:" >&2
  tail -n 30 "$dir/connect.log" >&2
  if [ -f "$dir/pid" ]; then
    kill -9 "$(cat "$dir/pid")" 2>/dev/null || true
    rm -f "$dir/pid"
  fi
  exit 1
}

# launch starts the worker with none of the caller's files open: a test that reads this script's output to its end
# would otherwise wait for the worker's end.
launch() {
  nohup java -Xms256m -Xmx768m -XX:+UseSerialGC "${log_options[@]}" -cp "$lib/*" \
    org.apache.kafka.connect.cli.ConnectStandalone "$dir/worker.properties" </dev/null >>"$dir/connect.log" 2>&1 3>&- 4>&- &
  echo "$!" >"$dir/pid"
}

# wait_until_up returns 0 when the worker answers, 4 when another program had taken its port. That program may answer
# too: our own worker must have said that it started.
wait_until_up() {
  local pid deadline
  pid=$(cat "$dir/pid")
  deadline=$((SECONDS + ${DEBEZIUM_START_TIMEOUT:-120}))
  until grep -q 'Kafka Connect started' "$dir/connect.log" && listening "$port"; do
    if ! kill -0 "$pid" 2>/dev/null; then
      grep -q 'Address already in use\|Failed to bind' "$dir/connect.log" && return 4
      give_up "ended while starting"
    fi
    [ "$SECONDS" -lt "$deadline" ] || give_up "did not answer on port $port within ${DEBEZIUM_START_TIMEOUT:-120} s"
    sleep 0.1
  done
}

any_port=
[ "$port" -ne 0 ] || any_port=yes
for attempt in 1 2 3 4 5; do
  [ -z "$any_port" ] || choose_port
  : >"$dir/connect.log"
  write_properties
  launch
  code=0
  wait_until_up || code=$?
  [ "$code" -ne 0 ] || break
  [ -n "$any_port" ] && [ "$attempt" -lt 5 ] || give_up "found its port $port taken"
done

echo "127.0.0.1:$port" >"$dir/address"
[ -z "${DEBEZIUM_START_LOG:-}" ] || echo "127.0.0.1:$port $dir" >>"$DEBEZIUM_START_LOG"

if [ -n "${DEBEZIUM_OWNER_PID:-}" ]; then
  worker=$(cat "$dir/pid")
  (
    while kill -0 "$DEBEZIUM_OWNER_PID" 2>/dev/null && kill -0 "$worker" 2>/dev/null; do sleep 1; done
    kill "$worker" 2>/dev/null || true
  ) </dev/null >/dev/null 2>&1 3>&- 4>&- &
fi

cat "$dir/address"
