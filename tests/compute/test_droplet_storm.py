"""Anything may go wrong at any time, and still no money is lost and no end told twice.

Hypothesis makes up histories: jobs, faults on any call, crashes in the middle of a pass, restarts,
a lost database, repeated and reordered events, clocks that jump. What existed when is read from
the simulator's own log. SPLATBOT_STORM sets the number of histories; the default is for CI.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.core.dispatcher import DEADLINE
from bot.core.jobs import TERMINAL, State
from tests.compute.lab import TAG, Lab, events_at
from tests.core.conftest import Clock
from tests.fakes.digitalocean.api import Answer, Api
from tests.fakes.digitalocean.world import Fault, World

#: Histories, and steps in each: together at least 20,000 steps.
HISTORIES = int(os.environ.get("SPLATBOT_STORM", "0")) or 460
STEPS = 50

#: Seconds from a job's end, or from its deadline, to the end of its droplet.
CLEAN = 600.0

JOBS = "abcdef"
CALLS = [("POST", "/v2/droplets"), ("GET", "/v2/droplets"), ("DELETE", "/v2/droplets"),
         ("GET", "/v2/sizes"), ("GET", "/v2/account/keys")]  # fmt: skip
WRONG = ["429", "500", "503", "504", "drop", "hang", "refuse", "garbage"]


class Killed(BaseException):
    """The bot's process is gone, in the middle of a call."""


class MortalApi(Api):
    """Kills the bot in its nth call, before or after the call is carried out."""

    calls_to_live: int | None = None
    is_done_first = False

    def handle(self, method: str, target: str, body: bytes, token: str) -> Answer:
        if self.calls_to_live is None:
            return super().handle(method, target, body, token)
        self.calls_to_live -= 1
        if self.calls_to_live > 0:
            return super().handle(method, target, body, token)
        self.calls_to_live = None
        if self.is_done_first:
            super().handle(method, target, body, token)
        raise Killed


