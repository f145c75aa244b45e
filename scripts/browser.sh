#!/usr/bin/env bash
# The browser for the end-to-end tests: the distribution's Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
scripts/packages.sh chromium fonts-dejavu-core
