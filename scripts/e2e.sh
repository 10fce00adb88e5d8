#!/usr/bin/env bash
# e2e.sh [go test flags]: the tests that run bin/gx as a user would, with real plugin processes.
# They always run on the embedded Kafka. A real Apache Kafka is used as well when GX_TEST_KAFKA_HOME names its jars;
# this script sets it whenever Java and Maven are here. With CI=1 it must be possible.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

if [ -z "${GX_TEST_KAFKA_HOME:-}" ]; then
  code=0
  home=$(scripts/kafka/install.sh) || code=$?
  case "$code" in
    0)
      export GX_TEST_KAFKA_HOME=$home
      ;;
    3)
      case "${CI:-}" in
        '' | 0 | false)
          echo "LEFT OUT: the tests on a real Apache Kafka, because Java 17 or Maven is missing"
          ;;
        *)
          echo "e2e: CI=$CI requires a real Apache Kafka" >&2
          exit 1
          ;;
      esac
      ;;
    *) exit "$code" ;;
  esac
fi

started=$(mktemp)
trap 'rm -f "$started"' EXIT
export KAFKA_START_LOG=$started GX_TEST_BIN=$root/bin

folders=()
for folder in e2e chaos; do
  [ ! -d "test/$folder" ] || folders+=("./$folder/...")
done
[ "${#folders[@]}" -gt 0 ] || { echo "e2e: neither test/e2e nor test/chaos is there" >&2; exit 1; }

# One package at a time: each may hold a broker and a sandbox.
(cd test && go test -tags gms_pure_go -count=1 -p 1 -timeout 30m "$@" "${folders[@]}")

# A test that quietly forgot the real broker would look just as green.
if [ -n "${GX_TEST_KAFKA_HOME:-}" ]; then
  brokers=$(wc -l <"$started")
  [ "$brokers" -gt 0 ] || { echo "e2e: Apache Kafka is in $GX_TEST_KAFKA_HOME, but no test started it" >&2; exit 1; }
  echo "e2e: ran on the embedded Kafka and on a real Apache Kafka (started $((brokers)) times)"
fi
