#!/usr/bin/env bash
# Triton, in the droplet's version, for tests of the GPU's kernels: its interpreter runs them on the
# CPU. In .triton/ and not in .venv: nothing else needs its 600 MB.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=$(sed -n 's/^\(triton==[0-9.]*\).*/\1/p' cloud-init/runtime.lock)
[ -n "$wanted" ] || { echo "cloud-init/runtime.lock names no version of triton" >&2; exit 1; }
[ "$(cat .triton/.version 2>/dev/null || true)" != "$wanted" ] || exit 0
rm -rf .triton
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --target .triton "$wanted"
echo "$wanted" > .triton/.version
