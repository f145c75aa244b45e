"""Jobs on droplets: one is chosen, created once, and found again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.compute.droplet import LOOK_FOR
from bot.compute.tags import label_of
from bot.core.jobs import State
from bot.core.limits import DEADLINE
from tests.compute.lab import STEP, TAG, Lab, foreign, run
from tests.core.conftest import Clock
from tests.fakes.digitalocean.api import Answer, Api
from tests.fakes.digitalocean.world import Fault, Size, World

#: Every way in which a create's answer says nothing.
AMBIGUOUS = ["500", "503", "504", "drop", "hang", "garbage"]


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


def test_the_size_that_somebody_asks_for_is_taken(lab: Lab) -> None:
    lab.ask("a", size="gpu-h200x1-141gb")
    lab.tick()
    [droplet] = lab.world.droplets
    assert droplet.size.slug == "gpu-h200x1-141gb"


def test_nobody_gets_a_size_that_the_settings_do_not_allow(
    tmp_path: Path, world: World, clock: Clock
) -> None:
    lab = Lab(tmp_path, world, clock=clock, max_price=2.0)
    lab.ask("a", size="gpu-h200x1-141gb")
    run(lab)
    assert lab.state() is State.FAILED
    assert "gpu-h200x1-141gb is none of the sizes that the settings allow" in lab.job().error
    assert world.creates() == 0


def test_the_plan_names_what_could_be_had_instead(lab: Lab) -> None:
    plan = lab.backend.plan()
    assert plan.size == "gpu-6000adax1-48gb"
    assert {"gpu-h100x1-80gb", "gpu-h200x1-141gb"} <= {other.size for other in plan.others}
    assert all(other.price_per_hour >= plan.price_per_hour for other in plan.others)


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
