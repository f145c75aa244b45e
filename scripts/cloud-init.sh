#!/usr/bin/env bash
# What the tests check cloud-init's files with: Debian's cloud-init, and shellcheck.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
for name in cloud-init shellcheck; do
    command -v "$name" >/dev/null || missing+=("$name")
done
[ ${#missing[@]} = 0 ] || scripts/packages.sh "${missing[@]}"
