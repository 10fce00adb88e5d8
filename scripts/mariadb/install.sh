#!/usr/bin/env bash
# Makes sure that a MariaDB server is here and prints the path of mariadbd. What is missing comes from Debian's package
# mariadb-server-core: the server's programs alone, without a service that would start, users or files in /etc.
# Exit code 3 means that it is missing and cannot be installed here (no apt, or no rights); 1 that the install failed.
set -euo pipefail
PATH=$PATH:/usr/sbin

oldest=10.11 # what the tests are written for
package=mariadb-server-core

found() { command -v mariadbd && command -v mariadb-install-db >/dev/null; }
missing() { echo "mariadb: $1" >&2; exit 3; }

if ! found >/dev/null; then
  command -v apt-get >/dev/null || missing "mariadbd not found, and there is no apt-get; MariaDB $oldest or newer is needed"
  root=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || missing "mariadbd not found; apt-get install $package installs it"
    root=(sudo -n)
  fi
  echo "mariadb: installing $package (about 8 MB, once)" >&2
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! { ${root[@]+"${root[@]}"} apt-get update -qq &&
    ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$package"; } >"$log" 2>&1; then
    echo "mariadb: apt-get could not install $package:" >&2
    tail -n 20 "$log" >&2
    exit 1
  fi
fi

program=$(found) || { echo "mariadb: $package is installed, and mariadbd or mariadb-install-db is not in PATH" >&2; exit 1; }
version=$("$program" --no-defaults --version | sed -n 's/.*Ver \([0-9.]*\).*/\1/p')
[ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" = "$oldest" ] ||
  missing "$program is of version ${version:-unknown}; MariaDB $oldest or newer is needed"
echo "$program"
