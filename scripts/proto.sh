#!/usr/bin/env bash
# Writes plugins/protocol/v1/*.pb.go anew from gxplugin.proto. Only needed when the protocol changes; the generated files
# are in the tree. buf and the generators are pinned and come through the Go module proxy.
set -euo pipefail
cd "$(dirname "$0")/../plugins/protocol/v1"
go run github.com/bufbuild/buf/cmd/buf@v1.75.0 lint
go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate
