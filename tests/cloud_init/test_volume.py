"""A volume is formatted only when it is proven to be empty, and never needed to go on."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cloud_init.machine import MIB, VOLUME, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, volume=VOLUME)


def file_system(device: Path) -> str:
    command = ["/usr/sbin/blkid", "-p", "-o", "value", "-s", "TYPE", str(device)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def assert_untouched(machine: Machine, before: bytes) -> None:
    assert machine.calls("mkfs") == []
    assert machine.device.read_bytes() == before


def test_an_empty_volume_is_formatted_once(machine: Machine) -> None:
    machine.attach()
    assert machine.provision().returncode == 0
    assert file_system(machine.device) == "ext4"
    (machine.knobs / "mounted").unlink()  # the next job's machine
    assert machine.provision().returncode == 0
    (formatted,) = machine.calls("mkfs")
    assert "-F" not in formatted.split()
    assert len(machine.calls("mount")) == 2


def test_the_next_machine_finds_the_runtime_on_the_volume(machine: Machine, tmp_path: Path) -> None:
    machine.attach()
    machine.provision()
    other = Machine(tmp_path / "other", volume=VOLUME)
    os.link(machine.device, other.device)
    other.mount.parent.mkdir()
    machine.mount.rename(other.mount)
    done = other.provision()
    assert done.stdout.splitlines()[0] == "The runtime is there."
    assert other.calls("uv") == []
    assert other.runtimes(other.mount)


@pytest.mark.parametrize("mount", ["works", "fails"])
def test_a_volume_with_a_file_system_is_never_formatted(machine: Machine, mount: str) -> None:
    machine.attach()
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", str(machine.device)], check=True)
    before = machine.device.read_bytes()
    if mount == "fails":
        machine.turn("refuse-mount")
    assert machine.provision().returncode == 0
    assert_untouched(machine, before)


@pytest.mark.parametrize("offset", [0, 512, MIB - 1])
def test_bytes_that_no_tool_knows_are_somebodys_data(machine: Machine, offset: int) -> None:
    machine.attach(bytes(offset) + b"\x01")
    machine.turn("refuse-mount")
    before = machine.device.read_bytes()
    done = machine.provision()
    assert done.returncode == 0
    assert_untouched(machine, before)
    assert "wrong fs type" in done.stdout
    assert "it stays as it is" in done.stdout
    assert "boot disk" in done.stdout


def test_a_signature_behind_the_zeros_is_seen(machine: Machine) -> None:
    """Software RAID keeps its label at the end of the disk; all before it may be zeros."""
    machine.attach()
    size = machine.device.stat().st_size
    label = (0xA92B4EFC).to_bytes(4, "little") + (0).to_bytes(4, "little")
    label += (90).to_bytes(4, "little")  # version 0.90
    with machine.device.open("r+b") as device:
        device.seek((size & ~0xFFFF) - 0x10000)
        device.write(label)
    before = machine.device.read_bytes()
    assert file_system(machine.device) == "linux_raid_member"
    machine.turn("refuse-mount")
    machine.provision()
    assert_untouched(machine, before)


@pytest.mark.parametrize("tool", ["blkid", "wipefs", "cmp"])
def test_a_tool_that_fails_proves_nothing(machine: Machine, tool: str) -> None:
    machine.attach()
    broken = machine.shims / tool
    broken.write_text("#!/bin/sh\necho broken >&2\nexit 4\n")
    broken.chmod(0o755)
    before = machine.device.read_bytes()
    assert machine.provision().returncode == 0
    assert_untouched(machine, before)


def test_without_its_volume_a_job_goes_on_on_the_boot_disk(machine: Machine) -> None:
    done = machine.provision()
    assert done.returncode == 0
    assert done.stdout.startswith(f"The volume {VOLUME} is not attached.\nGoing on on the boot")
    assert Path(machine.runtime_env()["PYTHON"]).is_relative_to(machine.root)


def test_a_mounted_volume_is_not_mounted_again(machine: Machine) -> None:
    machine.attach()
    machine.provision("python")
    machine.provision()
    assert len(machine.calls("mount")) == 1
    assert Path(machine.runtime_env()["PYTHON"]).is_relative_to(machine.mount)
