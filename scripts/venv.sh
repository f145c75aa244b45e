#!/usr/bin/env bash
# Makes .venv with the bot, the pipeline (CPU) and the developers' tools, at the versions of
# constraints.txt; `scripts/venv.sh empty` without any of them. Safe to repeat: it changes only what
# differs.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}

if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Splatbot needs Python 3.11 or newer. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
    exit 1
fi
# Debian ships venv without pip unless python3-venv is installed.
if ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
    scripts/packages.sh "python3-venv" || exit 1
fi
[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
[ "${1:-}" != empty ] || exit 0
echo "Installing Python packages into .venv: some minutes the first time."
# Not compiled: Python does that with what is imported, a small part of all.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[gpu,dev]'
touch .venv/.ready
