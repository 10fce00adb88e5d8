#!/usr/bin/env bash
# stop.sh DIR [--kill]: stops the worker that start.sh started in DIR and waits until it is gone. The offsets of its connectors stay.
# --kill ends it as a power cut would. A DIR without a running worker is not an error.
set -euo pipefail

# shellcheck source=alive.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/alive.sh"

if [ "$#" -lt 1 ] || [ "$#" -gt 2 ] || { [ "$#" -eq 2 ] && [ "$2" != --kill ]; }; then
  echo "usage: stop.sh DIR [--kill]" >&2
  exit 2
fi
dir=$1
[ -f "$dir/pid" ] || exit 0
pid=$(cat "$dir/pid")

if worker_alive "$dir"; then
  if [ "${2:-}" = --kill ]; then kill -9 "$pid"; else kill "$pid"; fi
  waited=0
  while worker_alive "$dir"; do
    waited=$((waited + 1))
    if [ "$waited" -eq 200 ]; then
      echo "debezium: the worker in $dir ignored the stop for 20 s and is killed" >&2
      kill -9 "$pid" 2>/dev/null || true
    fi
    [ "$waited" -lt 300 ] || { echo "debezium: pid $pid does not end" >&2; exit 1; }
    sleep 0.1
  done
fi
rm -f "$dir/pid"
