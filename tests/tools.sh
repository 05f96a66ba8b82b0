#!/usr/bin/env bash
# The programs that tests drive and that no Python package brings: promtool and amtool, unpacked beside the .venv's own, and a
# Chromium from the system's packages. What cannot be had is said here; the tests that need it are skipped, and say so again.
set -uo pipefail
cd "$(dirname "$0")/.."

missing() { command -v "$1" >/dev/null || [ -x ".venv/prometheus/usr/bin/$1" ] && return 1 || return 0; }
if missing promtool || missing amtool; then
  echo "== fetching promtool and amtool"
  tests/prometheus-tools.sh .venv/prometheus >/dev/null || echo "!! no promtool and amtool: rules and routes are NOT CHECKED"
fi

if ! command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "== installing Chromium"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium; } >/dev/null 2>&1
  fi
  command -v chromium >/dev/null || echo "!! no Chromium: the page is NOT TESTED in a browser; install the package chromium"
fi
exit 0
