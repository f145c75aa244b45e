"""Jobs on droplets: one is chosen, created once, found again, and destroyed until it is gone."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.compute.base import Presence
from bot.compute.droplet import LOOK_FOR, OVERDUE
from bot.compute.tags import label_of
from bot.core.database import LedgerFile
from bot.core.dispatcher import DEADLINE, SILENCE, Dispatcher
from bot.core.jobs import State
from tests.compute.lab import STEP, TAG, Lab
from tests.core.conftest import Clock
from tests.fakes.digitalocean.api import Answer, Api
from tests.fakes.digitalocean.world import Droplet, Fault, Size, Volume, World

#: Every way in which a create's answer says nothing.
AMBIGUOUS = ["500", "503", "504", "drop", "hang", "garbage"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock=clock)


@pytest.fixture
def lab(tmp_path: Path, world: World, clock: Clock) -> Lab:
    return Lab(tmp_path, world, clock=clock)


def run(lab: Lab, until: Callable[[], bool] | None = None, *, most: float = 1800.0) -> None:
    """Tick every five seconds until something holds; at the end nothing is left to do."""
    clock = lab.clock
    assert isinstance(clock, Clock)
    begin = clock.now
    while not (until() if until else lab.is_done):
        assert clock.now - begin < most, [job.state for job in lab.ledger.jobs()]
        lab.tick()
        clock.move(5.0)


def ours(world: World) -> list[Droplet]:
    return [d for d in world.existing() if TAG in d.tags]


def foreign(world: World) -> Droplet:
    return world.create("someone-elses", world.sizes[5], "nyc2", tags=("lab-b",))


# -- the way of a job -----------------------------------------------------------------------------


def test_a_job_gets_one_droplet_which_is_gone_when_the_slot_is_free(lab: Lab) -> None:
    lab.ask("a")
    run(lab)
    [droplet] = lab.world.droplets
    assert lab.state() is State.SUCCEEDED
    assert lab.world.creates() == 1
    assert droplet.gone_at is not None
    assert lab.world.existing() == []


def test_a_droplet_says_by_itself_whose_it_is_and_when_it_expires(lab: Lab, clock: Clock) -> None:
    lab.ask("a")
    lab.tick()
    [droplet] = lab.api.gpu_droplets()
    label = label_of(droplet, "lab")
    assert droplet.name == "splat-a-1"
    assert label and (label.job, label.attempt) == ("a", 1)
    assert DEADLINE < label.expires - clock.now <= DEADLINE + 600
    assert label_of(droplet, "another bot") is None


def test_one_job_after_the_other_never_two_droplets(lab: Lab) -> None:
    for name in "abc":
        lab.ask(name)
    run(lab)
    assert {lab.state(name) for name in "abc"} == {State.SUCCEEDED}
    assert len(lab.world.droplets) == 3
    assert lab.world.most_at_once(TAG) == 1


def test_with_two_slots_two_jobs_run_and_never_three(
    tmp_path: Path, world: World, clock: Clock
) -> None:
    lab = Lab(tmp_path, world, clock=clock, slots=2)
    for name in "abcd":
        lab.ask(name)
    run(lab)
    assert lab.world.most_at_once(TAG) == 2


def test_what_a_droplet_costs_is_what_its_bill_says(lab: Lab, world: World) -> None:
    lab.ask("a")
    run(lab)
    assert lab.ledger.machines.spent(job="a") == pytest.approx(world.cost(), rel=0.25)
    assert lab.ledger.machines.spent(job="a") >= world.cost()
    assert lab.job().price_per_hour == 1.57


# -- where ----------------------------------------------------------------------------------------


def test_the_cheapest_size_in_stock_that_fits_is_taken(lab: Lab) -> None:
    """Not the 4000 Ada and L40S, which are sold out, and not the AMD, which has no CUDA."""
    lab.ask("a")
    lab.tick()
    [droplet] = lab.world.droplets
    assert (droplet.size.slug, droplet.region) == ("gpu-6000adax1-48gb", "tor1")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"min_vram": 100}, ("gpu-h200x1-141gb", "atl1")),
        ({"sizes": ("gpu-h100x1-80gb", "gpu-h200x1-141gb")}, ("gpu-h100x1-80gb", "nyc2")),
        ({"regions": ("nyc2",)}, ("gpu-h100x1-80gb", "nyc2")),
        ({"sizes": ("gpu-h100x1-80gb",), "regions": ("tor1", "nyc2")}, ("gpu-h100x1-80gb", "tor1")),
    ],
)
def test_the_settings_narrow_the_choice(
    tmp_path: Path, world: World, clock: Clock, changes: dict[str, object], expected: object
) -> None:
    lab = Lab(tmp_path, world, clock=clock, **changes)
    lab.ask("a")
    lab.tick()
    [droplet] = world.droplets
    assert (droplet.size.slug, droplet.region) == expected


@pytest.mark.parametrize(("image", "sent"), [("gpu-h100x1-base", "gpu-h100x1-base"), ("156", 156)])
def test_an_image_is_a_slug_or_a_snapshots_number(
    tmp_path: Path, world: World, clock: Clock, image: str, sent: str | int
) -> None:
    asked: list[Mapping[str, Any]] = []

    class Listening(Api):
        def _create(self, body: Mapping[str, Any]) -> Answer:
            asked.append(body)
            return super()._create(body)

    lab = Lab(tmp_path, world, clock=clock, api=Listening(world), image=image, ssh_keys=("7",))
    lab.ask("a")
    lab.tick()
    assert [(body["image"], body["ssh_keys"]) for body in asked] == [(sent, [7])]


def test_a_size_that_sold_out_meanwhile_is_followed_by_the_next(lab: Lab, world: World) -> None:
    """The list said that it is in stock; the create says that it is not."""
    listed = world.sizes[3]
    world.sizes[3] = Size(listed.slug, listed.price, ("tor1",), 48, 1, listed.model)
    refuse_first_create(world)
    lab.ask("a")
    run(lab)
    assert lab.state() is State.SUCCEEDED
    assert [d.size.slug for d in world.droplets] == ["gpu-h100x1-80gb"]


def refuse_first_create(world: World) -> None:
    """Empty a size's stock between the list of sizes and the create."""
    size, settle = world.sizes[3], world.settle

    def settle_and_sell() -> None:
        settle()
        if any(path == "/v2/sizes" for _, _, path in world.requests):
            world.sizes[3] = Size(size.slug, size.price, (), 48, 1, size.model)

    world.settle = settle_and_sell  # type: ignore[method-assign]


