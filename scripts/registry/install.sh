#!/usr/bin/env bash
# Puts Apicurio Registry and a Python with Confluent's serializers into .cache and prints two lines: the jar, the Python.
# Running it again costs nothing. Exit code 3: Java, Maven or Python's venv is missing; 1: a download failed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
version=3.0.9 # the newest that runs on Java 17
home="$root/.cache/apicurio-$version"
venv="$root/.cache/registry-venv"
jar="$home/apicurio-registry-app-$version-runner.jar"

missing() { echo "registry: $1" >&2; exit 3; }

command -v java >/dev/null 2>&1 || missing "java not found; Apicurio Registry $version needs Java 17 or newer"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing "python3 with venv not found"
mkdir -p "$root/.cache"

if [ ! -f "$jar" ]; then
  command -v mvn >/dev/null 2>&1 || missing "mvn not found; Maven 3.6 or newer fetches Apicurio Registry $version"
  fresh="$home.new.$$"
  trap 'rm -rf "$fresh"' EXIT
  mkdir -p "$fresh"
  echo "registry: fetching Apicurio Registry $version with Maven (about 110 MB, once)" >&2
  if ! mvn -q -B dependency:copy "-Dartifact=io.apicurio:apicurio-registry-app:$version:tar.gz:all" \
      "-DoutputDirectory=$fresh" >"$root/.cache/registry-install.log" 2>&1; then
    echo "registry: Maven could not fetch it; the end of .cache/registry-install.log:" >&2
    tail -n 20 "$root/.cache/registry-install.log" >&2
    exit 1
  fi
  tar -xzf "$fresh"/*.tar.gz -C "$fresh"
  rm -f "$fresh"/*.tar.gz
  rm -rf "$home"
  mv "$fresh" "$home"
fi

# The stamp is a copy of the list that was installed, written last.
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt" || ! "$venv/bin/python" -c '' 2>/dev/null; then
  rm -rf "$venv"
  python3 -m venv "$venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
  cp "$here/requirements.txt" "$venv/installed.txt"
fi

printf '%s\n' "$jar" "$venv/bin/python"
