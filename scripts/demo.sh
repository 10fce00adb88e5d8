#!/usr/bin/env bash
# Runs examples/quickstart from an empty machine to three rows in a table, and fails when they are not what
# expected.txt says. `make demo` builds the binaries first; every address is chosen free; nothing is left behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

example=examples/quickstart
for binary in bin/gx bin/gx-sandbox; do
  [ -x "$binary" ] || { echo "demo: $binary is missing; make build makes it" >&2; exit 1; }
done

work=$(mktemp -d)
sandbox=
stop() {
  if [ -n "$sandbox" ]; then
    kill "$sandbox" 2>/dev/null || true
    local waited=0
    while kill -0 "$sandbox" 2>/dev/null && [ "$waited" -lt 50 ]; do
      waited=$((waited + 1))
      sleep 0.1
    done
    kill -9 "$sandbox" 2>/dev/null || true
    wait "$sandbox" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n▸ %s\n' "$1"; }
fail() {
  echo "demo: $1" >&2
  tail -n 20 "$work/sandbox.log" >&2
  exit 1
}

say "Starting the sandbox: a Kafka and a StarRocks stand-in, with the table of $example/init.sql"
bin/gx-sandbox --kafka 127.0.0.1:0 --fe-http 127.0.0.1:0 --fe-query 127.0.0.1:0 --be-http 127.0.0.2:0 \
  --init "$example/init.sql" --ready-file "$work/ready.json" >"$work/sandbox.log" 2>&1 &
sandbox=$!
waited=0
until [ -s "$work/ready.json" ]; do
  kill -0 "$sandbox" 2>/dev/null || fail "the sandbox ended while starting"
  waited=$((waited + 1))
  [ "$waited" -lt 300 ] || fail "the sandbox was not ready after 30 s"
  sleep 0.1
done

# address KEY: one value of the ready file.
address() {
  local value
  value=$(tr -d ' \n' <"$work/ready.json" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p")
  [ -n "$value" ] || fail "the ready file names no $1: $(cat "$work/ready.json")"
  printf '%s\n' "$value"
}
kafka=$(address kafka)
fe_http=$(address feHttp)
fe_query=$(address feQuery)
echo "  Kafka $kafka, StarRocks FE $fe_http (HTTP) and $fe_query (MySQL)"

say "Sending three messages to the topic test"
sed 's/^/  /' "$example/messages.jsonl"
bin/gx-sandbox produce --kafka "$kafka" --topic test <"$example/messages.jsonl"

run=(bin/gx run "$example/job.json" -D "kafka=$kafka" -D "feHttp=$fe_http" -D "feQuery=$fe_query")
say "${run[*]}"
"${run[@]}" --state-dir "$work/state"

query="SELECT * FROM example_db.test_tbl ORDER BY id"
say "$query"
bin/gx-sandbox sql --fe-query "$fe_query" "$query" | tee "$work/rows.txt"

# bare drops the frame of a table, so that what is compared is names and values.
bare() { sed -E -e '/^[-+ ]*$/d' -e '/^[0-9]+ rows?/d' -e 's/^\| *//' -e 's/ *\| *$//' -e 's/ *\| */\t/g' "$1"; }
if ! diff <(bare "$example/expected.txt") <(bare "$work/rows.txt") >"$work/difference"; then
  echo "demo: the table does not hold what $example/expected.txt says (<):" >&2
  cat "$work/difference" >&2
  exit 1
fi
say "Three messages, three rows. The job is $example/job.json; the sandbox is gone again."
