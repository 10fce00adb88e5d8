#!/usr/bin/env bash
# start.sh DIR PORT [-c setting=value ...]: starts a PostgreSQL server of its own on 127.0.0.1 and waits until it answers.
#
# PORT 0 takes a free port. Nothing outside DIR is read or written. Written into DIR: address, pid, server.log, data/.
# Starting again on the same DIR keeps the data. The user is postgres without a password; wal_level is logical.
# The server refuses to run as root: then it runs as the user postgres, or nobody, who gets DIR/data and must be able to
# go through the folders above it.
# Durability is turned off: what a test loads need not survive a power cut.
#
# Environment:
#   POSTGRES_OWNER_PID      the server stops by itself when this process is gone
#   POSTGRES_START_TIMEOUT  seconds to wait for an answer; default 60
#   POSTGRES_START_LOG      a file that gets one line for every server that came up
# Exit codes: 1 did not come up, 2 wrong call, 3 PostgreSQL is missing and cannot be installed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=alive.sh
. "$here/alive.sh"

if [ "$#" -lt 2 ]; then
  echo "usage: start.sh DIR PORT [-c setting=value ...]" >&2
  exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
port=$2
shift 2
case "$port" in '' | *[!0-9]*) echo "postgres: PORT must be a number, got '$port'" >&2; exit 2 ;; esac
if cluster_alive "$dir"; then
  echo "postgres: a server already runs in $dir (pid $(cat "$dir/pid")); stop.sh stops it" >&2
  exit 2
fi
rm -f "$dir/pid"
programs=$("$here/install.sh")

as=()
mkdir -p "$dir/data"
if [ "$(id -u)" -eq 0 ]; then
  user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
  as=(setpriv "--reuid=$(id -u "$user")" "--regid=$(id -g "$user")" --clear-groups)
  chown -R "$user" "$dir/data"
  "${as[@]}" test -x "$dir/data" || {
    echo "postgres: the user $user cannot reach $dir; the folders above it need the right to go through (chmod a+x)" >&2
    exit 2
  }
fi
# Programs that are left a folder they may not read complain about it.
cd /

give_up() {
  echo "postgres: the server in $dir $1; the end of server.log:" >&2
  tail -n 20 "$dir/server.log" >&2
  if [ -f "$dir/pid" ]; then
    kill -9 "$(cat "$dir/pid")" 2>/dev/null || true
    rm -f "$dir/pid"
  fi
  exit 1
}

: >"$dir/server.log"
if [ ! -f "$dir/data/PG_VERSION" ]; then
  ${as[@]+"${as[@]}"} "$programs/initdb" -D "$dir/data" -U postgres --auth=trust -E UTF8 --locale=C --no-sync --no-instructions \
    >>"$dir/server.log" 2>&1 || give_up "could not make its cluster"
fi

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# choose_port sets port to one on which nobody listens, below those that systems take for outgoing connections.
choose_port() {
  local try
  for try in $(seq 1 50); do
    port=$((20000 + (RANDOM * 7 + try) % 12000))
    listening "$port" || return 0
  done
  echo "postgres: no free port between 20000 and 32000" >&2
  exit 1
}

# launch starts the server with none of the caller's files open: a test that reads this script's output to its end
# would otherwise wait for the server's end. It has no socket in the file system, since names of sockets are bounded.
launch() {
  nohup ${as[@]+"${as[@]}"} "$programs/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c wal_level=logical -c max_replication_slots=10 -c max_wal_senders=10 -c fsync=off -c synchronous_commit=off \
    -c full_page_writes=off -c logging_collector=off -c log_min_messages=warning "$@" </dev/null >>"$dir/server.log" 2>&1 3>&- 4>&- &
  echo "$!" >"$dir/pid"
}

# wait_until_up returns 0 when the server answers, 4 when another program had taken its port. The server says itself in
# postmaster.pid when it takes connections.
wait_until_up() {
  local pid deadline
  pid=$(cat "$dir/pid")
  deadline=$((SECONDS + ${POSTGRES_START_TIMEOUT:-60}))
  until [ "$(sed -n '1p;8p' "$dir/data/postmaster.pid" 2>/dev/null | tr -s ' \n' '  ')" = "$pid ready " ] && listening "$port"; do
    if ! kill -0 "$pid" 2>/dev/null; then
      grep -q 'Address already in use' "$dir/server.log" && return 4
      give_up "ended while starting"
    fi
    [ "$SECONDS" -lt "$deadline" ] || give_up "did not answer on port $port within ${POSTGRES_START_TIMEOUT:-60} s"
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
[ -z "${POSTGRES_START_LOG:-}" ] || echo "127.0.0.1:$port $dir" >>"$POSTGRES_START_LOG"

if [ -n "${POSTGRES_OWNER_PID:-}" ]; then
  server=$(cat "$dir/pid")
  (
    while kill -0 "$POSTGRES_OWNER_PID" 2>/dev/null && kill -0 "$server" 2>/dev/null; do sleep 1; done
    kill -INT "$server" 2>/dev/null || true
  ) </dev/null >/dev/null 2>&1 3>&- 4>&- &
fi

cat "$dir/address"
