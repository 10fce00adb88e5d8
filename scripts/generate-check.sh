#!/usr/bin/env bash
# Fails when `go generate` would change a file. It generates in a copy, so the tree is neither changed nor required
# to be clean, and someone who edits a file meanwhile does no harm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# GNU tar answers 1 when a file was written while it was read.
{ tar -cf - --exclude ./.git --exclude ./.cache --exclude ./bin --exclude ./gx-state . || [ "$?" -eq 1 ]; } | tar -xf - -C "$copy"
cd "$copy"

sums() { find . -type f -exec cksum {} + | LC_ALL=C sort -k 3; }

sums >"$copy.before"
trap 'rm -rf "$copy" "$copy.before" "$copy.after"' EXIT
# With -trimpath the packages of the copy are found in the build cache of the tree.
export GOFLAGS="${GOFLAGS:-} -trimpath -buildvcs=false"
go generate ./...
(cd test && go generate -tags gms_pure_go ./...)
sums >"$copy.after"

if ! cmp -s "$copy.before" "$copy.after"; then
  echo "generate-check: \`make generate\` would change these files:"
  # Lines that differ, without checksum and size; the header lines of diff have no third word that starts with ./
  { diff "$copy.before" "$copy.after" || true; } | sed -n 's/^[<>] [0-9]* [0-9]* \.\///p' | sort -u
  exit 1
fi
echo "generate-check: all generated files are up to date"
