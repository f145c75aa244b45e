"""The ways that a job on a droplet can go: well, stopped, refused, unanswered, silent, lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.compute.tags import tags_of
from bot.core.jobs import TERMINAL, State
from bot.core.ledger import Ledger
from bot.core.register import Register
from gpu.job import Event, Status
from tests.compute import promises
from tests.compute.killing import Wire
from tests.compute.lab import INSTALL, Lab, close, events_at, published_after
from tests.core.conftest import Clock
from tests.fakes.digitalocean.world import Droplet, Fault, World

#: Simulated seconds within which everything has to be over.
PATIENCE = 4 * 3600.0


def nothing(case: Case) -> bool:
    """What happens, and what somebody asks for, on most ways."""
    return False


@dataclass(frozen=True)
class Way:
    """What happens to a job, and how it ends.

    `begins`: before the bot starts. `happens`: between two passes, until it says that it did.
    `asks`: what somebody asks of the bot after a pass. `tells`: what a machine has told that has
    been at work for so many seconds. `step`: how often the bot looks, seconds. `refused`: how many
    creates are surely not carried out, so that another one may be sent.
    """

    end: State
    faults: Sequence[Fault] = ()
    begins: Callable[[Case], object] = nothing
    happens: Callable[[Case], bool] = nothing
    asks: Callable[[Case], object] = nothing
    tells: Callable[[str, float], list[Event]] = events_at
    step: float = 10.0
    refused: int = 0
    volume: str = ""


class Case:
    """One job on its way: a bot, its files and its DigitalOcean, all in this process."""

    def __init__(self, folder: Path, way: Way) -> None:
        self.folder, self.way = folder, way
        self.clock = Clock()
        self.world = World(clock=self.clock, booting=20.0, dying=10.0)
        self.world.faults += way.faults
        self.api = Wire(self.world, is_checked=False)
        self.not_intended: list[str] = []
        self.has_happened = False
        self.is_silent = False
        self.told_before = 0
        way.begins(self)
        self.world.on_boot = self._note_intent
        self.start()
        self.lab.ask("a")

    def start(self) -> None:
        """Start the bot: all that it had in memory is gone."""
        self.started_at = self.clock()
        self.lab = Lab(
            self.folder, self.world, clock=self.clock, api=self.api, is_direct=True,
            volume=self.way.volume,
        )  # fmt: skip
        self.lab.tells, self.lab.is_silent = self.way.tells, self.is_silent

    def happen(self) -> None:
        """Let the world do what it does on this way."""
        self.has_happened = self.has_happened or self.way.happens(self)
        self.lab.is_silent = self.is_silent

    def go(self) -> None:
        """Be the bot for one pass, and the person who asks something of it."""
        self.lab.tick()
        self.way.asks(self)

    @property
    def state(self) -> State | None:
        """Where the job stands; None when the ledger does not know it."""
        return next((job.state for job in self.lab.ledger.jobs()), None)

    @property
    def is_at_work(self) -> bool:
        """Whether the job's machine has told of its first stage."""
        return self.state is State.RUNNING and self.lab.job().stage is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        is_known = self.state is not None
        is_quiet = not self.world.late and not promises.living(self.world)
        return is_known and is_quiet and self.lab.is_done

    def lose_ledger(self) -> None:
        """The bot's disk is gone, and what was told with it; the bot is started on a new one."""
        close(self.lab.ledger)
        for file in self.folder.glob("ledger.db*"):
            file.unlink()
        self.start()

    def finish(self) -> None:
        """Go on until everything is over."""
        begin = self.clock()
        while not self.is_over:
            assert self.clock() - begin < PATIENCE, self.lab.ledger.jobs()
            self.happen()
            self.go()
            self.clock.move(self.way.step)

    def check(self) -> None:
        """Hold what was against what is promised. Raises AssertionError."""
        ledger = self.lab.ledger
        promises.never_two(self.world)
        promises.destroyed_in_time(self.world, ledger, self.started_at)
        promises.sent_once(self.world, self.way.refused)
        promises.ended_once(ledger, "a", self.told_before)
        if not self.told_before:  # else what it had cost was lost with the ledger
            promises.paid_for(self.world, ledger, "a")
        assert self.not_intended == []
        assert ledger.job("a").state in self._ends()

    def _ends(self) -> set[State]:
        """Return the ends that are true, whatever was killed when."""
        mine = [droplet for droplet in promises.ours(self.world) if droplet.name == "splat-a-1"]
        if not mine:  # killed between the intent and the call: nobody can know that it was not sent
            return {self.way.end, State.FAILED}
        if self.way.end is State.CANCELLED and self._had_published(mine[0]):
            return {State.SUCCEEDED}
        return {self.way.end}

    def _had_published(self, droplet: Droplet) -> bool:
        """Whether the job was done before its machine could hear that it is not wanted."""
        published = droplet.active_at + published_after()
        heard = self.world.cancelled.get(droplet.id, droplet.destroy_asked_at)
        return heard is None or published <= heard

    def _note_intent(self, droplet: Droplet) -> None:
        """Look into the files, as the bot that created it has left them until now."""
        ledger = Ledger(self.folder / "ledger.db", self.clock)
        if not promises.intended(droplet.tags, ledger, self.lab.storage):
            self.not_intended.append(droplet.name)
        close(ledger)