def test_when_nothing_is_in_stock_the_job_fails_and_names_what_would_do(
    lab: Lab, world: World
) -> None:
    world.sizes = [Size(s.slug, s.price, (), s.vram, s.gpus, s.model) for s in world.sizes]
    lab.ask("a")
    run(lab)
    assert lab.state() is State.FAILED
    assert "gpu-h100x1-80gb is sold out" in lab.job().error
    assert "SPLATBOT_SIZES" in lab.job().hint
    assert world.creates() == 0


def test_no_droplet_is_dearer_than_allowed(tmp_path: Path, world: World, clock: Clock) -> None:
    lab = Lab(tmp_path, world, clock=clock, max_price=1.0)
    lab.ask("a")
    run(lab)
    assert lab.state() is State.FAILED
    assert world.creates() == 0


# -- answers that say no --------------------------------------------------------------------------


def test_the_accounts_limit_fails_the_job_in_digitaloceans_own_words(
    lab: Lab, world: World
) -> None:
    world.gpu_limit = 1
    foreign(world)
    lab.ask("a")
    run(lab)
    assert "exceed your droplet limit" in lab.job().error
    assert "raise the account's limit" in lab.job().hint
    assert len(world.existing()) == 1  # the foreign one is not ours to destroy


def test_without_an_ssh_key_the_refusal_says_what_to_do(lab: Lab, world: World) -> None:
    world.ssh_keys = []
    lab.ask("a")
    run(lab)
    assert "Register an SSH key" in lab.job().hint


def test_a_wrong_token_fails_no_job_before_it_is_known_what_runs(lab: Lab, world: World) -> None:
    """Nothing is claimed while nobody can say what exists."""
    world.token = "revoked"
    lab.ask("a")
    lab.dispatcher.tick()
    assert lab.state() is State.QUEUED
    world.token = lab.settings.token
    run(lab)
    assert lab.state() is State.SUCCEEDED


@pytest.mark.parametrize("what", ["429", "refuse"])
def test_what_was_surely_not_done_is_done_a_little_later(lab: Lab, world: World, what: str) -> None:
    world.faults.append(Fault("POST", "/v2/droplets", what))
    lab.ask("a")
    run(lab)
    assert lab.state() is State.SUCCEEDED
    assert len(world.droplets) == 1


# -- answers that say nothing ---------------------------------------------------------------------


@pytest.mark.parametrize("what", AMBIGUOUS)
def test_a_droplet_that_was_created_without_a_word_is_adopted(
    lab: Lab, world: World, what: str
) -> None:
    world.unseen = 25.0
    world.faults.append(Fault("POST", "/v2/droplets", what, "after"))
    lab.ask("a")
    run(lab)
    assert lab.state() is State.SUCCEEDED
    assert world.creates() == len(world.droplets) == 1


