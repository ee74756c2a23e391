#!/usr/bin/env bash
# test.sh: every test there is, cheapest first, and one line with the sum at the end.
#   unit        go test -race over all packages, command-line scripts included
#   fuzz        every fuzz target for FUZZTIME (default 5s)
#   acceptance  the real clients against the built binary
#   signon      people in Chromium at real identity providers, against the built binary
# The list of parts may be given as arguments. All run even when one fails.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(unit fuzz acceptance)
cache=$PWD/.cache
mkdir -p "$cache/bin"
tally=$(mktemp "$cache/tally.XXXXXX")
clients=
rig=
trap 'rm -f "$tally"; [[ -z $clients$rig ]] || kill $clients $rig 2>/dev/null' EXIT
status=0

wanted() { [[ " ${parts[*]} " == *" $1 "* ]]; }
heading() { printf '\n== %s\n' "$1"; }

(cd tools && go build -o "$cache/bin/testsummary" ./testsummary) || exit 1

# run ARGUMENTS: one go test, shown and counted.
run() {
  go test -json "$@" </dev/null | "$cache/bin/testsummary" -tally "$tally"
  local codes=("${PIPESTATUS[@]}")
  [[ ${codes[0]} == 0 && ${codes[1]} == 0 ]] || status=1
}

# Installing waits for the network more than for a core: it runs beside the unit
# tests. Debian packages come before, one after the other.
if wanted signon; then
  tools/setup.sh chromium node java || exit 1
  tools/setup.sh keycloak &
  rig=$!
fi
if wanted acceptance; then
  tools/setup.sh postgres || exit 1
  tools/setup.sh python &
  clients=$!
fi

if wanted unit; then
  heading "unit tests, race detector on"
  CGO_ENABLED=1 run -race -timeout 12m ./...
  (cd tools && go test -json ./testsummary) | "$cache/bin/testsummary" -tally "$tally" || status=1
fi

# fuzz_targets prints "directory target" for every fuzz target of the module.
fuzz_targets() {
  git ls-files --cached --others --exclude-standard -- '*_test.go' |
    xargs -r grep -HoE '^func Fuzz[A-Za-z0-9_]*\(' |
    sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*)\($|\1 \2|' | sort -u
}

if wanted fuzz; then
  heading "fuzz targets, ${FUZZTIME:-5s} each"
  while read -r dir target; do
    run "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-5s}" -fuzzminimizetime 10x -timeout 5m
  done < <(fuzz_targets)
fi

if wanted acceptance; then
  heading "real clients against bin/catalpa"
  if wait "$clients"; then
    clients=
    CATALPA_BIN=$PWD/bin/catalpa CATALPA_PYTHON=$cache/venv/bin/python \
      run -tags acceptance -count 1 -timeout 15m -v ./acceptance
  else
    clients=
    echo "the clients could not be installed" >&2
    status=1
  fi
fi

if wanted signon; then
  heading "sign-on in Chromium, at oidc-provider and Keycloak"
  if wait "$rig"; then
    rig=
    CATALPA_BIN=$PWD/bin/catalpa KEYCLOAK_HOME=$cache/keycloak SIGNON_SHOTS=$cache/signon \
      run -tags signon -count 1 -timeout 15m -v ./signontest
  else
    rig=
    echo "Keycloak could not be set up" >&2
    status=1
  fi
fi

printf '\n'
"$cache/bin/testsummary" -total "$tally" || status=1
[[ $status == 0 ]] || echo "FAILED" >&2
exit "$status"
