"""GPU droplets that are not ours: shown, and destroyed only when a person has confirmed it."""

import logging

import pytest

from bot.core.intents import Kind
from bot.core.strangers import PATIENCE
from tests.compute.lab import Lab
from tests.core.conftest import Clock
from tests.fakes.digitalocean.world import Droplet, Fault, World


def somebodys(world: World, name: str = "training-box") -> Droplet:
    return world.create(name, world.sizes[5], "nyc2")


def pass_by(lab: Lab, seconds: float) -> None:
    clock = lab.clock
    assert isinstance(clock, Clock)
    for _ in range(int(seconds / 5)):
        lab.tick()
        clock.move(5.0)


def asked(lab: Lab, droplet: Droplet) -> tuple[bool, str]:
    """Return whether the newest intent about a droplet is done, and what was wrong."""
    intent = lab.ledger.intents.newest(Kind.DESTROY_FOREIGN)[str(droplet.id)]
    return intent.done_at is not None, intent.error


def test_they_are_known_within_half_a_minute_and_forgotten_when_they_are_gone(
    lab: Lab, world: World
) -> None:
    pass_by(lab, 5)
    box = somebodys(world)
    pass_by(lab, 40)
    [seen] = lab.ledger.intents.foreign()
    assert (seen.machine_id, seen.name, seen.region) == (str(box.id), "training-box", "nyc2")
    assert seen.price_per_hour == world.sizes[5].price
    box.gone_at = world.clock()
    pass_by(lab, 40)
    assert lab.ledger.intents.foreign() == []


def test_whatever_happens_to_jobs_nobody_elses_droplet_is_touched(lab: Lab, world: World) -> None:
    box = somebodys(world)
    lab.ask("a")
    pass_by(lab, 600)
    assert lab.is_done
    assert world.existing() == [box]


def test_the_one_that_somebody_confirmed_is_destroyed_and_no_other(lab: Lab, world: World) -> None:
    box, other = somebodys(world), somebodys(world, "other")
    pass_by(lab, 5)
    lab.ledger.intents.ask(Kind.DESTROY_FOREIGN, str(box.id), "U1")
    pass_by(lab, 60)
    assert world.existing() == [other]
    assert asked(lab, box) == (True, "")
    assert [seen.name for seen in lab.ledger.intents.foreign()] == ["other"]


def test_the_wish_outlives_a_crash_of_the_bot(lab: Lab, world: World, clock: Clock) -> None:
    box = somebodys(world)
    pass_by(lab, 5)
    lab.ledger.intents.ask(Kind.DESTROY_FOREIGN, str(box.id), "U1")
    again = Lab(lab.folder, world, clock=clock)
    pass_by(again, 60)
    assert world.existing() == []
    assert asked(again, box) == (True, "")


def test_a_wish_for_one_that_is_gone_already_is_done_without_a_call(lab: Lab, world: World) -> None:
    box = somebodys(world)
    pass_by(lab, 5)
    box.gone_at = world.clock()
    lab.ledger.intents.ask(Kind.DESTROY_FOREIGN, str(box.id), "U1")
    pass_by(lab, 15)
    assert asked(lab, box) == (True, "")
    assert not [method for _, method, _ in world.requests if method == "DELETE"]


def test_a_droplet_of_ours_is_never_destroyed_as_if_it_were_a_strangers(
    lab: Lab, world: World
) -> None:
    lab.ask("a")
    pass_by(lab, 60)
    [mine] = world.existing()
    lab.ledger.intents.ask(Kind.DESTROY_FOREIGN, str(mine.id), "U1")
    pass_by(lab, 10)
    assert mine.destroy_asked_at is None


def test_a_wish_is_not_carried_out_long_after_it(lab: Lab, world: World) -> None:
    """While the list can not be read nothing is removed, and later nobody wants it any more."""
    box = somebodys(world)
    pass_by(lab, 5)
    world.faults += [Fault("GET", "/v2/droplets", "500") for _ in range(2000)]
    lab.ledger.intents.ask(Kind.DESTROY_FOREIGN, str(box.id), "U1")
    pass_by(lab, PATIENCE + 30)
    world.faults.clear()
    pass_by(lab, 60)
    assert world.existing() == [box]
    assert asked(lab, box) == (True, "It is still there after ten minutes.")


def test_what_keeps_being_refused_is_said_after_ten_minutes_and_may_be_asked_again(
    lab: Lab, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    box = somebodys(world)
    pass_by(lab, 5)
    world.faults += [Fault("DELETE", "/v2/droplets", "403") for _ in range(200)]
    first = lab.ledger.intents.ask(Kind.DESTROY_FOREIGN, str(box.id), "U1")
    pass_by(lab, PATIENCE - 30)
    assert lab.ledger.intents.open() == [first]
    pass_by(lab, 60)
    done, error = asked(lab, box)
    assert done
    assert "still there" in error or "refused" in error
    world.faults.clear()
    lab.ledger.intents.ask(Kind.DESTROY_FOREIGN, str(box.id), "U1")
    pass_by(lab, 60)
    assert world.existing() == []
