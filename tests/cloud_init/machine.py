"""A machine that boots and provisions for real, but in a folder, and with a few tools replaced.

`shims/` stands in front of PATH: uv, nvidia-smi, mount and their like are made up there and note
how they were called; bash, blkid, wipefs, cmp, flock, tar and mkfs.ext4 are the real ones.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.waiting import PATIENCE

CLOUD_INIT = REPOSITORY / "cloud-init"
SHIMS = Path(__file__).parent / "shims"
VOLUME = "runtime"
MIB = 1 << 20
COMPILERS = ("c++", "gcc")


class Machine:
    """A machine. `knobs` change how its tools behave: see shims/."""

    def __init__(self, folder: Path, *, volume: str = "") -> None:
        self.folder = folder
        self.volume = volume
        self.root = folder / "opt" / "splatbot"
        self.mount = folder / "mnt" / "splatbot"
        self.device = folder / "devices" / f"scsi-0DO_Volume_{VOLUME}"
        self.knobs = folder / "knobs"
        self.shims = folder / "shims"
        self.kit = folder / "kit"
        for each in (self.device.parent, self.knobs, self.kit):
            each.mkdir(parents=True)
        shutil.copytree(SHIMS, self.shims)
        shutil.copy(CLOUD_INIT / "provision.sh", self.kit)
        shutil.copy(CLOUD_INIT / "runtime.lock", self.kit)
        for compiler in COMPILERS:
            (self.shims / compiler).symlink_to("/bin/true")
        self.system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.shims}:{Path(sys.executable).parent}:{self.system}",
            "LANG": "C.UTF-8",
            "FAKE": str(self.knobs),
            "FAKE_PYTHON": sys.executable,
            "SPLATBOT_ROOT": str(self.root),
            "SPLATBOT_MOUNT": str(self.mount),
            "SPLATBOT_DEVICES": str(self.device.parent),
            "SPLATBOT_VOLUME": self.volume,
        }

    def turn(self, knob: str, value: str = "") -> None:
        (self.knobs / knob).write_text(value)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start provision.sh in a process group of its own."""
        return subprocess.Popen(
            ["bash", str(self.kit / "provision.sh"), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def provision(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run provision.sh to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def calls(self, tool: str = "") -> list[str]:
        """How the made-up tools were called, in order."""
        file = self.knobs / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line for line in lines if line.startswith(tool)]

    def forget_calls(self) -> None:
        (self.knobs / "calls").unlink(missing_ok=True)

    def runtime_env(self) -> Mapping[str, str]:
        lines = (self.root / "runtime.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def runtimes(self, place: Path | None = None) -> list[Path]:
        return sorted(((place or self.root) / "runtime").iterdir())

    def change_lock(self, comment: str) -> None:
        """A newer version of the bot, with another lock file."""
        with (self.kit / "runtime.lock").open("a") as lock:
            lock.write(f"# {comment}\n")

    def attach(self, first: bytes = b"") -> None:
        """Attach a volume: zeros, but for its first bytes."""
        with self.device.open("wb") as device:
            device.write(first)
            device.truncate(16 * MIB)


def hide_uv(machine: Machine) -> None:
    """An image without uv, as it is delivered."""
    (machine.shims / "uv").rename(machine.folder / "uv")


def hide_compilers(machine: Machine) -> None:
    """An image whose tools are all there but for compilers."""
    for compiler in COMPILERS:
        (machine.shims / compiler).unlink()
    tools = machine.folder / "tools"
    tools.mkdir()
    for tool in (tool for folder in machine.system.split(":") for tool in Path(folder).glob("*")):
        there = tools / tool.name
        if not re.match(r"gcc|cc|c\+\+|g\+\+|clang", tool.name) and not there.is_symlink():
            there.symlink_to(tool)
    machine.system = str(tools)


def release_of_uv(machine: Machine) -> None:
    """Put uv's release on the fake internet, with its digest in the lock file."""
    hide_uv(machine)
    file = machine.knobs / "uv.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(machine.folder / "uv", "uv-x86_64-unknown-linux-gnu/uv")
        archive.add(machine.shims / "python", "uv-x86_64-unknown-linux-gnu/python")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    lock = machine.kit / "runtime.lock"
    lock.write_text(re.sub(r"(?m)^#: uv-sha256 .*", f"#: uv-sha256 {digest}", lock.read_text()))


def age(folder: Path, seconds: float) -> None:
    """Make a runtime look older."""
    then = folder.stat().st_mtime - seconds
    os.utime(folder, (then, then))
