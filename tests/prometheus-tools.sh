#!/usr/bin/env bash
# promtool and amtool for the tests of rules and routes: Debian's packages, unpacked into a folder. Nothing is installed, and no
# service is started. Usage: tests/prometheus-tools.sh FOLDER; the programs are in FOLDER/usr/bin.
set -euo pipefail
to=${1:?say which folder}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "no apt-get and dpkg-deb here" >&2; exit 1; }
mkdir -p "$to"
cd "$to"
packages="prometheus prometheus-alertmanager"
# shellcheck disable=SC2086
if ! apt-get download -q $packages; then
  [ "$(id -u)" = 0 ] || { echo "apt-get knows no such packages; run apt-get update as root" >&2; exit 1; }
  apt-get update -q
  apt-get download -q $packages
fi
for package in *.deb; do dpkg-deb -x "$package" .; done
rm -f ./*.deb
