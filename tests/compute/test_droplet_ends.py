"""The end of a droplet: asked for until it is proven, whoever or whatever ended its job."""

import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.compute.base import Presence
from bot.compute.droplet import OVERDUE
from bot.core.database import LedgerFile
from bot.core.dispatcher import Dispatcher
from bot.core.jobs import State
from bot.core.limits import DEADLINE, SILENCE
from tests.compute.lab import TAG, Lab, ours, run
from tests.core.conftest import Clock
from tests.fakes.digitalocean.world import Fault, World


def test_a_slot_is_free_only_when_the_droplet_is_proven_gone(lab: Lab, world: World) -> None:
    world.dying = 90.0
    lab.ask("a")
    lab.ask("b")
    run(lab, until=lambda: lab.job().is_over)
    while lab.ledger.holders() == [(0, "a")]:
        assert lab.state("b") is State.QUEUED
        lab.tick()
        lab.clock.move(5.0)  # type: ignore[attr-defined]
    assert world.droplets[0] not in ours(world)
    assert world.most_at_once(TAG) == 1


def test_a_destroy_that_is_refused_or_lost_is_asked_again(lab: Lab, world: World) -> None:
    for what in ("500", "429", "drop", "hang", "refuse"):
        world.faults.append(Fault("DELETE", "/v2/droplets", what))
    lab.ask("a")
    run(lab)
    assert world.existing() == []


def test_a_list_that_can_not_be_read_is_no_proof_of_absence(lab: Lab, world: World) -> None:
    lab.ask("a")
    run(lab, until=lambda: lab.job().is_over)
    for _ in range(20):
        world.faults.append(Fault("GET", "/v2/droplets", "500"))
    run(lab)
    assert world.existing() == []
    assert world.most_at_once(TAG) == 1


def test_one_answer_not_found_is_no_proof_of_absence(lab: Lab, world: World, clock: Clock) -> None:
    """For half a minute no request sees the droplet, though it is there and billed."""
    lab.ask("a")
    run(lab, until=lambda: lab.state() is State.RUNNING)
    handle = lab.job().handle or {}
    assert lab.backend.observe(handle).presence is Presence.RUNNING
    world.droplets[0].visible_at = clock.now + 15.0
    clock.move(10.0)
    assert lab.backend.observe(handle).presence is Presence.UNKNOWN
    clock.move(10.0)
    assert lab.backend.observe(handle).presence is Presence.RUNNING


def test_a_new_droplet_that_nobody_sees_yet_is_not_called_gone(lab: Lab, world: World) -> None:
    world.unseen = 30.0
    lab.ask("a")
    run(lab)
    assert lab.state() is State.SUCCEEDED
    assert world.creates() == 1


@pytest.mark.parametrize("how", ["cancel", "destroy"])
def test_a_job_that_is_stopped_costs_no_more_than_a_minute(
    lab: Lab, world: World, clock: Clock, how: str
) -> None:
    lab.ask("a")
    run(lab, until=lambda: lab.job().stage is not None)
    stopped = clock.now
    stop = lab.ledger.request_cancel if how == "cancel" else lab.ledger.request_destroy
    stop("a", "U2")
    run(lab)
    [droplet] = world.droplets
    assert lab.state() is State.CANCELLED
    assert droplet.destroy_asked_at is not None
    assert droplet.destroy_asked_at - stopped <= (30.0 if how == "cancel" else 5.0)


def test_a_droplet_that_somebody_destroyed_by_hand_ends_its_job(lab: Lab, clock: Clock) -> None:
    lab.ask("a")
    run(lab, until=lambda: lab.job().stage is not None)
    lab.world.droplets[0].gone_at = clock.now
    run(lab)
    assert lab.state() is State.FAILED
    assert "droplet is gone" in lab.job().error
    assert "Somebody has removed it" in lab.job().hint


def test_a_droplet_that_falls_silent_is_destroyed_after_ten_minutes(
    lab: Lab, world: World, clock: Clock
) -> None:
    lab.ask("a")
    run(lab, until=lambda: lab.job().stage is not None)
    silent = clock.now
    lab.hear = lambda droplets: None  # type: ignore[method-assign,assignment]
    run(lab)
    assert "silent for ten minutes" in lab.job().error
    assert world.droplets[0].destroy_asked_at is not None
    assert world.droplets[0].destroy_asked_at - silent <= SILENCE + 10


