#!/usr/bin/env bash
# start.sh DIR PORT [extra.properties]: starts one Apache Kafka node (KRaft) on 127.0.0.1 and waits until it answers.
#
# PORT 0 takes free ports. Ports used: PORT (clients), PORT+1 (controller), PORT+2 (SASL, when asked).
# Written into DIR: bootstrap (address), pid, kafka.log, server.properties, data/.
# Starting again on the same DIR keeps the data, and with PORT 0 the address too.
# extra.properties is appended to server.properties, so its values win. A broker that was killed takes about 9 s longer
# to come back, because its old session must run out first; broker.session.timeout.ms there makes that shorter.
#
# Environment:
#   GX_TEST_KAFKA_HOME   folder of the jars; default: what install.sh prints
#   KAFKA_SASL_USER      user:password; adds a SASL_PLAINTEXT listener (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512)
#                        for that user and writes its address to DIR/bootstrap-sasl
#   KAFKA_OWNER_PID      the broker stops by itself when this process is gone
#   KAFKA_START_TIMEOUT  seconds to wait for an answer; default 60
#   KAFKA_START_LOG      a file that gets one line for every broker that came up
# Exit codes: 1 did not come up, 2 wrong call, 3 Java or Maven missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=alive.sh
. "$here/alive.sh"

if [ "$#" -lt 2 ] || [ "$#" -gt 3 ]; then
  echo "usage: start.sh DIR PORT [extra.properties]" >&2
  exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
port=$2
extra=${3:-}
case "$port" in '' | *[!0-9]*) echo "kafka: PORT must be a number, got '$port'" >&2; exit 2 ;; esac
[ -z "$extra" ] || [ -r "$extra" ] || { echo "kafka: cannot read $extra" >&2; exit 2; }

sasl_user="" sasl_password=""
if [ -n "${KAFKA_SASL_USER:-}" ]; then
  case "$KAFKA_SASL_USER" in
    *[\"\\,\]\;]*) echo "kafka: KAFKA_SASL_USER must not hold any of \" \\ , ] ;" >&2; exit 2 ;;
    ?*:?*) sasl_user=${KAFKA_SASL_USER%%:*} sasl_password=${KAFKA_SASL_USER#*:} ;;
    *) echo "kafka: KAFKA_SASL_USER must be user:password" >&2; exit 2 ;;
  esac
fi

if broker_alive "$dir"; then
  echo "kafka: a broker already runs in $dir (pid $(cat "$dir/pid")); stop.sh stops it" >&2
  exit 2
fi
rm -f "$dir/pid"

lib=${GX_TEST_KAFKA_HOME:-$("$here/install.sh")}
compgen -G "$lib/kafka_*.jar" >/dev/null || {
  echo "kafka: no Kafka jars in $lib" >&2
  exit 2
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# choose_port sets port to the first of three neighbours on which nobody listens. The range lies below the one from
# which systems take the ports of outgoing connections.
choose_port() {
  local try
  for try in $(seq 1 50); do
    port=$((20000 + (RANDOM * 7 + try) % 12000 / 3 * 3))
    listening "$port" || listening "$((port + 1))" || listening "$((port + 2))" || return 0
  done
  echo "kafka: no free ports between 20000 and 32000" >&2
  exit 1
}

write_properties() {
  local listeners="PLAINTEXT://127.0.0.1:$port" protocols="PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
  [ -z "$sasl_user" ] || {
    listeners="$listeners,SASL://127.0.0.1:$((port + 2))"
    protocols="$protocols,SASL:SASL_PLAINTEXT"
  }
  {
    cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=$listeners,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=$listeners
listener.security.protocol.map=$protocols
log.dirs=$dir/data
num.partitions=1
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
    [ -z "$sasl_user" ] || cat <<PROPERTIES
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_$sasl_user="$sasl_password";
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
PROPERTIES
    [ -z "$extra" ] || { echo; cat "$extra"; }
  } >"$dir/server.properties"
}

# The broker would print its 400 settings several times, and the end of the log is what a failed start shows.
log_options=(
  -Dorg.slf4j.simpleLogger.showDateTime=true
  -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS
  -Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn)

# Half of a short-lived JVM's time is compiling; C1 alone and the serial collector bring formatting under a second.
format_storage() {
  [ ! -f "$dir/data/meta.properties" ] || return 0
  local id scram=()
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | cut -c 1-22)
  [ -z "$sasl_user" ] || scram=(
    --add-scram "SCRAM-SHA-256=[name=$sasl_user,password=$sasl_password]"
    --add-scram "SCRAM-SHA-512=[name=$sasl_user,password=$sasl_password]")
  java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx256m "${log_options[@]}" -cp "$lib/*" kafka.tools.StorageTool \
    format -t "$id" -c "$dir/server.properties" ${scram[@]+"${scram[@]}"} >>"$dir/kafka.log" 2>&1 ||
    give_up "could not format its storage"
}

