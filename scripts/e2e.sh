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

if [ -z "${GX_TEST_REGISTRY_JAR:-}" ]; then
  code=0
  registry=$(scripts/registry/install.sh) || code=$?
  case "$code" in
    0)
      GX_TEST_REGISTRY_JAR=$(head -n 1 <<<"$registry")
      GX_TEST_REGISTRY_PYTHON=$(tail -n 1 <<<"$registry")
      export GX_TEST_REGISTRY_JAR GX_TEST_REGISTRY_PYTHON
      ;;
    3)
      case "${CI:-}" in
        '' | 0 | false)
          echo "LEFT OUT: the tests with a schema registry, because Java 17, Maven or Python is missing"
          ;;
        *)
          echo "e2e: CI=$CI requires a schema registry" >&2
          exit 1
          ;;
      esac
      ;;
    *) exit "$code" ;;
  esac
fi

started=$(mktemp)
registries=$(mktemp)
trap 'rm -f "$started" "$registries"' EXIT
export KAFKA_START_LOG=$started REGISTRY_START_LOG=$registries GX_TEST_BIN=$root/bin

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

# The same for the registry, when no flag picks single tests.
if [ -n "${GX_TEST_REGISTRY_JAR:-}" ] && [ "$#" -eq 0 ]; then
  [ -s "$registries" ] || { echo "e2e: a schema registry is in $GX_TEST_REGISTRY_JAR, but no test started it" >&2; exit 1; }
  echo "e2e: ran with a schema registry"
fi
