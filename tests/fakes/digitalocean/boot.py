"""Droplets that boot: each runs its user-data for real, in a folder and a process of its own.

As with the real ones, all that a droplet knows is its user-data, and all that it runs ends with
it. What it has not got is a root of its own: the paths of the user-data lead into its folder
(tests/cloud_init/booting.py), and the tools that need a kernel or a GPU are made up
(tests/cloud_init/shims). Its network is that of the machine.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cloud_init.machine import CLOUD_INIT, MIB, Machine
from tests.conftest import REPOSITORY
from tests.fakes.digitalocean.init import USER_DATA
from tests.fakes.digitalocean.power import descendants
from tests.fakes.digitalocean.world import Droplet, Volume, World
from tests.waiting import PATIENCE

#: The Python of a finished runtime: this one, with the kernels that it has compiled.
PYTHON = f"""#!/bin/sh
export NUMBA_CACHE_LOCATOR_CLASSES=tests.fakes.digitalocean.kernels.Checkout
export PYTHONPATH="$PYTHONPATH:{REPOSITORY}"
exec "{sys.executable}" "$@"
"""


class Datacentre:
    """Where the droplets and the volumes of a world really are."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world, self._folder = world, folder
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        world.on_boot, world.on_end = self._boot, self._end

    def folder(self, droplet: Droplet) -> Path:
        """What would be the root of a droplet's disk."""
        return self._folder / f"droplet-{droplet.id}"

    def console(self, droplet: Droplet) -> str:
        """What a droplet has printed so far."""
        return (self.folder(droplet) / "console").read_text(errors="replace")

    def processes(self, droplet: Droplet) -> list[int]:
        """The living processes of a droplet."""
        process = self._running.get(droplet.id)
        return [process.pid, *descendants(process.pid)] if process else []

    def add_volume(self, name: str, region: str, *, ready: bool) -> Volume:
        """Add a volume: empty, or with a finished runtime on its file system."""
        number = len(self._world.volumes)
        volume = Volume(f"vol-{number}", name, region, 40, self._world.clock())
        self._world.volumes.append(volume)
        files = self._files(volume)
        files.mkdir(parents=True)
        with (files.parent / "device").open("wb") as device:
            device.truncate(16 * MIB)
        if ready:
            subprocess.run(["/usr/sbin/mkfs.ext4", "-q", device.name], check=True)
            _finish_runtime(files)
        return volume

    def close(self) -> None:
        """Cut the power of all that still run."""
        for droplet in self._world.droplets:
            self._end(droplet)

    def _files(self, volume: Volume) -> Path:
        return self._folder / volume.id / "files"

    def _boot(self, droplet: Droplet) -> None:
        machine = Machine(self.folder(droplet))
        shutil.copy(Path(__file__).parent / "bin" / "systemctl", machine.shims)
        (machine.folder / USER_DATA).write_text(droplet.user_data)
        for volume in self._world.volumes:
            if volume.id in droplet.volumes:
                self._attach(machine, volume)
        wait = max(droplet.active_at - self._world.clock(), 0.0)
        self._running[droplet.id] = _power_up(machine, wait)

    def _attach(self, machine: Machine, volume: Volume) -> None:
        """Plug in the volume's device; what is mounted there are its files."""
        device = machine.device.with_name(f"scsi-0DO_Volume_{volume.name}")
        device.symlink_to(self._files(volume).with_name("device"))
        machine.mount.parent.mkdir(parents=True)
        machine.mount.symlink_to(self._files(volume))

    def _end(self, droplet: Droplet) -> None:
        process = self._running.pop(droplet.id, None)
        if process:
            assert process.stdin
            process.stdin.close()
            process.wait(PATIENCE)


@contextmanager
def datacentre(world: World, folder: Path) -> Iterator[Datacentre]:
    """Have the droplets of a world boot below a folder; at the end none of them runs."""
    centre = Datacentre(world, folder)
    try:
        yield centre
    finally:
        centre.close()


def _power_up(machine: Machine, wait: float) -> subprocess.Popen[bytes]:
    """Start a droplet's first process, `wait` seconds before it boots."""
    command = [sys.executable, "-m", "tests.fakes.digitalocean.init", str(machine.folder)]
    kept = ("PATH", "LANG", "FAKE", "FAKE_PYTHON", "SPLATBOT_DEVICES")
    environment = {name: machine.environment[name] for name in kept}
    with (machine.folder / "console").open("wb") as console:
        return subprocess.Popen(
            [*command, str(wait)], cwd=REPOSITORY, stdin=subprocess.PIPE,
            stdout=console, stderr=console, start_new_session=True,
            env=environment | {"SYSTEMD": f"systemd-{uuid.uuid4()}"},
        )  # fmt: skip


def _finish_runtime(place: Path) -> None:
    """Leave what provision.sh leaves for an H100: the runtime of this version, and its kernels."""
    lock = (CLOUD_INIT / "runtime.lock").read_bytes()
    runtime = place / "runtime" / hashlib.sha256(lock).hexdigest()[:16]
    for folder in (runtime / "bin", runtime / "venv" / "bin"):
        folder.mkdir(parents=True)
        (folder / "python").write_text(PYTHON)
        (folder / "python").chmod(0o755)
    (runtime / "kernels" / "9.0").mkdir(parents=True)
    for finished in (runtime, runtime / "kernels" / "9.0"):
        (finished / ".ready").touch()
