#!/usr/bin/env bash
# What `make test` and CI run: every part, even after one has failed, then a summary with the time of each.
# The output of each part is kept in .cache/test-logs/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

logs=.cache/test-logs
rm -rf "$logs"
mkdir -p "$logs"

summary=()
failed=0
build_failed=0

# part NAME COMMAND...: runs one part and notes its result, its time, and whatever it says it left out.
part() {
  local name=$1 log code=0 start=$SECONDS line
  shift
  log="$logs/${name//[^a-z0-9]/-}.log"
  printf '\n=== %s: %s\n' "$name" "$*"
  "$@" 2>&1 | tee "$log" || code=$?
  if [ "$code" -eq 0 ]; then
    summary+=("$(printf '  %-24s ok      %5d s' "$name" "$((SECONDS - start))")")
  else
    summary+=("$(printf '  %-24s FAILED  %5d s   see %s' "$name" "$((SECONDS - start))" "$log")")
    failed=1
  fi
  while IFS= read -r line; do
    summary+=("      $line")
  done < <(grep '^LEFT OUT' "$log" || true)
  return "$code"
}

# after_build NAME COMMAND...: a part that makes no sense without the binaries.
after_build() {
  if [ "$build_failed" -eq 0 ]; then
    part "$@" || true
  else
    summary+=("$(printf '  %-24s not run, because the build failed' "$1")")
  fi
}

part "build" make --no-print-directory build || build_failed=1
part "lint" scripts/lint.sh || true
part "generated files" scripts/generate-check.sh || true
part "unit tests, root" scripts/unit.sh root || true
part "unit tests, test" scripts/unit.sh test || true
part "real clients" scripts/clients.sh || true
after_build "real MariaDB" scripts/mariadb.sh
after_build "real Debezium" scripts/debezium.sh
after_build "demo" scripts/demo.sh
after_build "end to end" scripts/e2e.sh

printf '\n=== summary\n'
printf '%s\n' "${summary[@]}"
printf '  %-24s %s  %5d s\n' "all" "$([ "$failed" -eq 0 ] && echo 'ok    ' || echo FAILED)" "$SECONDS"
exit "$failed"
