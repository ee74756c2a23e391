#!/usr/bin/env bash
# test.sh: every test that says the same each time, cheapest first, and one line with the
# sum at the end.
#   unit        go test -race over all packages, command-line scripts included, and what
#               is not built under the race detector without it
#   web         the parts of the user interface that compute something
#   store       the store in PostgreSQL, and the contract of the API on it, at a real server
#   search      the search engine OpenSearch, against a real node
#   acceptance  the real clients against the built binary
#   signon      people in Chromium at real identity providers, against the built binary
# The list of parts may be given as arguments, and one more, which looks for what no test
# knows yet: its seeds run with the unit tests.
#   fuzz        every fuzz target for FUZZTIME (default 30s)
# All that are asked for run even when one fails.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(unit web store search acceptance signon)
cache=$PWD/.cache
mkdir -p "$cache/bin"
tally=$(mktemp "$cache/tally.XXXXXX")
setup=
trap 'rm -f "$tally"; [[ -z $setup ]] || kill "$setup" 2>/dev/null' EXIT
trap 'exit 130' INT TERM
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

# fuzz ARGUMENTS: one fuzz run. When the time is up while an input is tried, the Go tool
# may end with nothing but "context deadline exceeded": such a run found no fault, and is
# made again.
fuzz() {
  local log code=0
  log=$(mktemp "$cache/fuzz.XXXXXX")
  go test -json "$@" </dev/null >"$log" || code=$?
  if [[ $code != 0 ]] && grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then
    code=0
    go test -json "$@" </dev/null >"$log" || code=$?
  fi
  "$cache/bin/testsummary" -tally "$tally" <"$log" && [[ $code == 0 ]] || status=1
  rm -f "$log"
}

# What the last parts need waits for the network more than for a core: it is installed
# beside the first ones.
needs=()
! wanted web || needs+=(web)
! wanted store || needs+=(postgres)
! wanted search || needs+=(opensearch)
! wanted acceptance || needs+=(postgres mariadb kafka python schemathesis)
! wanted signon || needs+=(chromium node java keycloak)
if [[ ${#needs[@]} -gt 0 ]]; then
  tools/setup.sh "${needs[@]}" </dev/null &
  setup=$!
fi

# without_race prints "directory Test|Test" for the tests in files that are not built under
# the race detector: they send much, one call after the other, to a store written in Go that
# is ten times slower there.
without_race() {
  git ls-files --cached --others --exclude-standard -- '*_test.go' |
    xargs -r grep -lE '^//go:build !race$' |
    xargs -r grep -HoE '^func Test[A-Za-z0-9_]*\(' |
    sed -E 's|^(.*)/[^/]*:func (Test[A-Za-z0-9_]*)\($|\1 \2|' |
    awk '{names[$1] = names[$1] (names[$1] ? "|" : "") $2} END {for (d in names) print d, names[d]}'
}

if wanted unit; then
  heading "unit tests, race detector on"
  CGO_ENABLED=1 run -race -timeout 25m ./...
  heading "unit tests about large or hostile input, which the race detector leaves out"
  while read -r dir names; do
    run -run "^($names)\$" "./$dir"
  done < <(without_race)
  (cd tools && go test -json ./testsummary) | "$cache/bin/testsummary" -tally "$tally" || status=1
fi

# fuzz_targets prints "directory target" for every fuzz target of the module.
fuzz_targets() {
  git ls-files --cached --others --exclude-standard -- '*_test.go' |
    xargs -r grep -HoE '^func Fuzz[A-Za-z0-9_]*\(' |
    sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*)\($|\1 \2|' | sort -u
}

if wanted fuzz; then
  heading "fuzz targets, ${FUZZTIME:-30s} each"
  while read -r dir target; do
    fuzz "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" -fuzzminimizetime 10x -timeout 5m
  done < <(fuzz_targets)
fi

if [[ -n $setup ]] && ! wait "$setup"; then
  echo "not everything could be set up" >&2
  status=1
fi
setup=

if wanted web; then
  heading "parts of the user interface"
  (cd web && PATH=$cache/node/bin:$PATH npx --no-install vitest run --reporter=json --outputFile="$cache/vitest.json" >/dev/null) || status=1
  node -e '
    const { numPassedTests: passed, numFailedTests: failed, testResults } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    for (const file of testResults) for (const one of file.assertionResults) if (one.status === "failed") console.log(`FAIL ${one.fullName}\n${one.failureMessages.join("\n")}`);
    console.log(`${passed} passed, ${failed} failed`);
    require("fs").appendFileSync(process.argv[2], `${passed} ${failed} 0\n`);
    process.exit(passed > 0 && failed === 0 ? 0 : 1);' "$cache/vitest.json" "$tally" || status=1
fi

if wanted store; then
  heading "the store in PostgreSQL"
  run -tags postgres -count 1 -timeout 10m ./internal/store/postgres ./conformance
fi

if wanted search; then
  heading "OpenSearch as the search engine"
  # Besides the engine's own tests, those of the API and of rights that search.
  searching='OpenSearch|Search|Canaries|T71Exp|Columns|Ranking|Typing|SuggestionsAnd|TheIndex|ForeignKeys|Sentences|FoundTerms|HierarchyOfDomains|CountsOf|Assets|Ports'
  export CATALPA_OPENSEARCH=$cache/opensearch
  run -tags opensearch -count 1 -timeout 10m ./internal/search/opensearch ./internal/sight
  run -tags opensearch -count 1 -timeout 10m -run "$searching" ./internal/server ./internal/api
fi

if wanted acceptance; then
  heading "real clients against bin/catalpa"
  CATALPA_BIN=$PWD/bin/catalpa CATALPA_PYTHON=$cache/venv/bin/python CATALPA_KAFKA=$cache/kafka \
    CATALPA_SCHEMATHESIS=$cache/schemathesis/bin/schemathesis \
    run -tags acceptance -count 1 -timeout 15m -v ./acceptance
fi

# These tests wait for timers and other programs most of the time: more of them run at
# once than there are cores.
if wanted signon; then
  heading "sign-on in Chromium, at oidc-provider and Keycloak"
  [[ ! -x $cache/node/bin/node ]] || PATH=$cache/node/bin:$PATH
  run -tags signon -count 1 -run "^TestScripts\$" ./internal/pages
  CATALPA_BIN=$PWD/bin/catalpa KEYCLOAK_HOME=$cache/keycloak SIGNON_SHOTS=$cache/signon \
    run -tags signon -count 1 -timeout 15m -parallel 5 -v ./signontest
fi

printf '\n'
"$cache/bin/testsummary" -total "$tally" || status=1
[[ $status == 0 ]] || echo "FAILED" >&2
exit "$status"
