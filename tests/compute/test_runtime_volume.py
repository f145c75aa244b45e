"""The volume with the runtime: made once, used again, and never in a job's way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core.jobs import State
from tests.compute.lab import Lab, run
from tests.core.conftest import Clock
from tests.fakes.digitalocean.world import Fault, Volume, World


@pytest.fixture
def with_volume(tmp_path: Path, world: World, clock: Clock) -> Iterator[Lab]:
    yield Lab(tmp_path, world, clock=clock, volume="splatbot-runtime")


def test_the_volume_is_made_where_the_first_droplet_is_and_used_again(with_volume: Lab) -> None:
    world = with_volume.world
    for name in "ab":
        with_volume.ask(name)
    run(with_volume)
    [volume] = world.volumes
    assert volume.region == "tor1"
    assert [d.volumes for d in world.droplets] == [(volume.id,), (volume.id,)]


def test_the_volumes_region_comes_first_among_those_of_a_size(
    tmp_path: Path, world: World, clock: Clock
) -> None:
    world.volumes.append(Volume("v", "splatbot-runtime", "tor1", 40, clock.now))
    lab = Lab(tmp_path, world, clock=clock, volume="splatbot-runtime", sizes=("gpu-h100x1-80gb",))
    lab.ask("a")
    lab.tick()
    assert [(d.region, d.volumes) for d in world.droplets] == [("tor1", ("v",))]


def test_a_size_that_only_another_region_has_goes_without_the_volume(
    tmp_path: Path, world: World, clock: Clock
) -> None:
    world.volumes.append(Volume("v", "splatbot-runtime", "ams3", 40, clock.now))
    lab = Lab(tmp_path, world, clock=clock, volume="splatbot-runtime")
    lab.ask("a")
    run(lab)
    assert lab.state() is State.SUCCEEDED
    assert [d.volumes for d in world.droplets] == [()]


def test_no_trouble_with_the_volume_keeps_a_job_from_starting(with_volume: Lab) -> None:
    for _ in range(3):
        with_volume.world.faults.append(Fault("GET", "/v2/volumes", "500"))
    with_volume.ask("a")
    run(with_volume)
    assert with_volume.state() is State.SUCCEEDED
