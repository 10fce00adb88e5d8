#!/usr/bin/env bash
# bench-move.sh [flags]: a million messages from a real Kafka into the stand-in, compared with the topic; flags go to
# the command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../test"
exec go run -tags gms_pure_go ./bench/move "$@"
