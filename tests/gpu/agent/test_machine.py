"""What the agent is told at boot, what it measures, and what it needs: next to nothing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gpu.agent import watchdog
from gpu.agent.__main__ import BAD_CONFIG, main
from gpu.agent.config import FOLDER, ROOT, BadConfig, Config
from gpu.agent.heartbeat import figures
from gpu.job import InvalidValue, SplatError
from tests.conftest import REPOSITORY
from tests.waiting import PATIENCE

WHOLE = {
    "job": "b1", "fence": 2, "key": "f00d" * 16, "bot_url": "https://bot.example.com/splat/",
    "deadline": 1_790_000_000, "bundle_url": "https://store.example.com/x?sig=1",
}  # fmt: skip

MODULES = sorted(f"gpu.agent.{file.stem}" for file in (REPOSITORY / "gpu" / "agent").glob("*.py"))

#: Imports every module of the agent where nothing but the standard library can be found, and
#: prints what of the project was imported.
IMPORTS = f"""
import importlib, sys
sys.path.insert(0, {str(REPOSITORY)!r})
for name in {MODULES!r}:
    importlib.import_module(name)
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("gpu", "bot")))
"""


def written(tmp_path: Path, **changes: object) -> Path:
    file = tmp_path / "job.json"
    values = {name: v for name, v in (WHOLE | changes).items() if v is not None}
    file.write_text(json.dumps(values))
    return file


def test_a_configuration_is_read_with_its_defaults(tmp_path: Path) -> None:
    config = Config.read(written(tmp_path))
    assert (config.job, config.fence, config.deadline) == ("b1", 2, 1_790_000_000)
    assert config.bot_url == "https://bot.example.com/splat"
    assert (str(config.root), str(config.folder), config.volume) == (ROOT, FOLDER, "")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("job", None), ("job", "../up"), ("job", 7), ("fence", None), ("fence", 0),
        ("fence", "2"), ("key", ""), ("key", None), ("bot_url", "ftp://bot"), ("bot_url", "bot"),
        ("bot_url", "http://bot:port"), ("deadline", None), ("deadline", "soon"),
        ("deadline", True), ("deadline", float("nan")), ("root", 3), ("volume", 3),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(tmp_path: Path, field: str, value: object) -> None:
    with pytest.raises(SplatError, match=field):
        Config.read(written(tmp_path, **{field: value}))


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_a_damaged_configuration_is_one_sentence_and_no_restart(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "job.json"
    file.write_text(text)
    mask = os.umask(0o022)
    try:
        assert main([str(file)]) == BAD_CONFIG
        assert main([str(tmp_path / "none.json")]) == BAD_CONFIG
    finally:
        os.umask(mask)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all("configuration" in line for line in said)


def test_the_key_does_not_show(tmp_path: Path) -> None:
    assert "f00d" not in repr(Config.read(written(tmp_path)))
    assert issubclass(BadConfig, SplatError)
    assert issubclass(InvalidValue, SplatError)


def said(*lines: str) -> object:
    def run(command: Sequence[str]) -> str:
        assert command[0] == "nvidia-smi"
        return "\n".join(lines)

    return run


def test_a_heartbeat_says_how_the_machine_is(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   250 kB\nHugePages: 0\n")
    run = said("NVIDIA RTX 4000 Ada, the small one, 97, 5120, 20480", "another GPU, 1, 1, 2")
    measured = dict(figures(tmp_path, run=run, meminfo=meminfo))  # type: ignore[arg-type]
    disk = measured.pop("disk")
    assert measured == {
        "gpu_name": "NVIDIA RTX 4000 Ada, the small one", "gpu": 97.0, "gpu_memory": 25.0,
        "memory": 75.0,
    }  # fmt: skip
    assert isinstance(disk, float)
    assert 0 < disk < 100


def hangs(command: Sequence[str]) -> str:
    raise subprocess.TimeoutExpired(command, 5)


def is_absent(command: Sequence[str]) -> str:
    raise FileNotFoundError(command[0])


@pytest.mark.parametrize(
    "run",
    [hangs, is_absent, said(), said("no devices"), said("A, [N/A], 1, 2"), said("A, 1, 1, 0")],
)
def test_what_can_not_be_measured_is_left_out(tmp_path: Path, run: object) -> None:
    measured = figures(tmp_path / "none", run=run, meminfo=tmp_path / "none")  # type: ignore[arg-type]
    assert measured == {}


def test_this_machine_can_be_measured() -> None:
    measured = figures(Path("/"))
    assert 0 < float(measured["memory"]) < 100


def test_systemd_hears_that_the_agent_lives(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(PATIENCE)
        watchdog.notify(env={"NOTIFY_SOCKET": address})
        assert systemd.recv(100) == b"WATCHDOG=1"
    watchdog.notify(env={"NOTIFY_SOCKET": address})  # nobody listens any more
    watchdog.notify(env={})


def test_the_agent_needs_the_standard_library_and_the_job_alone() -> None:
    command = [sys.executable, "-I", "-S", "-c", IMPORTS]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    others = [name for name in found if not name.startswith(("gpu.agent", "gpu.job"))]
    # Events have one writer, also where the agent writes them (gpu.report).
    assert others == ["gpu", "gpu.report", "gpu.stage"]
