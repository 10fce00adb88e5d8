#!/usr/bin/env bash
# debezium.sh [go test flags]: a real Debezium follows a real PostgreSQL and a real MariaDB into a real Kafka, and gx follows it
# into tables of the stand-in (test/debezium). What is missing is installed: the databases from Debian, the jars with Maven.
# GX_TEST_CHANGES (50000) is how many changes each database commits. With CI=1 it must be possible.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

# installed NAME: what install.sh of that service prints. Leaves the whole script when the service cannot be had.
installed() {
  local code=0
  "scripts/$1/install.sh" || code=$?
  [ "$code" -ne 0 ] || return 0
  [ "$code" -eq 3 ] || exit "$code"
  case "${CI:-}" in
    '' | 0 | false)
      echo "LEFT OUT: the test with a real Debezium, because $1 is missing and cannot be installed here" >&2
      exit 3
      ;;
    *)
      echo "debezium: CI=$CI requires $1" >&2
      exit 1
      ;;
  esac
}

# have NAME sets REPLY to what install.sh prints. What cannot be had here is no failure.
have() {
  local code=0
  REPLY=$(installed "$1") || code=$?
  [ "$code" -ne 3 ] || exit 0
  [ "$code" -eq 0 ] || exit "$code"
}

if [ -z "${GX_TEST_KAFKA_HOME:-}" ]; then
  have kafka
  export GX_TEST_KAFKA_HOME=$REPLY
fi
if [ -z "${GX_TEST_DEBEZIUM_HOME:-}" ]; then
  have debezium
  export GX_TEST_DEBEZIUM_HOME=$REPLY
fi
have mariadb
have postgres

started=$(mktemp)
trap 'rm -f "$started"' EXIT
export KAFKA_START_LOG=$started DEBEZIUM_START_LOG=$started MARIADB_START_LOG=$started POSTGRES_START_LOG=$started GX_TEST_BIN=$root/bin

(cd test && go test -tags gms_pure_go -count=1 -timeout 20m -v "$@" ./debezium)

# A test that quietly forgot a real server would look just as green.
servers=$(wc -l <"$started")
[ "$servers" -ge 4 ] || { echo "debezium: only $((servers)) of Kafka, Debezium, PostgreSQL and MariaDB were started" >&2; exit 1; }
echo "debezium: ran with a real Kafka, Debezium, PostgreSQL and MariaDB"
