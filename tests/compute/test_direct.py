"""The quick client of the simulated account does to the bot what pydo does, whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.compute.digitalocean import DigitalOcean
from bot.compute.digitalocean.errors import ApiError
from tests.compute.lab import settings
from tests.core.conftest import Clock
from tests.fakes.digitalocean.api import Api
from tests.fakes.digitalocean.direct import DirectDigitalOcean
from tests.fakes.digitalocean.transport import transport_to
from tests.fakes.digitalocean.world import Fault, World

BODY = {
    "name": "splat-a-1", "size": "gpu-h100x1-80gb", "region": "nyc2", "image": "gpu-h100x1-base",
    "ssh_keys": [7], "tags": ["a:b"],
}  # fmt: skip

#: Every call that the bot makes, and those that are answered with a no.
CALLS: dict[str, Callable[[DigitalOcean], Any]] = {
    "gpu_droplets": lambda api: api.gpu_droplets("a:b"),
    "droplet": lambda api: api.droplet(1000),
    "a droplet that is gone": lambda api: api.droplet(7),
    "create_droplet": lambda api: api.create_droplet(BODY),
    "create a size that is not in stock": lambda api: api.create_droplet({**BODY, "region": "x"}),
    "destroy_droplet": lambda api: api.destroy_droplet(1000),
    "destroy a droplet that is gone": lambda api: api.destroy_droplet(7),
    "sizes": lambda api: api.sizes(),
    "ssh_keys": lambda api: api.ssh_keys(),
    "volumes": lambda api: api.volumes("runtime"),
    "create_volume": lambda api: api.create_volume("other", "nyc2", 50),
    "create a volume that exists": lambda api: api.create_volume("runtime", "nyc2", 50),
    "image": lambda api: api.image("gpu-h100x1-base"),
    "account": lambda api: api.account(),
}

WRONG = ["422", "429", "500", "503", "504", "drop", "hang", "refuse", "garbage"]
FAULTS = [None, *(Fault("", "/", what, moment) for what in WRONG for moment in ("before", "after"))]


def outcome(make: Callable[[World], DigitalOcean], call: str, fault: Fault | None) -> list[Any]:
    """Return what a call returned or raised, and what it left of a small account."""
    world = World(clock=Clock())
    world.create("by-hand", world.sizes[5], "nyc2", tags=("a:b",))
    Api(world).handle("POST", "/v2/volumes", VOLUME, world.token)
    world.requests.clear()
    if fault:
        world.faults += [replace(fault, method=m) for m in ("GET", "POST", "DELETE")]
    try:
        found = CALLS[call](make(world))
    except ApiError as wrong:
        found = (type(wrong), vars(wrong), wrong.user_message, wrong.hint)
    return [found, world.requests, world.droplets, world.volumes]


VOLUME = b'{"name": "runtime", "region": "nyc2", "size_gigabytes": 50}'


def through_pydo(world: World) -> DigitalOcean:
    return DigitalOcean(settings(world), transport=transport_to(Api(world)))


def direct(world: World) -> DigitalOcean:
    return DirectDigitalOcean(settings(world), Api(world))


@pytest.mark.parametrize("call", CALLS)
def test_every_call_has_the_outcome_that_it_has_through_pydo(call: str) -> None:
    for fault in FAULTS:
        assert outcome(direct, call, fault) == outcome(through_pydo, call, fault), fault


def test_a_wrong_token_is_refused_as_it_is_through_pydo() -> None:
    said = []
    for make in (direct, through_pydo):
        world = World(clock=Clock())
        api = make(world)
        world.token = "another"
        with pytest.raises(ApiError) as refused:
            api.account()
        said.append((type(refused.value), refused.value.user_message))
    assert said[0] == said[1]
