#!/usr/bin/env bash
# bench-standin.sh [flags]: what the stand-in for StarRocks takes in and gives out on this machine, about a minute; flags
# go to the command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../test"
exec go run -tags gms_pure_go ./bench/standin "$@"
