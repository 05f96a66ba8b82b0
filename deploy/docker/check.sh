#!/usr/bin/env bash
# Builds the image with docker or podman and runs it as docker-compose.yml does: read-only, no capabilities, no root, and
# here without a network too. Usage: deploy/docker/check.sh [DOCKERFILE [OPTIONS OF build…]]. Exit code 1 says what is wrong.
set -euo pipefail
cd "$(dirname "$0")/../.."
dockerfile=${1:-deploy/docker/Dockerfile}
shift || true

engine=""
for name in docker podman; do
  if "$name" info >/dev/null 2>&1; then engine=$name; break; fi
done
[ -n "$engine" ] || { echo "check.sh: no docker or podman answers here" >&2; exit 1; }

wrong() { echo "check.sh: $1" >&2; exit 1; }
run() {
  "$engine" run --rm --read-only --tmpfs /tmp:size=64m,mode=1777 --cap-drop ALL --security-opt no-new-privileges \
    --network none "$@"
}

format=()
[ "$engine" = docker ] || format=(--format docker)  # else podman drops the health check
"$engine" build "${format[@]}" "$@" -t bellwether:check -f "$dockerfile" .

run bellwether:check --version | grep -q '^bellwether, version ' || wrong "the entry point does not answer"
[ "$(run --entrypoint id bellwether:check -u)" = 10001 ] || wrong "it runs as another user than 10001"
for place in / /opt /opt/bellwether /usr /home; do
  if run --entrypoint touch bellwether:check "$place/x" 2>/dev/null; then wrong "$place can be written to"; fi
done
run --entrypoint touch bellwether:check /tmp/x || wrong "/tmp cannot be written to"
run --entrypoint python bellwether:check -c 'import streams.intake, streams.monitor, streams.store.app, streams.web.app' \
  || wrong "a worker could not be started"
if run --entrypoint python bellwether:check /opt/livez.py 1/livez >/dev/null; then wrong "it is well without a worker"; fi
if said=$(run bellwether:check worker 2>&1); then wrong "a worker without a broker ends well: $said"; fi
if grep -q Traceback <<<"$said"; then wrong "a worker without a broker shows a trace"; fi
"$engine" image inspect bellwether:check --format '{{.Config.Healthcheck}}' | grep -q livez || wrong "no health check in the image"
echo "well: $("$engine" image inspect bellwether:check --format '{{.Size}}') bytes with its base, built and run by $engine"
