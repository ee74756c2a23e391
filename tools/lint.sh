#!/usr/bin/env bash
# lint.sh: gofmt, go vet, the layout rules that need no parser, golangci-lint.
# All of them run, so that one pass shows everything; any finding fails.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
status=0

complain() {
  printf '%s\n' "$@"
  status=1
}

sources() { git ls-files --cached --others --exclude-standard -- "$@"; }

unformatted=$(sources '*.go' | xargs -r gofmt -l)
[[ -z $unformatted ]] || complain "not gofmt-ed:" "$unformatted"

# A package is named after its subject, never after being a heap of things.
vague=$(sources '*.go' | xargs -r -n1 dirname | sort -u |
  grep -E '(^|/)(util|utils|common|commons|helper|helpers|base|misc|model|models|shared|lib)$' || true)
[[ -z $vague ]] || complain "packages without a subject:" "$vague"

long=$(sources '*.go' | grep -v '/testdata/' | xargs -r wc -l | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }')
[[ -z $long ]] || complain "files past 600 lines:" "$long"

go vet ./... || status=1
go vet -tags acceptance ./acceptance || status=1
go vet -tags signon ./signontest || status=1
go vet -tags opensearch ./internal/search/... ./internal/server || status=1
(cd tools && go vet ./testsummary) || status=1

"$GOLANGCI_LINT" run ./... || status=1

if [[ $status == 0 ]]; then
  echo "lint: clean"
fi
exit "$status"
