"""A simulated droplet does what its user-data say, and nothing of it is left when it is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.fakes.digitalocean.boot import Datacentre, datacentre
from tests.fakes.digitalocean.world import SIZES, Droplet, World
from tests.waiting import await_that

UNIT = """
[Unit]
StartLimitBurst=3
StartLimitIntervalSec=60
[Service]
Type=notify
Environment=LETTER=a "WORD=b c"
WorkingDirectory=/opt/splatbot
ExecStart=bash /opt/splatbot/service.sh
Restart=on-failure
RestartSec=0.05
RestartPreventExitStatus=3
"""

#: What a service does to tell systemd that it is ready (sd_notify(3)).
READY = """python3 -c 'import os, socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(
b"READY=1", os.environ["NOTIFY_SOCKET"].replace("@", chr(0)))'
"""
FOR_EVER = "exec tail -f /dev/null\n"


@pytest.fixture
def world() -> World:
    return World(clock=time.time, booting=0.0, dying=0.0)


@pytest.fixture
def centre(world: World, tmp_path: Path) -> Iterator[Datacentre]:
    with datacentre(world, tmp_path) as running:
        yield running


def create(world: World, service: str, *commands: str) -> Droplet:
    """Create a droplet with a service, which writes to `said`, and with commands that do so."""
    files = {"/opt/splatbot/service.sh": service, "/etc/systemd/system/job.service": UNIT}
    config = {
        "write_files": [
            {"path": path, "content": content, "permissions": "0640"}
            for path, content in files.items()
        ],
        "runcmd": [["bash", "-c", f"cd /opt/splatbot; {command}"] for command in commands],
    }
    return world.create("d", SIZES[-1], "tor1", user_data="#cloud-config\n" + yaml.dump(config))


def said(centre: Datacentre, droplet: Droplet) -> list[str]:
    file = centre.folder(droplet) / "opt" / "splatbot" / "said"
    return file.read_text().splitlines() if file.exists() else []


def test_files_are_written_and_commands_run_in_order(world: World, centre: Datacentre) -> None:
    droplet = create(world, "", "stat -c %a service.sh >said", "echo second >>said")
    await_that(lambda: said(centre, droplet) == ["640", "second"], "the droplet's words")


def test_a_service_has_its_environment_and_is_up_when_it_says_so(
    world: World, centre: Datacentre
) -> None:
    service = f'echo "$LETTER $WORD" >>said\n{READY}{FOR_EVER}'
    droplet = create(world, service, "systemctl start job.service; echo up >>said")
    await_that(lambda: said(centre, droplet) == ["a b c", "up"], "the droplet's words")


def test_a_stopped_service_has_not_failed(world: World, centre: Datacentre) -> None:
    droplet = create(
        world, f"echo begun >>said\n{READY}{FOR_EVER}",
        "systemctl start job.service", "systemctl stop job.service",
        "systemctl is-failed --quiet job.service; echo $? >>said",
    )  # fmt: skip
    await_that(lambda: said(centre, droplet) == ["begun", "1"], "the droplet's words")


@pytest.mark.parametrize(("code", "starts"), [(0, 1), (1, 3), (3, 1)])
def test_a_service_that_fails_is_started_again_until_its_limit(
    world: World, centre: Datacentre, code: int, starts: int
) -> None:
    droplet = create(
        world, f"echo begun >>said\nexit {code}\n",
        "systemctl start job.service; systemctl is-failed --quiet job.service; echo $? >>said",
    )  # fmt: skip
    failed = "1" if code == 0 else "0"
    words = [*["begun"] * starts, failed]
    await_that(lambda: said(centre, droplet) == words, "the droplet's words")


def test_with_the_droplet_goes_all_that_it_runs(world: World, centre: Datacentre) -> None:
    """Also what has left its session, ignores signals, or whose parent is gone."""
    escaped = "(trap '' TERM HUP; echo out >>said; exec setsid tail -f /dev/null) & \n"
    droplet = create(world, f"{escaped}{READY}{FOR_EVER}", "systemctl start job.service")
    other = create(world, "", FOR_EVER)
    await_that(
        lambda: said(centre, droplet) == ["out"] and len(centre.processes(droplet)) >= 3,
        "the droplet's processes",
    )
    everything = centre.processes(droplet)
    droplet.destroy_asked_at = time.time()
    world.settle()
    assert not [pid for pid in everything if Path(f"/proc/{pid}").exists()]
    assert centre.processes(droplet) == []
    assert len(centre.processes(other)) >= 1


def test_a_droplet_boots_when_it_is_active(world: World, centre: Datacentre) -> None:
    world.booting = 0.5
    droplet = create(world, "", "date +%s.%N >said")
    await_that(lambda: said(centre, droplet), "the droplet's words")
    assert float(said(centre, droplet)[0]) >= droplet.active_at
