#!/usr/bin/env bash
# Installs Debian packages when we are allowed to; else says which ones are missing. One call waits
# for another: apt does not.
set -euo pipefail
exec 9<"$0"
! command -v flock >/dev/null || flock 9
sudo=""
if [ "$(id -u)" != 0 ]; then
    sudo="sudo -n"
    if ! sudo -n true 2>/dev/null; then
        echo "Missing packages. Please run: sudo apt-get install $*" >&2
        exit 1
    fi
fi
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
