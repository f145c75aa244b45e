#!/usr/bin/env bash
# An independent Slack emulator for the tests: emulate (npm), which needs Node 24 or newer. The tests
# call it as .node/bin/node.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/node.sh 24

mkdir -p .node/bin
ln -sf "$(command -v node)" .node/bin/node
npm ci --prefix tests/emulator --no-audit --no-fund --loglevel=error
