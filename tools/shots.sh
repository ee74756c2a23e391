#!/usr/bin/env bash
# shots.sh: makes the pictures in docs/shots anew, of bin/catalpa with the sample catalog.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh node chromium
PATH=$PWD/.cache/node/bin:$PATH
data=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$data"' EXIT
listen=127.0.0.1:${PORT:-18585}
bin/catalpa server --sample --data-dir "$data" --listen "$listen" >"$data.log" 2>&1 &
server=$!
until curl -fsS -o "$data/version" "http://$listen/api/v1/system/version" 2>"$data/curl"; do kill -0 "$server"; done
mkdir -p docs/shots
node tools/shots.mjs "http://$listen" "$(tail -n 1 "$data/initial-admin-password")" docs/shots
rm -f "$data.log"
