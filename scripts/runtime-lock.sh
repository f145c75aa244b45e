#!/usr/bin/env bash
# Makes cloud-init/runtime.lock anew: the versions of constraints.txt, with hashes, for the GPU
# machines (Linux, x86-64). The head of the file, with the pins of uv and Python, stays. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=cloud-init/runtime.lock
made=$(mktemp)
trap 'rm -f "$made"' EXIT

python=$(sed -n 's/^#: python //p' "$lock")
grep '^#' "$lock" >"$made"
uv pip compile cloud-init/runtime.in --constraints constraints.txt \
    --python-version "$python" --python-platform x86_64-manylinux_2_28 \
    --only-binary :all: --generate-hashes --no-annotate --no-header --no-python-downloads --quiet >>"$made"
cp "$made" "$lock"
