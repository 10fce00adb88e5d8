#!/usr/bin/env bash
# clients.sh: the real StarRocks clients against the sandbox (test/clients). Installs what is missing: the mysql
# command line, curl and venv from Debian, the Python packages of test/clients/requirements.txt into .cache/clients-venv.
# Arguments go to go test. Fails when a client cannot be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo -n "$@"
  fi
}

missing=()
{ command -v mysql && command -v mysqldump; } >/dev/null || missing+=(default-mysql-client)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv) # Debian keeps it apart
command -v curl >/dev/null || missing+=(curl)
if [ "${#missing[@]}" -gt 0 ]; then
  echo "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
fi

venv=$PWD/.cache/clients-venv
wanted=test/clients/requirements.txt
# The stamp is a copy of the list that was installed, written last.
if ! cmp -s "$wanted" "$venv/installed.txt" || ! "$venv/bin/python" -c '' 2>/dev/null; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted"
  cp "$wanted" "$venv/installed.txt"
fi

cd test
GX_CLIENTS_PYTHON=$venv/bin/python go test -count=1 -tags gms_pure_go -timeout 10m "$@" ./clients
