#!/usr/bin/env bash
# start.sh PORT WORKDIR: a Keycloak on 127.0.0.1:PORT that keeps everything in memory.
# What it has to write goes below WORKDIR; KEYCLOAK_HOME is the unpacked server that
# "tools/setup.sh keycloak" makes. The script becomes the server, whose line
# "Listening on: ..." tells that it is ready. The administrator is admin, admin.
set -euo pipefail
port=$1
work=$2
home=${KEYCLOAK_HOME:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.cache/keycloak}

mkdir -p "$work"
for part in conf lib providers themes; do
  ln -sfn "$home/$part" "$work/$part"
done

# A small server that starts fast: few threads, one simple collector, the quick compiler.
export JAVA_OPTS="-Xms64m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError -Dfile.encoding=UTF-8"
export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin
exec "$home/bin/kc.sh" start --optimized "-Dkc.home.dir=$work" \
  --http-enabled=true --http-host=127.0.0.1 --http-port="$port" --hostname-strict=false \
  --cache=local --log=console --log-level=warn,io.quarkus:info