@pytest.mark.parametrize("what", AMBIGUOUS)
def test_a_create_of_which_nothing_came_is_not_sent_again(
    lab: Lab, world: World, clock: Clock, what: str
) -> None:
    world.faults.append(Fault("POST", "/v2/droplets", what))
    lab.ask("a")
    lab.ask("b")
    begin = clock.now
    run(lab, until=lambda: lab.job().is_over)
    assert lab.state() is State.FAILED
    assert "nothing is billed" in lab.job().hint
    assert world.creates() == 1
    assert clock.now - begin >= LOOK_FOR
    run(lab)
    assert lab.state("b") is State.SUCCEEDED


@pytest.mark.parametrize("late", [10.0, 60.0, 240.0])
def test_a_create_that_is_carried_out_after_its_time_out_is_adopted(
    lab: Lab, world: World, late: float
) -> None:
    world.faults.append(Fault("POST", "/v2/droplets", "hang", late=late))
    lab.ask("a")
    lab.ask("b")
    run(lab)
    assert {lab.state("a"), lab.state("b")} == {State.SUCCEEDED}
    assert world.most_at_once(TAG) == 1
    assert world.creates() == 2


def test_a_job_cancelled_while_nobody_knows_keeps_its_slot_until_it_is_known(
    lab: Lab, world: World
) -> None:
    world.faults.append(Fault("POST", "/v2/droplets", "hang", late=100.0))
    lab.ask("a")
    lab.ask("b")
    lab.tick()
    lab.ledger.request_cancel("a", "U2")
    run(lab)
    assert (lab.state("a"), lab.state("b")) == (State.CANCELLED, State.SUCCEEDED)
    assert world.most_at_once(TAG) == 1
    assert world.existing() == []


# -- the end --------------------------------------------------------------------------------------


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
    lab: Lab, world: World, clock: Clock
) -> None:
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


# -- what is not ours -----------------------------------------------------------------------------


def test_foreign_droplets_are_shown_and_left_alone(lab: Lab, world: World) -> None:
    other = foreign(world)
    small = world.create("the-bots-own-host", world.sizes[0], "ams3")
    lab.ask("a")
    run(lab)
    assert lab.state() is State.SUCCEEDED
    assert world.existing() == [other, small]
    assert [f.name for f in lab.backend.list_foreign()] == ["someone-elses"]


def test_another_bots_droplet_is_foreign(lab: Lab, world: World) -> None:
    tags = ("splatbot", "splatbot-install:other", "splatbot-job:a", "splatbot-fence:1")
    world.create("splat-a-1", world.sizes[5], "nyc2", tags=tags)
    lab.ask("a")
    run(lab)
    assert [d.name for d in world.existing()] == ["splat-a-1"]
    assert lab.state() is State.SUCCEEDED


# -- the volume with the runtime ------------------------------------------------------------------


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


# -- how often DigitalOcean is asked --------------------------------------------------------------


def test_a_running_job_asks_digitalocean_at_most_twenty_times_a_minute(
    lab: Lab, world: World, clock: Clock
) -> None:
    """250 a minute are allowed, for everything on the account."""
    lab.ask("a")
    run(lab, until=lambda: lab.job().stage is not None)
    world.requests.clear()
    for _ in range(60):
        lab.dispatcher.tick()
        clock.move(1.0)
    assert len(world.requests) <= 20
    assert STEP > 0


@pytest.mark.parametrize("moment", ["running", "over"])
def test_a_digitalocean_that_refuses_every_call_is_not_asked_more_often_for_it(
    lab: Lab, world: World, clock: Clock, moment: str
) -> None:
    """5,000 an hour are allowed: whoever goes on asking never gets out of it."""
    lab.ask("a")
    run(lab, until=lambda: lab.job().stage is not None)
    if moment == "over":
        lab.ledger.fail("a", error="It broke.", hint="")
    world.faults += [Fault(method, "/v2/droplets", "429") for method in ("GET", "DELETE")] * 600
    world.requests.clear()
    for _ in range(60):
        lab.dispatcher.tick()
        clock.move(1.0)
    assert len(world.requests) <= 20


def test_a_bot_that_lost_its_place_while_it_prepared_a_create_does_not_send_it(
    lab: Lab, world: World
) -> None:
    """Reading what there is, and writing the pipeline to the bucket, may take long."""
    lab.backend._may_act = lambda: False
    lab.ask("a")
    lab.tick()
    assert world.creates() == 0
    assert lab.ledger.machines.machines(job="a") == []
    lab.backend._may_act = lambda: True
    run(lab)
    assert lab.state() is State.SUCCEEDED
    assert world.creates() == 1