give_up() {
  echo "kafka: the broker in $dir $1; the end of kafka.log:" >&2
  tail -n 20 "$dir/kafka.log" >&2
  if [ -f "$dir/pid" ]; then
    kill -9 "$(cat "$dir/pid")" 2>/dev/null || true
    rm -f "$dir/pid"
  fi
  exit 1
}

# launch starts the broker with none of the caller's files open: a test that reads this script's output to its end
# would otherwise wait for the broker's end.
launch() {
  nohup java -Xms512m -Xmx512m "${log_options[@]}" \
    -cp "$lib/*" kafka.Kafka "$dir/server.properties" </dev/null >>"$dir/kafka.log" 2>&1 3>&- 4>&- &
  echo "$!" >"$dir/pid"
}

# wait_until_up returns 0 when the broker answers, 4 when another program had taken one of its ports. An answer alone
# proves nothing, as that program may be a broker too: our own one must have said that it started.
wait_until_up() {
  local pid deadline
  pid=$(cat "$dir/pid")
  deadline=$((SECONDS + ${KAFKA_START_TIMEOUT:-60}))
  until grep -q 'Kafka Server started' "$dir/kafka.log" && "$here/probe.sh" "$port"; do
    if ! kill -0 "$pid" 2>/dev/null; then
      grep -q 'Address already in use' "$dir/kafka.log" && return 4
      give_up "ended while starting"
    fi
    [ "$SECONDS" -lt "$deadline" ] || give_up "did not answer on port $port within ${KAFKA_START_TIMEOUT:-60} s"
    sleep 0.05
  done
  [ -z "$sasl_user" ] || "$here/probe.sh" "$((port + 2))" versions || give_up "does not answer on its SASL port"
}

any_port=
if [ "$port" -eq 0 ]; then
  if [ -f "$dir/data/meta.properties" ] && [ -f "$dir/bootstrap" ]; then
    port=$(sed 's/.*://' "$dir/bootstrap")
  else
    any_port=yes
  fi
fi

for attempt in 1 2 3 4 5; do
  [ -z "$any_port" ] || choose_port
  : >"$dir/kafka.log"
  write_properties
  format_storage
  launch
  code=0
  wait_until_up || code=$?
  [ "$code" -ne 0 ] || break
  [ -n "$any_port" ] && [ "$attempt" -lt 5 ] || give_up "found one of its ports from $port on taken"
done

echo "127.0.0.1:$port" >"$dir/bootstrap"
rm -f "$dir/bootstrap-sasl"
[ -z "$sasl_user" ] || echo "127.0.0.1:$((port + 2))" >"$dir/bootstrap-sasl"
[ -z "${KAFKA_START_LOG:-}" ] || echo "127.0.0.1:$port $dir" >>"$KAFKA_START_LOG"

if [ -n "${KAFKA_OWNER_PID:-}" ]; then
  broker=$(cat "$dir/pid")
  (
    while kill -0 "$KAFKA_OWNER_PID" 2>/dev/null && kill -0 "$broker" 2>/dev/null; do sleep 1; done
    kill "$broker" 2>/dev/null || true
  ) </dev/null >/dev/null 2>&1 3>&- 4>&- &
fi

cat "$dir/bootstrap"
