#!/usr/bin/env bash
# setup.sh WHAT...: makes sure that what a make target needs is there.
#   go        the Go tool chain (never installed for you)
#   cgo       a C compiler, which the race detector needs
#   postgres  PostgreSQL's server programs, which the client tests start
#   mariadb   MariaDB's server and client programs, which the client tests start
#   kafka     .cache/kafka, the jars of a broker, which the client tests start
#   opensearch  .cache/opensearch, a node for tests of the search engine of that name
#   python    .cache/venv with the clients of acceptance/requirements.txt
#   schemathesis  .cache/schemathesis with what acceptance/schemathesis.txt lists
#   node      Node and signontest/node_modules: test provider, browser driver
#   web       Node and web/node_modules: what the user interface is built with
#   chromium  the browser; CHROMIUM names another than the one on the PATH
#   java      Java, and Maven for as long as Keycloak is not there
#   keycloak  .cache/keycloak, unpacked and built for starting quickly; needs java
# Debian packages are installed when this runs as root, all in one go; otherwise the
# missing ones are named. What comes from elsewhere is then made side by side. What is
# already there is left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p .cache

die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null; }

# For each WHAT, packages_WHAT prints the Debian packages that are missing and
# make_WHAT makes what no package holds.

packages_go() { :; }

make_go() {
  have go ||
    die "Go is missing. Install Go $(sed -n 's/^go //p' go.mod) or newer from https://go.dev/dl/ and put it on the PATH."
}

packages_cgo() { have "${CC:-gcc}" || have cc || echo gcc libc6-dev; }

make_cgo() { :; }

packages_postgres() {
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || have postgres || echo postgresql postgresql-contrib
}

make_postgres() { :; }

packages_mariadb() {
  have mariadb-install-db || echo mariadb-server-core
  have mariadb || echo mariadb-client-core
}

make_mariadb() { :; }

