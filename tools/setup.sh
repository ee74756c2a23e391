#!/usr/bin/env bash
# setup.sh WHAT...: makes sure that what a make target needs is there.
#   go        the Go tool chain (never installed for you)
#   cgo       a C compiler, which the race detector needs
#   postgres  PostgreSQL's server programs, which the client tests start
#   python    .cache/venv with the clients of acceptance/requirements.txt
#   node      Node and signontest/node_modules: test provider, browser driver
#   chromium  the browser; CHROMIUM names another than the one on the PATH
#   java      Java, and Maven for as long as Keycloak is not there
#   keycloak  .cache/keycloak, unpacked and built for starting quickly
# Debian packages are installed when this runs as root; otherwise the missing
# package is named. What is already there is left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

apt_updated=
apt_install() {
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    die "missing: $*. Install it (on Debian: apt-get install $*) and try again."
  fi
  if [[ -z $apt_updated ]]; then
    apt-get update -qq
    apt_updated=1
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

need_go() {
  command -v go >/dev/null ||
    die "Go is missing. Install Go $(sed -n 's/^go //p' go.mod) or newer from https://go.dev/dl/ and put it on the PATH."
}

need_cgo() {
  if ! command -v "${CC:-gcc}" >/dev/null && ! command -v cc >/dev/null; then
    apt_install gcc libc6-dev
  fi
}

need_postgres() {
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null ||
    apt_install postgresql postgresql-contrib
}

# The pinned clients run on Python 3.11 and 3.12. An unsuffixed python3 of such a
# version is taken first.
find_python() {
  local candidate
  for candidate in python3 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

# The stamp is written last, so a broken installation is made anew; it
# holds a digest of what was asked for, so a changed list rebuilds it too.
need_python() {
  local venv=.cache/venv python stamp
  stamp=$(cat acceptance/requirements.txt acceptance/constraints.txt | sha256sum | cut -d' ' -f1)
  if [[ -f $venv/.stamp && $(<"$venv/.stamp") == "$stamp" ]]; then
    return
  fi
  if ! python=$(find_python); then
    apt_install python3 python3-venv
    python=$(find_python) || die "neither Python 3.11 nor 3.12 found"
  fi
  mkdir -p .cache
  rm -rf "$venv"
  if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
    apt_install python3-venv
    rm -rf "$venv"
    "$python" -m venv "$venv"
  fi
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r acceptance/requirements.txt -c acceptance/constraints.txt
  printf '%s\n' "$stamp" >"$venv/.stamp"
}

# have_node: the test provider needs Node 20 or newer.
have_node() {
  command -v npm >/dev/null && command -v node >/dev/null &&
    node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'
}

need_node() {
  local modules=signontest/node_modules stamp
  if ! have_node; then
    apt_install nodejs npm
    have_node || die "Node 20 or newer is missing. Install it, put it on the PATH and try again."
  fi
  stamp=$(cat signontest/package.json signontest/package-lock.json | sha256sum | cut -d' ' -f1)
  if [[ -f $modules/.stamp && $(<"$modules/.stamp") == "$stamp" ]]; then
    return
  fi
  (cd signontest && npm ci --silent --no-audit --no-fund --ignore-scripts)
  printf '%s\n' "$stamp" >"$modules/.stamp"
}

need_chromium() {
  if [[ -n ${CHROMIUM:-} ]]; then
    [[ -x $CHROMIUM ]] || die "CHROMIUM names $CHROMIUM, which cannot be run"
    return
  fi
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null ||
    command -v google-chrome >/dev/null || apt_install chromium
}

have_keycloak() { cmp -s .cache/keycloak/.stamp signontest/keycloak/VERSION; }

need_java() {
  command -v java >/dev/null || apt_install openjdk-17-jre-headless
  have_keycloak || command -v mvn >/dev/null || apt_install maven
}

# Keycloak is built once for its in-memory database: a start then needs one JVM
# and writes nothing into the cache. The folder is moved into place last.
need_keycloak() {
  local version target=.cache/keycloak fresh=.cache/keycloak.new
  version=$(<signontest/keycloak/VERSION)
  need_java
  if have_keycloak; then
    return
  fi
  rm -rf "$fresh"
  mkdir -p "$fresh"
  mvn --batch-mode --quiet org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:tar.gz" -DoutputDirectory="$PWD/$fresh"
  tar -C "$fresh" --strip-components=1 -xzf "$fresh/keycloak-quarkus-dist-$version.tar.gz"
  rm "$fresh/keycloak-quarkus-dist-$version.tar.gz"
  "$fresh/bin/kc.sh" build --db=dev-mem --health-enabled=false --metrics-enabled=false >"$fresh/build.log" 2>&1 ||
    die "Keycloak could not be built:"$'\n'"$(tail -n 20 "$fresh/build.log")"
  printf '%s\n' "$version" >"$fresh/.stamp"
  rm -rf "$target"
  mv "$fresh" "$target"
}

for what in "$@"; do
  case $what in
    go | cgo | postgres | python | node | chromium | java | keycloak) "need_$what" ;;
    *) die "unknown: $what" ;;
  esac
done
