#!/usr/bin/env bash
# Makes sure that a PostgreSQL server is here and prints the folder of its programs. What is missing comes from Debian's
# package postgresql; the cluster that this package would make and start is switched off before.
# Exit code 3 means that it is missing and cannot be installed here (no apt, or no rights); 1 that the install failed.
set -euo pipefail

oldest=13 # what logical decoding with pgoutput is tested from

missing() { echo "postgres: $1" >&2; exit 3; }

# newest prints the folder of the newest server: Debian keeps each major version in a folder of its own.
newest() {
  local server
  for server in $(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -rV) $(command -v postgres || true); do
    server=$(readlink -f "$server")
    [ -x "$server" ] && [ -x "$(dirname "$server")/initdb" ] || continue
    dirname "$server"
    return 0
  done
  return 1
}

if ! newest >/dev/null; then
  command -v apt-get >/dev/null || missing "no server found, and there is no apt-get; PostgreSQL $oldest or newer is needed"
  root=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || missing "no server found; apt-get install postgresql installs it"
    root=(sudo -n)
  fi
  echo "postgres: installing postgresql (about 20 MB, once)" >&2
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! {
    ${root[@]+"${root[@]}"} apt-get update -qq
    # Read by the package when it is set up: no cluster of the system's own.
    ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql-common
    ${root[@]+"${root[@]}"} mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' | ${root[@]+"${root[@]}"} tee /etc/postgresql-common/createcluster.d/gx-test.conf
    ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql
  } >"$log" 2>&1; then
    echo "postgres: apt-get could not install postgresql:" >&2
    tail -n 20 "$log" >&2
    exit 1
  fi
fi

programs=$(newest) || { echo "postgres: the package postgresql is installed, and no server is in /usr/lib/postgresql" >&2; exit 1; }
version=$("$programs/postgres" --version | sed -n 's/^[^0-9]*\([0-9][0-9.]*\).*/\1/p')
[ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" = "$oldest" ] ||
  missing "$programs/postgres is of version ${version:-unknown}; PostgreSQL $oldest or newer is needed"
echo "$programs"