class Storm(RuleBasedStateMachine):
    """One account, one bot that may die, and a person who presses buttons."""

    #: Steps of all histories.
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.time = Clock()
        self.offset = 0.0
        self.world = World(clock=self.time)
        self.api = MortalApi(self.world, is_checked=False)
        self.ends: dict[str, State] = {}
        self.lost: set[str] = set()
        self.start()

    def start(self) -> None:
        """Start the bot: all that it had in memory is gone."""
        self.lab = Lab(
            self.folder, self.world, clock=lambda: self.time() + self.offset,
            monotonic=self.time, api=self.api,
        )  # fmt: skip

    def tick(self) -> None:
        try:
            self.lab.tick()
        except Killed:
            self.start()

    # -- what may happen ------------------------------------------------------------------------

    @rule(name=st.sampled_from(JOBS))
    def ask(self, name: str) -> None:
        if name not in {job.id for job in self.lab.ledger.jobs()} and name not in self.lost:
            self.lab.ask(name)

    @rule(seconds=st.sampled_from([1.0, 5.0, 10.0, 10.0, 20.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.time.move(seconds)
        self.tick()

    @rule(minutes=st.sampled_from([2, 5, 10]))
    def be_away(self, minutes: int) -> None:
        """The bot's process is stopped, or its host is."""
        self.time.move(minutes * 60.0)
        self.start()
        self.tick()

    @rule(name=st.sampled_from(JOBS), is_hard=st.booleans())
    def stop(self, name: str, is_hard: bool) -> None:
        if name in {job.id for job in self.lab.ledger.jobs()}:
            ask = self.lab.ledger.request_destroy if is_hard else self.lab.ledger.request_cancel
            ask(name, "U2")
            self.tick()

    @rule(
        call=st.sampled_from(CALLS),
        what=st.sampled_from(WRONG),
        moment=st.sampled_from(["before", "after"]),
        late=st.sampled_from([0.0, 0.0, 5.0, 45.0, 200.0]),
    )
    def fault(self, call: tuple[str, str], what: str, moment: str, late: float) -> None:
        if len(self.world.faults) < 4:
            is_silent = what not in {"429", "refuse"}  # those two say that nothing was done
            late = late if moment == "before" and is_silent else 0.0
            self.world.faults.append(Fault(*call, what, moment if is_silent else "before", late))

    @rule(calls=st.integers(1, 6), is_done_first=st.booleans())
    def kill(self, calls: int, is_done_first: bool) -> None:
        """Kill the bot in one of its next calls."""
        self.api.calls_to_live, self.api.is_done_first = calls, is_done_first
        self.time.move(10.0)
        self.tick()

    @rule()
    def restart(self) -> None:
        self.start()
        self.tick()

    @rule()
    def lose_the_database(self) -> None:
        self.lost |= {job.id for job in self.lab.ledger.jobs()}
        for file in self.folder.glob("ledger.db*"):
            file.unlink()
        self.ends.clear()
        self.start()
        self.tick()

    @rule(seconds=st.sampled_from([-7200.0, -300.0, 300.0, 7200.0]))
    def set_the_clock(self, seconds: float) -> None:
        self.offset += seconds
        self.tick()

    @rule(name=st.sampled_from(JOBS), data=st.data())
    def repeat_events(self, name: str, data: st.DataObject) -> None:
        """Reports arrive late, twice and in any order; here also after the job's end."""
        droplets = [d for d in self.world.droplets if d.name == f"splat-{name}-1"]
        if droplets:
            age = self.time() - droplets[0].created_at - self.world.booting
            old = events_at(name, age)
            self.lab.ledger.record_all(data.draw(st.permutations(old * 2)))

    @rule(
        unseen=st.sampled_from([0.0, 10.0, 30.0]),
        booting=st.sampled_from([20.0, 90.0]),
        dying=st.sampled_from([0.0, 20.0, 90.0]),
        lists_by_tag=st.booleans(),
    )
    def change_its_ways(
        self, unseen: float, booting: float, dying: float, lists_by_tag: bool
    ) -> None:
        self.world.unseen, self.world.booting, self.world.dying = unseen, booting, dying
        self.world.tag_lists_gpus = lists_by_tag

    @precondition(lambda self: len(self.world.existing()) < 4)
    @rule()
    def create_by_hand(self) -> None:
        self.world.create("by-hand", self.world.sizes[5], "nyc2")

    @rule()
    def destroy_by_hand(self) -> None:
        for droplet in self.world.existing(gpus=True)[:1]:
            droplet.gone_at = self.time()

    # -- what must hold -------------------------------------------------------------------------

    @invariant()
    def counted(self) -> None:
        Storm.steps += 1

    @invariant()
    def never_two(self) -> None:
        assert self.world.most_at_once(TAG) <= 1

    @invariant()
    def no_create_is_repeated(self) -> None:
        ours = [d.name for d in self.world.droplets if TAG in d.tags]
        assert len(ours) == len(set(ours))

    @invariant()
    def an_end_is_for_ever(self) -> None:
        for job in self.lab.ledger.jobs():
            if job.state in TERMINAL:
                assert self.ends.setdefault(job.id, job.state) is job.state

    @invariant()
    def nothing_foreign_is_touched(self) -> None:
        for droplet in self.world.droplets:
            assert TAG in droplet.tags or droplet.destroy_asked_at is None

    def teardown(self) -> None:
        """The storm is over. Everything ends, and nothing of ours is left."""
        self.world.faults.clear()
        self.world.late.clear()
        self.api.calls_to_live = None
        self.start()
        begin = self.time()
        while not self.lab.is_done:
            assert self.time() - begin < DEADLINE
            self.tick()
            self.time.move(20.0)
        quiet = self.time()
        while any(TAG in d.tags for d in self.world.existing()):
            assert self.time() - quiet < CLEAN
            self.tick()
            self.time.move(20.0)
        self.an_end_is_for_ever()
        self.never_two()
        ends = [n["job"] for n in self.lab.ledger.audit_log(10_000) if n["action"] in TERMINAL]
        assert len(ends) == len(set(ends))
        shutil.rmtree(self.folder)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_storm_costs_a_second_droplet_or_forgets_one() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Storm,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="SPLATBOT_STORM" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Storm.steps >= 20_000 * HISTORIES / 460