# The pinned clients run on Python 3.11 and 3.12. An unsuffixed python3 of such a
# version is taken first.
find_python() {
  local candidate
  for candidate in python3 python3.12 python3.11; do
    if have "$candidate" &&
      "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

python_wanted() { cat acceptance/requirements.txt acceptance/constraints.txt | sha256sum | cut -d' ' -f1; }

# The stamp is written last, so a broken installation is made anew; it
# holds a digest of what was asked for, so a changed list rebuilds it too.
stamped() { [[ -f $1/.stamp && $(<"$1/.stamp") == "$2" ]]; }

packages_python() {
  local python
  stamped .cache/venv "$(python_wanted)" && return
  python=$(find_python) && "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3 python3-venv
}

make_python() {
  local venv=.cache/venv python wanted
  wanted=$(python_wanted)
  stamped "$venv" "$wanted" && return
  python=$(find_python) || die "neither Python 3.11 nor 3.12 found"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r acceptance/requirements.txt -c acceptance/constraints.txt
  printf '%s\n' "$wanted" >"$venv/.stamp"
}

packages_schemathesis() {
  local python
  stamped .cache/schemathesis "$(sha256sum <acceptance/schemathesis.txt)" && return
  python=$(find_python) && "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3 python3-venv
}

make_schemathesis() {
  local venv=.cache/schemathesis python wanted
  wanted=$(sha256sum <acceptance/schemathesis.txt)
  stamped "$venv" "$wanted" && return
  python=$(find_python) || die "neither Python 3.11 nor 3.12 found"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r acceptance/schemathesis.txt
  printf '%s\n' "$wanted" >"$venv/.stamp"
}

# recent_node: the test provider needs Node 20 or newer.
recent_node() { have node && node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'; }

packages_node() {
  have node || echo nodejs
  have npm || echo npm
}

# A distribution's Node may be too old; npm's package of it then goes into the cache,
# where tools/test.sh finds it.
node_itself() {
  local arch
  if ! recent_node && [[ ! -x .cache/node/bin/node ]]; then
    arch=$(node -p process.arch)
    npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefix .cache/node.new "node-linux-$arch@20.19.5"
    rm -rf .cache/node
    mv ".cache/node.new/node_modules/node-linux-$arch" .cache/node
    rm -rf .cache/node.new
  fi
}

make_node() {
  local modules=signontest/node_modules wanted
  node_itself
  wanted=$(cat signontest/package.json signontest/package-lock.json | sha256sum | cut -d' ' -f1)
  stamped "$modules" "$wanted" && return
  (cd signontest && npm ci --silent --no-audit --no-fund --ignore-scripts)
  printf '%s\n' "$wanted" >"$modules/.stamp"
}

packages_web() { packages_node; }

make_web() {
  local modules=web/node_modules wanted
  node_itself
  wanted=$(cat web/package.json web/package-lock.json | sha256sum | cut -d' ' -f1)
  stamped "$modules" "$wanted" && return
  (cd web && PATH=$PWD/../.cache/node/bin:$PATH npm ci --silent --no-audit --no-fund --ignore-scripts)
  printf '%s\n' "$wanted" >"$modules/.stamp"
}

packages_chromium() {
  [[ -n ${CHROMIUM:-} ]] || have chromium || have chromium-browser || have google-chrome || echo chromium
}

make_chromium() {
  [[ -z ${CHROMIUM:-} || -x $CHROMIUM ]] || die "CHROMIUM names $CHROMIUM, which cannot be run"
}

keycloak_wanted() { cat signontest/keycloak/VERSION; }

packages_java() {
  have java || echo default-jre-headless
  stamped .cache/keycloak "$(keycloak_wanted)" || have mvn || echo maven
}

make_java() { :; }

packages_keycloak() { :; }

# Keycloak is built once for its in-memory database: a start then needs one JVM
# and writes nothing into the cache. The folder is moved into place last.
make_keycloak() {
  local wanted target=.cache/keycloak fresh=.cache/keycloak.new
  wanted=$(keycloak_wanted)
  stamped "$target" "$wanted" && return
  rm -rf "$fresh"
  mkdir -p "$fresh"
  mvn --batch-mode --quiet org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact="org.keycloak:keycloak-quarkus-dist:$wanted:tar.gz" -DoutputDirectory="$PWD/$fresh"
  tar -C "$fresh" --strip-components=1 -xzf "$fresh/keycloak-quarkus-dist-$wanted.tar.gz"
  rm "$fresh/keycloak-quarkus-dist-$wanted.tar.gz"
  "$fresh/bin/kc.sh" build --db=dev-mem --health-enabled=false --metrics-enabled=false >"$fresh/build.log" 2>&1 ||
    die "Keycloak could not be built:"$'\n'"$(tail -n 20 "$fresh/build.log")"
  printf '%s\n' "$wanted" >"$fresh/.stamp"
  rm -rf "$target"
  mv "$fresh" "$target"
}

packages_kafka() {
  have java || echo default-jre-headless
  stamped .cache/kafka "$(kafka_wanted)" || have mvn || echo maven
}

kafka_wanted() { sha256sum <acceptance/kafka/pom.xml | cut -d' ' -f1; }

make_kafka() {
  local wanted target=.cache/kafka fresh=.cache/kafka.new
  wanted=$(kafka_wanted)
  stamped "$target" "$wanted" && return
  rm -rf "$fresh"
  mvn --batch-mode --quiet -f acceptance/kafka/pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$PWD/$fresh"
  printf '%s\n' "$wanted" >"$fresh/.stamp"
  rm -rf "$target"
  mv "$fresh" "$target"
}

opensearch_wanted() { cat internal/search/opensearch/testdata/server/* | sha256sum | cut -d' ' -f1; }

packages_opensearch() {
  have java || echo default-jre-headless
  stamped .cache/opensearch "$(opensearch_wanted)" && return
  have mvn || echo maven
  have javac || echo default-jdk-headless
}

make_opensearch() {
  local wanted target=.cache/opensearch fresh=.cache/opensearch.new server=internal/search/opensearch/testdata/server
  wanted=$(opensearch_wanted)
  stamped "$target" "$wanted" && return
  rm -rf "$fresh"
  mvn --batch-mode --quiet -f "$server/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$PWD/$fresh"
  javac -cp "$fresh/*" -d "$fresh" "$server/Server.java"
  printf '%s\n' "$wanted" >"$fresh/.stamp"
  rm -rf "$target"
  mv "$fresh" "$target"
}

install_packages() {
  if [[ $(id -u) != 0 ]] || ! have apt-get; then
    die "missing: $*. Install it (on Debian: apt-get install $*) and try again."
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

missing=()
for what in "$@"; do
  declare -F "packages_$what" >/dev/null || die "unknown: $what"
  read -r -d '' -a found < <("packages_$what") || true
  missing+=("${found[@]}")
done
[[ ${#missing[@]} == 0 ]] || install_packages "${missing[@]}"

makers=()
for what in "$@"; do
  "make_$what" &
  makers+=($!)
done
trap 'kill "${makers[@]}" 2>/dev/null || true' INT TERM
status=0
for maker in "${makers[@]}"; do
  wait "$maker" || status=1
done
exit "$status"
