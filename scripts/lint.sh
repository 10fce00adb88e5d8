#!/usr/bin/env bash
# gofmt, go vet and staticcheck over both modules. Reports everything before it fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
failed=0

unformatted=$(gofmt -l . | grep -v -e '^\.cache/' -e '/testdata/' || true)
if [ -n "$unformatted" ]; then
  echo "gofmt: these files are not formatted (gofmt -w FILE corrects them):"
  printf '%s\n' "$unformatted"
  failed=1
fi

# Pinned by scripts/tools/go.mod; the build cache makes this free after the first time.
(cd scripts/tools && go build -o "$root/.cache/staticcheck" honnef.co/go/tools/cmd/staticcheck)

echo "go vet, staticcheck: root module"
go vet ./... || failed=1
"$root/.cache/staticcheck" ./... || failed=1

echo "go vet, staticcheck: test module"
cd test
go vet -tags gms_pure_go ./... || failed=1
"$root/.cache/staticcheck" -tags gms_pure_go ./... || failed=1

exit "$failed"
