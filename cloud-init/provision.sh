#!/usr/bin/env bash
# Makes the runtime of the pipeline on this machine, or finds the one that is there.
#
#   provision.sh           mounts the volume, then makes what is missing: Python, the packages of
#                          runtime.lock, gsplat's kernels. Writes $SPLATBOT_ROOT/runtime.env, with
#                          PYTHON to run the pipeline with, and TORCH_EXTENSIONS_DIR and
#                          TORCH_CUDA_ARCH_LIST, which have to be in its environment.
#   provision.sh python    mounts the volume and links $SPLATBOT_ROOT/bin/python to some Python of
#                          3.11 or newer: enough for what needs the standard library alone.
#
# Environment: SPLATBOT_VOLUME (name of the volume; none: the boot disk), SPLATBOT_ROOT,
# SPLATBOT_MOUNT, SPLATBOT_DEVICES. Safe to repeat, to kill, and to run twice at once.
#
# Standard output has one plain line a step, for people; the last one says what failed and what to
# do. What the tools print goes to standard error.
#
#   <volume or root>/runtime/<digest of runtime.lock>/    one runtime; `.ready` is written last
#       bin/python                 runs the Python of venv/, where the packages are
#       kernels/<capability>/      gsplat compiled for such a GPU; a `.ready` of its own
#   <volume or root>/pythons/      uv's Pythons
set -euo pipefail

lock=$(cd "$(dirname "$0")" && pwd)/runtime.lock
root=${SPLATBOT_ROOT:-/opt/splatbot}
mount_point=${SPLATBOT_MOUNT:-/mnt/splatbot}
volume=${SPLATBOT_VOLUME:-}
device=${SPLATBOT_DEVICES:-/dev/disk/by-id}/scsi-0DO_Volume_$volume

again="Start the job again."
doing="Setting up" remedy=$again reason=""

say() { printf '%s\n' "$*"; }

# Says what is done now, and remembers what a person can do when it fails.
step() {
    doing=$1 remedy=${2:-$again}
    say "$doing"
}

fail() {
    reason=$1 remedy=$2
    exit 1
}