def fails(job: str, age: float) -> list[Event]:
    """Fail in the third stage."""
    told = events_at(job, age)[:3]
    return [*told[:2], *(replace(e, status=Status.FAILED, hint="Try again.") for e in told[2:])]


def stands_still(job: str, age: float) -> list[Event]:
    return events_at(job, age)[:1]


def cancel(case: Case) -> None:
    if case.is_at_work:
        case.lab.ledger.request_cancel("a", "U2")


def cancel_at_once(case: Case) -> None:
    """Cancel while nobody knows yet whether there is a droplet."""
    if case.state is State.LAUNCHING:
        case.lab.ledger.request_cancel("a", "U2")


def destroy(case: Case) -> None:
    if case.is_at_work:
        case.lab.ledger.request_destroy("a", "U2")


def cancel_and_destroy(case: Case) -> None:
    """Press one button, and when that is too slow the other one; the second comes too late once."""
    if case.is_at_work:
        case.lab.ledger.request_cancel("a", "U2")
    elif case.state in {State.CANCELLING, State.CANCELLED} and case.lab.ledger.holders():
        case.lab.ledger.request_destroy("a", "U3")


def fall_silent(case: Case) -> bool:
    case.is_silent = case.is_at_work
    return case.is_silent


def vanish(case: Case) -> bool:
    """Somebody destroys the droplet by hand."""
    if not case.is_at_work:
        return False
    case.world.droplets[0].gone_at = case.clock()
    return True


def lose_ledger(case: Case) -> bool:
    if not case.is_at_work:
        return False
    case.lose_ledger()
    return True


def lose_ledger_at_the_end(case: Case) -> bool:
    """Lose it when people know how the job ended, and its droplet is still there."""
    entry = Register(case.lab.storage).entry("a")
    if entry is None or not entry.job.is_over:
        return False
    case.told_before = 1
    case.lose_ledger()
    return True


def sell_out(case: Case) -> None:
    case.world.sizes = [replace(size, regions=()) for size in case.world.sizes]


def offer_one(case: Case) -> None:
    """Have one offer only, which somebody else takes in the same moment."""
    case.world.sizes = case.world.sizes[:4]


def forget_a_droplet(case: Case) -> None:
    """An earlier bot has left one of which nothing is known but its tags."""
    tags = tuple(tags_of(INSTALL, "forgotten", 1, case.clock() + 3600))
    case.world.create("splat-forgotten-1", case.world.sizes[3], "tor1", tags=tags)


def on(path: str, what: str, moment: str = "before", late: float = 0.0) -> Fault:
    """Have a call go wrong."""
    method, where = path.split()
    return Fault(method, f"/v2/{where}", what, moment, late)


CREATE, LIST, DESTROY = "POST droplets", "GET droplets", "DELETE droplets"

WAYS = {
    "works": Way(State.SUCCEEDED),
    "is cancelled": Way(State.CANCELLED, asks=cancel),
    "is destroyed": Way(State.CANCELLED, asks=destroy),
    "is cancelled and destroyed": Way(State.CANCELLED, asks=cancel_and_destroy),
    "created without an answer": Way(State.SUCCEEDED, [on(CREATE, "drop", "after")]),
    "created after the time-out": Way(State.SUCCEEDED, [on(CREATE, "hang", late=45.0)]),
    "created, answer unreadable": Way(State.SUCCEEDED, [on(CREATE, "garbage", "after")]),
    "created at the second try": Way(State.SUCCEEDED, [on(CREATE, "429")], refused=1),
    "created at the second place": Way(State.SUCCEEDED, [on(CREATE, "422")], refused=1),
    "no connection at first": Way(State.SUCCEEDED, [on(CREATE, "refuse")]),
    "never created": Way(State.FAILED, [on(CREATE, "503")], step=30.0),
    "never created, and cancelled": Way(
        State.CANCELLED, [on(CREATE, "503")], asks=cancel_at_once, step=30.0
    ),
    "created late, and cancelled": Way(
        State.CANCELLED, [on(CREATE, "hang", late=45.0)], asks=cancel_at_once
    ),
    "refused": Way(State.FAILED, [on(CREATE, "403")] * 2, refused=1),
    "sold out": Way(State.FAILED, begins=sell_out),
    "sold out in that moment": Way(
        State.FAILED, [on(CREATE, "422")] * 2, begins=offer_one, refused=1
    ),
    "with a volume": Way(State.SUCCEEDED, volume="splatbot-runtime"),
    "fails": Way(State.FAILED, tells=fails),
    "falls silent": Way(State.FAILED, happens=fall_silent, step=60.0),
    "takes too long": Way(State.FAILED, tells=stands_still, step=300.0),
    "vanishes": Way(State.FAILED, happens=vanish),
    "its end is asked in vain": Way(State.SUCCEEDED, [on(DESTROY, "500"), on(DESTROY, "drop")]),
    "its end is not answered": Way(State.SUCCEEDED, [on(DESTROY, "hang", "after")]),
    "lists are not answered": Way(State.SUCCEEDED, [on(LIST, "500")] * 3 + [on(LIST, "hang")]),
    "after a forgotten droplet": Way(State.SUCCEEDED, begins=forget_a_droplet),
    "its ledger is lost": Way(State.SUCCEEDED, happens=lose_ledger),
    "its ledger is lost at the end": Way(State.SUCCEEDED, happens=lose_ledger_at_the_end),
}

assert all(way.end in TERMINAL for way in WAYS.values())
