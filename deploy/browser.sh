#!/bin/sh
# Says where a Chromium is, for tests/browser; where there is none, installs Debian's, if that is allowed here.
# Exit code 1 and a line on stderr when it can not be had: those tests are then skipped, and say so.
set -u
find_it() {
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" && return 0
    done
    return 1
}
find_it && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } >&2 && find_it && exit 0
fi
echo "There is no Chromium, and it can not be installed here: as root, apt-get install chromium" >&2
exit 1
