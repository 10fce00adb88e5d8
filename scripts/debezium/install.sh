#!/usr/bin/env bash
# Puts the jars of Kafka Connect and of the Debezium connectors into .cache/debezium-VERSION/lib and prints that folder.
# Running it again costs nothing: a stamp holds the checksum of pom.xml.
# Exit code 3 means that Java or Maven is missing or too old; 1 means that the download failed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
version=$(sed -n '/<artifactId>debezium-connector-postgres</,/<\/dependency>/s:.*<version>\(.*\)</version>.*:\1:p' "$here/pom.xml")
home="$root/.cache/debezium-$version"
stamp="$home/.complete"
want=$(cksum <"$here/pom.xml")

missing() { echo "debezium: $1" >&2; exit 3; }

command -v java >/dev/null 2>&1 || missing "java not found; Debezium $version needs Java 17 or newer"
# The first quoted word of `java -version` is the version, for example 17.0.15 (or 1.8.0_402 before Java 9).
java_version=$(java -version 2>&1 | sed -n 's/.*version "\([^"]*\)".*/\1/p' | head -n 1)
java_major=${java_version%%[!0-9]*}
[ "${java_major:-0}" -ge 17 ] || missing "java ${java_version:-of unknown version} is too old; Debezium $version needs Java 17 or newer"

complete() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; }

if ! complete; then
  command -v mvn >/dev/null 2>&1 || missing "mvn not found; Maven 3.6 or newer fetches Debezium $version"
  mkdir -p "$root/.cache"

  # Two test packages may install at once: the first one works, the others wait for its stamp.
  lock="$root/.cache/debezium-$version.lock"
  waited=0
  until mkdir "$lock" 2>/dev/null; do
    owner=$(cat "$lock/pid" 2>/dev/null || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      rm -rf "$lock"
      continue
    fi
    waited=$((waited + 1))
    [ "$waited" -lt 600 ] || { echo "debezium: waited 10 minutes for $lock; remove it if no install is running" >&2; exit 1; }
    sleep 1
  done
  echo "$$" >"$lock/pid"
  fresh="$home.new.$$"
  trap 'rm -rf "$lock" "$fresh"' EXIT

  if ! complete; then
    echo "debezium: fetching Debezium $version with Maven (about 50 MB, once)" >&2
    mkdir -p "$fresh"
    if ! mvn -q -B -C -f "$here/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$fresh/lib" >"$root/.cache/debezium-install.log" 2>&1; then
      echo "debezium: Maven could not fetch Debezium $version; the end of .cache/debezium-install.log:" >&2
      tail -n 20 "$root/.cache/debezium-install.log" >&2
      exit 1
    fi
    printf '%s\n' "$want" >"$fresh/.complete"
    rm -rf "$home"
    mv "$fresh" "$home"
  fi
fi

echo "$home/lib"
