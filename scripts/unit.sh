#!/usr/bin/env bash
# unit.sh root|test: the unit tests of one module with the race detector. In the test module the folders that start
# whole systems (e2e, chaos) are left to e2e.sh, the one that needs other people's clients to clients.sh, the one on a
# real MariaDB to mariadb.sh, the one with a real Debezium to debezium.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

race=-race
if ! CGO_ENABLED=1 go env CC | { read -r cc; command -v "${cc%% *}" >/dev/null 2>&1; }; then
  echo "LEFT OUT: the race detector, because it needs a C compiler and there is none"
  race=
fi

case "${1:-}" in
  root)
    go test ${race:+"$race"} -timeout 15m ./...
    ;;
  test)
    cd test
    packages=$(go list -tags gms_pure_go ./... | grep -v -E '/test/(e2e|chaos|clients|mariadb|debezium)(/|$)')
    # shellcheck disable=SC2086 # one word for each package
    go test ${race:+"$race"} -tags gms_pure_go -timeout 15m $packages
    ;;
  *)
    echo "usage: unit.sh root|test" >&2
    exit 2
    ;;
esac
