#!/usr/bin/env bash
# Builds one web page of ours: scripts/frontend.sh viewer | bot/sandbox/page | bot/web/upload/page
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/node.sh 20

cd "$1"
npm ci --no-audit --no-fund --loglevel=error
npm run --silent build -- --logLevel warn
