#!/usr/bin/env bash
# The programs that tests drive and that no Python package brings: promtool and amtool, unpacked into .venv, and a Chromium of the
# system's. What cannot be had is said here; the tests that need it are skipped, and say so again.
set -uo pipefail
cd "$(dirname "$0")/.."

have() { command -v "$1" >/dev/null || [ -x ".venv/prometheus/usr/bin/$1" ]; }
if ! { have promtool && have amtool; }; then
  echo "== fetching promtool and amtool"
  tests/prometheus-tools.sh .venv/prometheus >/dev/null || echo "!! no promtool and amtool: rules and routes are NOT CHECKED"
fi
sh deploy/browser.sh >/dev/null || echo "!! no Chromium: the page is NOT TESTED in a browser"
exit 0
