"""What the machine is set up with is what the agent reads."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot.compute.userdata import PLACES, render
from bot.core.limits import SILENCE
from gpu.agent.__main__ import BAD_CONFIG, RUNS_ALREADY
from gpu.agent.agent import GOODBYE
from gpu.agent.child import GRACE
from gpu.agent.config import FOLDER, ROOT, Config
from gpu.agent.prepare import provisioning, read_runtime
from gpu.agent.transport import Limits
from tests.cloud_init.booting import files_of, write
from tests.cloud_init.machine import VOLUME, Machine
from tests.compute.test_userdata import VALUES


def config_of(machine: Machine) -> Config:
    write(machine, render(replace(VALUES, volume=VOLUME)))
    return Config.read(machine.folder / "etc" / "splatbot" / "job.json")


def test_the_agent_reads_the_values_of_the_user_data(tmp_path: Path) -> None:
    config = config_of(Machine(tmp_path))
    told = (config.job, config.fence, config.key, config.bot_url, config.deadline, config.volume)
    values = (VALUES.job, VALUES.fence, VALUES.key, VALUES.bot_url, VALUES.deadline, VOLUME)
    assert told == values
    assert {"root": ROOT, "folder": FOLDER} == PLACES
    assert config.root == tmp_path / "opt" / "splatbot"


def test_the_agent_finds_what_was_provisioned(tmp_path: Path) -> None:
    machine = Machine(tmp_path, volume=VOLUME)
    machine.attach()
    config = config_of(machine)
    config.bundle.mkdir(parents=True)
    machine.kit.rename(config.bundle / "cloud-init")
    _, environment = provisioning(config)
    assert environment["SPLATBOT_ROOT"] == machine.environment["SPLATBOT_ROOT"]
    assert environment["SPLATBOT_VOLUME"] == VOLUME
    machine.kit = config.bundle / "cloud-init"
    machine.provision()
    runtime: Mapping[str, str] = read_runtime(config.root / "runtime.env")
    digest = hashlib.sha256((machine.kit / "runtime.lock").read_bytes()).hexdigest()[:16]
    assert runtime["PYTHON"] == f"{machine.mount}/runtime/{digest}/bin/python"
    assert runtime == machine.runtime_env()


def service() -> str:
    return str(files_of(render(VALUES))["/etc/systemd/system/splatbot-job.service"]["content"])


def seconds(name: str) -> float:
    """Return a span of time that the agent's unit sets."""
    [line] = [line for line in service().splitlines() if line.startswith(f"{name}=")]
    return float(line.partition("=")[2])


def test_an_agent_that_crashes_or_hangs_is_started_again_before_the_bot_gives_it_up() -> None:
    assert "Type=notify\n" in service()
    assert "Restart=on-failure\n" in service()
    assert seconds("RestartSec") + seconds("WatchdogSec") < SILENCE


def test_a_shutdown_leaves_the_agent_time_to_end_the_pipeline_and_to_tell() -> None:
    assert seconds("TimeoutStopSec") > GRACE + GOODBYE + Limits().total
    assert "KillMode=process\n" in service()


def test_an_agent_that_need_not_be_started_again_is_not() -> None:
    unit = service()
    assert f"RestartPreventExitStatus={BAD_CONFIG} {RUNS_ALREADY}\n" in unit
