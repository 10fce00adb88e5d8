#!/usr/bin/env bash
# fuzz.sh [TIME]: runs every fuzz target of both modules for TIME (30s), one after the other.
# Go keeps an input that fails under testdata/fuzz/NAME beside the test; commit it with the correction.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${1:-30s}
failed=0

targets=$(grep -r --include '*_test.go' -o -E '^func Fuzz[A-Za-z0-9_]*\(' . | grep -v '^\./\.cache/' | LC_ALL=C sort) || true
[ -n "$targets" ] || { echo "fuzz: no fuzz targets found" >&2; exit 1; }

while IFS= read -r target; do
  file=${target%%:*}
  name=${target##*func }
  name=${name%(}
  folder=$(dirname "$file")
  echo "fuzz: $name in $folder for $time"
  tags=
  case "$folder" in ./test | ./test/*) tags=gms_pure_go ;; esac
  # go test must start inside the target's own module, so it starts in the target's own folder.
  (cd "$folder" && go test -tags "$tags" -run '^$' -fuzz "^$name\$" -fuzzminimizetime 200x -fuzztime "$time" .) || failed=1
done <<<"$targets"

exit "$failed"
