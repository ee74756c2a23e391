#!/usr/bin/env bash
# web.sh: builds the user interface into web/dist/ui, unless what is there was made of the
# same sources.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p .cache
wanted=$(find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [[ -f web/dist/ui/.vite/manifest.json && -f .cache/web.stamp && $(<.cache/web.stamp) == "$wanted" ]]; then
  exit
fi
tools/setup.sh web
PATH=$PWD/.cache/node/bin:$PATH
(cd web && npm run --silent build -- --logLevel warn)
printf '%s\n' "$wanted" >.cache/web.stamp
