#!/usr/bin/env bash
# The browser for the end-to-end tests: the distribution's Chromium, without windows where there is
# one (Debian): a page of it takes three fifths of the processor's time.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v chromium-headless-shell >/dev/null && exit 0
scripts/packages.sh chromium-headless-shell fonts-dejavu-core 2>/dev/null && exit 0
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
scripts/packages.sh chromium fonts-dejavu-core