# A failure's last line, whatever it was that failed; short, as people are shown 200 characters.
at_exit() {
    local status=$?
    doing=${doing#\[*\] } doing=${doing%%:*} reason=${reason:0:70}
    [ "$status" = 0 ] || say "Failed: ${doing%.} (${reason:-exit status $status}). $remedy"
}
trap at_exit EXIT

# Runs a tool; its last words are the reason when it fails.
tool() {
    local words status=0
    words=$(mktemp)
    "$@" 2>&1 </dev/null | tee "$words" >&2 || status=$?
    [ "$status" = 0 ] || reason=$(grep -v '^[[:space:]]*$' "$words" | tail -n 1 || true)
    rm -f "$words"
    return "$status"
}

pinned() { sed -n "s/^#: $1 //p" "$lock"; }

# --- the volume ---------------------------------------------------------------------------------

# Whether it is proven that nothing is on a device: no signature is known of it to either of two
# tools, and its first MiB is zeros. A tool that fails proves nothing.
is_blank() {
    local status=0 found
    blkid -p "$1" >&2 || status=$?
    [ "$status" = 2 ] || return 1
    found=$(wipefs -n "$1") && [ -z "$found" ] || return 1
    cmp -s -n 1048576 "$1" /dev/zero
}

# Waits a little for the device: a volume may be attached while the machine boots.
has_device() {
    local tries
    for ((tries = 0; tries < 30; tries++)); do
        [ ! -e "$device" ] || return 0
        sleep 1
    done
    return 1
}

mount_volume() {
    if ! has_device; then
        say "The volume $volume is not attached."
        return 1
    fi
    if is_blank "$device"; then
        say "Formatting the volume $volume, which is empty."
        tool mkfs.ext4 -q "$device" || true # mount says whether it worked
    fi
    mkdir -p "$mount_point"
    tool mount -o noatime "$device" "$mount_point" && return 0
    say "The volume $volume can not be mounted (${reason:-no reason given}); it stays as it is."
    return 1
}

# Sets where the runtime lives. Without the volume the job takes longer, but goes on.
choose_place() {
    place=$root
    if [ -z "$volume" ]; then
        return
    elif mountpoint --quiet "$mount_point" || mount_volume; then
        place=$mount_point
    else
        say "Going on on the boot disk: everything is installed anew."
    fi
    reason=""
}

# --- Python and packages ------------------------------------------------------------------------

# Sets `uv` to the pinned uv: one that is installed, or the release of its makers.
find_uv() {
    local version archive
    version=$(pinned uv)
    uv=$(command -v uv || true)
    [[ -z $uv || $("$uv" --version) != "uv $version"* ]] || return 0
    uv=$root/uv-$version/uv
    [ ! -x "$uv" ] || return 0
    step "Getting uv $version." "Check that machines may reach github.com, then start the job again."
    archive=$(mktemp)
    tool curl --proto =https --fail --silent --show-error --location --retry 5 --retry-all-errors \
        --connect-timeout 15 --max-time 300 --output "$archive" \
        "https://github.com/astral-sh/uv/releases/download/$version/uv-x86_64-unknown-linux-gnu.tar.gz"
    echo "$(pinned uv-sha256)  $archive" | sha256sum --check --status ||
        fail "the download is not what runtime.lock expects" "Make runtime.lock anew, or try again."
    rm -rf "$root/uv.part" && mkdir -p "$root/uv.part"
    tar -xzf "$archive" -C "$root/uv.part" --strip-components 1 --no-same-owner
    mv -T "$root/uv.part" "$root/uv-$version"
    rm -f "$archive"
}

# Links a Python for the agent: that of the runtime, the image's own, or one of uv's.
link_python() {
    local found new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
    if [ -e "$runtime/.ready" ]; then
        found=$runtime/venv/bin/python
    elif python3 -c "$new_enough" 2>/dev/null; then
        found=$(command -v python3)
    else
        find_uv
        step "Getting Python $(pinned python)."
        tool "$uv" python install --no-bin "$(pinned python)"
        found=$("$uv" python find --managed-python --no-project "$(pinned python)")
    fi
    mkdir -p "$root/bin"
    ln -sfn "$found" "$root/bin/python"
}

build_runtime() {
    rm -rf "$runtime" # what is there without a stamp was not finished
    mkdir -p "$runtime"
    find_uv
    step "[1/3] Installing Python $(pinned python)."
    tool "$uv" venv --managed-python --no-project --python "$(pinned python)" "$runtime/venv"
    step "[2/3] Installing torch, gsplat, pycolmap and what they need: some GB, a few minutes." \
        "If the disk is full, use a bigger volume; else start the job again."
    tool "$uv" pip sync --python "$runtime/venv/bin/python" --require-hashes --no-build \
        --compile-bytecode "$lock"
    write_python "$(printf '%s\n' "$runtime"/venv/lib/python3*/site-packages/nvidia/cu13)"
    rm -rf "$UV_CACHE_DIR"
    stamp "$runtime"
}

# gsplat looks for the CUDA compiler and ninja whenever it is imported, and compiles anew when they
# are not where they were. So they are part of this Python.
write_python() {
    ln -sfn libcudart.so.13 "$1/lib/libcudart.so" # a name that the linker wants
    mkdir -p "$runtime/bin"
    {
        echo '#!/bin/sh'
        printf 'export CUDA_HOME=%q\n' "$1"
        printf "PATH=%q:%q:\$PATH\n" "$runtime/venv/bin" "$1/bin"
        printf 'exec %q "$@"\n' "$runtime/venv/bin/python"
    } >"$runtime/bin/python"
    chmod 755 "$runtime/bin/python"
}

# Written last, and after everything else is on the disk: a machine may be destroyed at any time.
stamp() {
    sync --file-system "$1"
    touch "$1/.ready"
    sync --file-system "$1"
}

# Keeps this runtime and the newest other one, for a bot that goes back to its last version.
remove_old() {
    local other kept=0
    while read -r _ other; do
        [ "$other" != "$runtime" ] || continue
        if [ "$kept" = 0 ] && [ -e "$other/.ready" ]; then
            kept=1
        else
            say "Removing an old runtime (${other##*/})."
            rm -rf "$other"
        fi
    done < <(find "$place/runtime" -mindepth 1 -maxdepth 1 -type d -regextype posix-extended \
        -regex '.*/[0-9a-f]{16}' -printf '%T@ %p\n' | sort -rn)
}

# --- the GPU ------------------------------------------------------------------------------------

ask_gpu() { nvidia-smi "--query-gpu=$1" --format=csv,noheader | head -n 1; }

# Sets `capability`. A driver may take a while after the boot.
find_gpu() {
    local tries driver use="Use a size with an NVIDIA GPU and an image that has its driver (SPLATBOT_IMAGE)."
    doing="Looking for the GPU"
    for ((tries = 0; tries < 30; tries++)); do
        capability=$(ask_gpu compute_cap 2>/dev/null || true)
        [[ ! $capability =~ ^[0-9]+\.[0-9]+$ ]] || break
        sleep 2
    done
    [ "$tries" -lt 30 ] || fail "nvidia-smi shows none" "$use"
    driver=$(ask_gpu driver_version)
    [ "${driver%%.*}" -ge "$(pinned driver)" ] ||
        fail "driver $driver is older than $(pinned driver)" "Use a newer image (SPLATBOT_IMAGE)."
}

# gsplat's kernels are compiled with it once; Triton compiles what starts its own in every job.
find_compiler() {
    if ! command -v c++ >/dev/null || ! { command -v gcc || command -v clang; } >/dev/null; then
        step "Installing a C++ compiler." "Use an image with a C++ compiler (SPLATBOT_IMAGE)."
        tool apt-get update -q
        tool env DEBIAN_FRONTEND=noninteractive \
            apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends g++ libc6-dev
    fi
}

# A job would otherwise wait for minutes when it first imports gsplat. Drawing one Gaussian proves
# that torch, the driver and the kernels fit together.
compile_kernels() {
    [ ! -e "$TORCH_EXTENSIONS_DIR/.ready" ] || return 0
    rm -rf "$TORCH_EXTENSIONS_DIR"
    mkdir -p "$TORCH_EXTENSIONS_DIR"
    step "[3/3] Compiling gsplat's kernels for compute capability $capability: some minutes, once." \
        "Start the job again; if it stays, remove the runtime's folder."
    tool env "MAX_JOBS=$(nproc)" "$PYTHON" -c "$draw_one"
    stamp "$TORCH_EXTENSIONS_DIR"
}

draw_one='
import torch
from gsplat import rasterization
one = torch.ones(1, 3, device="cuda", requires_grad=True)
turn = torch.tensor([[1.0, 0.0, 0.0, 0.0]], device="cuda")
lens = torch.tensor([[[32.0, 0.0, 16.0], [0.0, 32.0, 16.0], [0.0, 0.0, 1.0]]], device="cuda")
eye = torch.eye(4, device="cuda")[None]
picture, _, _ = rasterization(one, turn, one, one[:, 0], one[:, None], eye, lens, 32, 32, sh_degree=0)
picture.sum().backward()
torch.cuda.synchronize()
'

set_environment() {
    PYTHON=$runtime/bin/python
    export TORCH_EXTENSIONS_DIR=$runtime/kernels/$capability TORCH_CUDA_ARCH_LIST=$capability
}

write_environment() {
    local name
    for name in PYTHON TORCH_EXTENSIONS_DIR TORCH_CUDA_ARCH_LIST; do
        printf '%s=%s\n' "$name" "${!name}"
    done >"$root/runtime.env.part"
    mv "$root/runtime.env.part" "$root/runtime.env"
}

# ------------------------------------------------------------------------------------------------

mkdir -p "$root"
exec 9>"$root/provision.lock"
if ! flock --nonblock 9; then
    step "Waiting: another set-up is under way on this machine."
    flock --timeout 3600 9 || fail "it took more than an hour" "$again"
fi
choose_place
runtime=$place/runtime/$(sha256sum "$lock" | cut -c 1-16)
export UV_PYTHON_INSTALL_DIR=$place/pythons UV_CACHE_DIR=$runtime/cache UV_NO_CONFIG=1 UV_NO_PROGRESS=1

if [ "${1:-}" = python ]; then
    link_python
    exit
fi
find_gpu
if [ -e "$runtime/.ready" ]; then
    say "The runtime is there."
else
    build_runtime
    remove_old
fi
set_environment
find_compiler
compile_kernels
write_environment
say "The runtime is ready (compute capability $capability)."
