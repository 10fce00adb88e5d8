#!/usr/bin/env bash
# start.sh DIR PORT [mariadbd flags]: starts a MariaDB server of its own on 127.0.0.1 and waits until it answers.
#
# PORT 0 takes a free port. Nothing outside DIR is read or written. Written into DIR: address, pid, server.log, data/.
# Starting again on the same DIR keeps the data. The user is root without a password.
# Durability is turned off: what a test loads need not survive a power cut.
#
# Environment:
#   MARIADB_OWNER_PID      the server stops by itself when this process is gone
#   MARIADB_START_TIMEOUT  seconds to wait for an answer; default 60
#   MARIADB_START_LOG      a file that gets one line for every server that came up
# Exit codes: 1 did not come up, 2 wrong call, 3 MariaDB is missing and cannot be installed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=alive.sh
. "$here/alive.sh"

if [ "$#" -lt 2 ]; then
  echo "usage: start.sh DIR PORT [mariadbd flags]" >&2
  exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
port=$2
shift 2
case "$port" in '' | *[!0-9]*) echo "mariadb: PORT must be a number, got '$port'" >&2; exit 2 ;; esac
if server_alive "$dir"; then
  echo "mariadb: a server already runs in $dir (pid $(cat "$dir/pid")); stop.sh stops it" >&2
  exit 2
fi
rm -f "$dir/pid"
program=$("$here/install.sh")

common=(--no-defaults --datadir="$dir/data" --innodb-log-file-size=64M)
[ "$(id -u)" -ne 0 ] || common+=(--user=root) # it refuses to run as root unless told

give_up() {
  echo "mariadb: the server in $dir $1; the end of server.log:" >&2
  tail -n 20 "$dir/server.log" >&2
  if [ -f "$dir/pid" ]; then
    kill -9 "$(cat "$dir/pid")" 2>/dev/null || true
    rm -f "$dir/pid"
  fi
  exit 1
}

: >"$dir/server.log"
if [ ! -d "$dir/data/mysql" ]; then
  rm -rf "$dir/data"
  mariadb-install-db "${common[@]}" --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve >>"$dir/server.log" 2>&1 ||
    give_up "could not make its system tables"
fi

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# choose_port sets port to one on which nobody listens, below those that systems take for outgoing connections.
choose_port() {
  local try
  for try in $(seq 1 50); do
    port=$((20000 + (RANDOM * 7 + try) % 12000))
    listening "$port" || return 0
  done
  echo "mariadb: no free port between 20000 and 32000" >&2
  exit 1
}

# launch starts the server with none of the caller's files open: a test that reads this script's output to its end
# would otherwise wait for the server's end. The socket has a short name of its own folder, since names of sockets are
# bounded; nobody connects to it.
launch() {
  (
    cd "$dir"
    nohup "$program" "${common[@]}" --bind-address=127.0.0.1 --port="$port" --socket=server.sock --skip-name-resolve \
      --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=512M --innodb-doublewrite=0 --skip-log-bin \
      --performance-schema=OFF "$@" </dev/null >>"$dir/server.log" 2>&1 3>&- 4>&- &
    echo "$!" >"$dir/pid"
  )
}

# wait_until_up returns 0 when the server answers, 4 when another program had taken its port.
wait_until_up() {
  local pid deadline
  pid=$(cat "$dir/pid")
  deadline=$((SECONDS + ${MARIADB_START_TIMEOUT:-60}))
  until grep -q 'ready for connections' "$dir/server.log" && listening "$port"; do
    if ! kill -0 "$pid" 2>/dev/null; then
      grep -q 'Address already in use' "$dir/server.log" && return 4
      give_up "ended while starting"
    fi
    [ "$SECONDS" -lt "$deadline" ] || give_up "did not answer on port $port within ${MARIADB_START_TIMEOUT:-60} s"
    sleep 0.05
  done
}

any_port=
[ "$port" -ne 0 ] || any_port=yes
for attempt in 1 2 3 4 5; do
  [ -z "$any_port" ] || choose_port
  [ "$attempt" -eq 1 ] || : >"$dir/server.log"
  launch "$@"
  code=0
  wait_until_up || code=$?
  [ "$code" -ne 0 ] || break
  [ -n "$any_port" ] && [ "$attempt" -lt 5 ] || give_up "found its port $port taken"
done

echo "127.0.0.1:$port" >"$dir/address"
[ -z "${MARIADB_START_LOG:-}" ] || echo "127.0.0.1:$port $dir" >>"$MARIADB_START_LOG"

if [ -n "${MARIADB_OWNER_PID:-}" ]; then
  server=$(cat "$dir/pid")
  (
    while kill -0 "$MARIADB_OWNER_PID" 2>/dev/null && kill -0 "$server" 2>/dev/null; do sleep 1; done
    kill "$server" 2>/dev/null || true
  ) </dev/null >/dev/null 2>&1 3>&- 4>&- &
fi

cat "$dir/address"