def test_silence_while_the_bot_was_away_is_not_held_against_a_droplet(
    lab: Lab, world: World, clock: Clock
) -> None:
    lab.ask("a")
    run(lab, until=lambda: lab.job().stage is not None)
    clock.move(3600.0)
    again = Lab(lab.folder, world, clock=clock)
    run(again)
    assert again.state() is State.SUCCEEDED


def test_silence_while_the_bot_might_not_act_is_not_held_against_a_droplet(
    lab: Lab, clock: Clock
) -> None:
    """While the bucket does not answer, a bot takes no reports: it could not hear anybody."""
    may_act = True
    lab.dispatcher = Dispatcher(
        lab.ledger, lab.backend, lab.storage, public_url="http://bot", clock=clock,
        monotonic=clock, may_start=lambda: may_act,
    )  # fmt: skip
    lab.ask("a")
    run(lab, until=lambda: lab.job().stage is not None)
    may_act = False
    for _ in range(20):
        lab.dispatcher.tick()
        clock.move(SILENCE / 10)
    may_act = True
    lab.dispatcher.tick()
    assert lab.state() is State.RUNNING
    run(lab)
    assert lab.state() is State.SUCCEEDED


def test_a_droplet_whose_price_changes_is_still_its_jobs_own(lab: Lab, clock: Clock) -> None:
    lab.ask("a")
    run(lab, lambda: lab.state() is State.RUNNING)
    [droplet] = lab.world.droplets
    droplet.size = replace(droplet.size, price=1.89)
    run(lab)
    assert lab.state() is State.SUCCEEDED
    assert not any(note["action"] == "destroy unneeded" for note in lab.ledger.audit_log())


def test_a_droplet_whose_handle_an_earlier_version_wrote_is_still_its_jobs_own(lab: Lab) -> None:
    lab.ask("a")
    run(lab, lambda: lab.state() is State.RUNNING)
    [droplet] = lab.world.droplets
    lab.ledger.set_handle("a", {"droplet_id": droplet.id, "name": droplet.name})
    run(lab)
    assert lab.state() is State.SUCCEEDED


def test_after_its_deadline_a_droplet_is_destroyed_whatever_it_says(
    tmp_path: Path, world: World, clock: Clock
) -> None:
    lab = Lab(tmp_path, world, clock=clock, is_direct=True)
    lab.ask("a")
    run(lab, until=lambda: lab.state() is State.RUNNING)
    lab.hear = lambda droplets: lab.ledger.beat("a", {})  # type: ignore[method-assign,assignment]
    begin = clock.now
    run(lab, most=2 * DEADLINE)
    assert "three hours" in lab.job().error
    assert world.cost() <= (DEADLINE + 600) / 3600 * 1.57
    assert clock.now - begin <= DEADLINE + 600


def test_a_droplet_that_has_expired_is_destroyed_though_the_disk_is_full(
    lab: Lab, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the ledger can not even say that its job is over."""

    def full(_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    lab.ask("a")
    run(lab, until=lambda: lab.state() is State.RUNNING)
    monkeypatch.setattr(LedgerFile, "writing", full)
    clock.move(DEADLINE + OVERDUE)
    for _ in range(12):
        clock.move(10.0)
        with suppress(sqlite3.OperationalError):
            lab.dispatcher.tick()
    assert world.seen() == []


def test_a_droplet_that_has_expired_is_destroyed_also_by_a_bot_that_may_not_act(
    lab: Lab, world: World, clock: Clock
) -> None:
    """As while the bucket is silent for hours. Only what has expired: another bot may need it."""
    lab.ask("a")
    run(lab, until=lambda: lab.state() is State.RUNNING)
    lab.dispatcher._may_start = lambda: False
    clock.move(DEADLINE + OVERDUE - 60.0)
    lab.dispatcher.tick()
    assert len(world.seen()) == 1
    for _ in range(30):
        clock.move(10.0)
        world.settle()
        lab.dispatcher.tick()
    assert world.seen() == []
    assert lab.state() is State.RUNNING
