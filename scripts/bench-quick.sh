#!/usr/bin/env bash
# bench-quick.sh [flags]: Kafka to StarRocks on this machine, about a minute; flags go to the command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../test"
exec go run -tags gms_pure_go ./bench/quick "$@"
