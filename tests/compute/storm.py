"""Anything may go wrong at any time: jobs, faults, crashes, and what must hold after every step.

Hypothesis makes up histories of jobs, faults on any call, crashes in the middle of a pass,
restarts, a lost database, repeated and reordered events, and clocks that jump. What existed when
is read from the simulator's own log.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.core.jobs import TERMINAL, State
from bot.core.limits import DEADLINE
from tests.compute import promises
from tests.compute.lab import TAG, Lab, events_at
from tests.core.conftest import Clock
from tests.fakes.digitalocean.api import REFUSE, Answer, Api
from tests.fakes.digitalocean.world import Fault, World

AT_WORK = frozenset({State.LAUNCHING, State.RUNNING})
JOBS = "abcdefghij"
CALLS = ["POST /v2/droplets", "GET /v2/droplets", "DELETE /v2/droplets", "GET /v2/sizes",
         "GET /v2/account/keys"]  # fmt: skip
WRONG = ["429", "500", "503", "504", "drop", "hang", "refuse", "garbage"]


@st.composite
def troubles(draw: st.DrawFn, calls: Sequence[str]) -> Fault:
    """Draw what goes wrong with one of some calls."""
    method, path = draw(st.sampled_from(calls)).split()
    what = draw(st.sampled_from(WRONG))
    if what in {"429", "refuse"}:  # those two say that nothing was done
        return Fault(method, path, what)
    if draw(st.booleans()):
        return Fault(method, path, what, "after")
    return Fault(method, path, what, late=draw(st.sampled_from([0.0, 5.0, 45.0, 200.0])))


class Killed(BaseException):
    """The bot's process is gone, in the middle of a call."""


class MortalApi(Api):
    """Kills the bot in its nth call, before or after the call is carried out.

    `on_create` is told of every create. `unknown` are the jobs whose create had no clear answer.
    """

    def __init__(self, world: World, on_create: Callable[[Sequence[str]], None]) -> None:
        super().__init__(world, is_checked=False)
        self._on_create = on_create
        self.calls_to_live: int | None = None
        self.is_done_first = False
        self.unknown: set[str] = set()

    def handle(self, method: str, target: str, body: bytes, token: str) -> Answer:
        if (method, target) != ("POST", "/v2/droplets"):
            return self._mortal(method, target, body, token)
        tags = json.loads(body)["tags"]
        self._on_create(tags)
        self.unknown.add(promises.job_in(tags))
        answer = self._mortal(method, target, body, token)
        if 400 <= answer.status < 500 or answer.status == REFUSE:  # surely not carried out
            self.unknown.discard(promises.job_in(tags))
        return answer

    def _mortal(self, *request: Any) -> Answer:
        if self.calls_to_live is None:
            return super().handle(*request)
        self.calls_to_live -= 1
        if self.calls_to_live > 0:
            return super().handle(*request)
        self.calls_to_live = None
        if self.is_done_first:
            super().handle(*request)
        raise Killed


class Storm(RuleBasedStateMachine):
    """One account, one bot that may die, and a person who presses buttons."""

    #: Of all storms.
    histories = steps = 0

    def __init__(self) -> None:
        super().__init__()
        Storm.histories += 1
        Storm.steps -= 1  # what must hold is asked once before the first step
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.time = Clock()
        self.offset = 0.0
        self.world = World(clock=self.time)
        self.api = MortalApi(self.world, self._check_create)
        self.wrong: list[str] = []
        self.ends: dict[str, State] = {}
        self.lost: set[str] = set()
        self.stopped: set[str] = set()
        self.expired: set[int] = set()
        self.start()

    def start(self) -> None:
        """Start the bot: all that it had in memory is gone."""
        self.lab = Lab(
            self.folder, self.world, clock=lambda: self.time() + self.offset,
            monotonic=self.time, api=self.api, is_direct=True,
        )  # fmt: skip

    def _check_create(self, tags: Sequence[str]) -> None:
        """Note what is wrong with a create; what is raised here would only reach the bot."""
        name = promises.job_in(tags)
        if name in self.api.unknown:
            self.wrong.append(f"the create of {name} was sent again")
        if not promises.intended(tags, self.lab.ledger, self.lab.storage):
            self.wrong.append(f"the create of {name} was not intended")

    def tick(self) -> None:
        try:
            self.lab.tick()
        except Killed:
            self.start()

    # -- what may happen ------------------------------------------------------------------------

    @rule(name=st.sampled_from(JOBS), trouble=st.none() | troubles(["POST /v2/droplets"]))
    def ask(self, name: str, trouble: Fault | None) -> None:
        """Ask for a job, which may be the one whose create goes wrong."""
        if name not in {job.id for job in self.lab.ledger.jobs()} and name not in self.lost:
            self.world.faults += [trouble] if trouble else []
            self.lab.ask(name)

    @rule(seconds=st.sampled_from([1.0, 5.0, 10.0, 20.0, 40.0]), passes=st.integers(1, 12))
    def wait(self, seconds: float, passes: int) -> None:
        for _ in range(passes):
            self.time.move(seconds)
            self.tick()
            self.a_free_slot_is_proven_free()

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

    @rule(trouble=troubles(CALLS))
    def fault(self, trouble: Fault) -> None:
        if len(self.world.faults) < 4:
            self.world.faults.append(trouble)

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
        jobs = self.lab.ledger.jobs()
        self.lost |= {job.id for job in jobs}
        self.stopped |= {job.id for job in jobs if job.state not in AT_WORK}
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
        promises.never_two(self.world)

    @invariant()
    def a_free_slot_is_proven_free(self) -> None:
        living = {promises.job_of(droplet) for droplet in promises.living(self.world)}
        holders = {job for _, job in self.lab.ledger.holders()}
        over = {job.id for job in self.lab.ledger.jobs() if job.is_over}
        assert not living & over - holders - self.lost

    @invariant()
    def every_create_is_intended_and_sent_once(self) -> None:
        assert self.wrong == []
        names = [droplet.name for droplet in promises.ours(self.world)]
        assert len(names) == len(set(names))

    @invariant()
    def no_droplet_at_work_is_destroyed(self) -> None:
        """Except one whose time is over: the bot's clock may be hours ahead of its work."""
        at_work = {job.id for job in self.lab.ledger.jobs() if job.state in AT_WORK}
        now, ours = self.time() + self.offset, promises.ours(self.world)
        self.expired |= {droplet.id for droplet in ours if promises.expires(droplet) < now}
        for droplet in ours:
            if promises.job_of(droplet) in at_work - self.stopped:
                assert droplet.destroy_asked_at is None or droplet.id in self.expired

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
        while promises.living(self.world):
            assert self.time() - quiet < promises.CLEAN
            self.tick()
            self.time.move(20.0)
        self.never_two()
        self.an_end_is_for_ever()
        for job in set(self.ends) - self.lost:
            promises.ended_once(self.lab.ledger, job)
        shutil.rmtree(self.folder)


def rage(histories: int, steps: int, *, is_random: bool = False, is_shrunk: bool = True) -> None:
    """Go through so many histories of at most so many steps. Raises what breaks in one of them.

    `is_shrunk`: then the shortest history is looked for that breaks it, which takes a while.
    """
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Storm,
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            deadline=None,
            derandomize=not is_random,
            database=None,
            phases=set(Phase) if is_shrunk else {Phase.generate},
            suppress_health_check=list(HealthCheck),
        ),
    )
