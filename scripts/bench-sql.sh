#!/usr/bin/env bash
# bench-sql.sh [flags]: a table of a real MariaDB into the stand-in, beside the driver alone, about two minutes; flags go to
# the command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../test"
exec go run -tags gms_pure_go ./bench/sql "$@"
