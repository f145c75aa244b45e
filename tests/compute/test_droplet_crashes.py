"""SIGKILL after every statement of launching, watching, finishing and destroying a droplet.

Each time the bot is started again and has to bring the job to its one end. What existed when is
read from the simulator's own log, not from the bot.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.core.jobs import TERMINAL, State
from bot.core.ledger import Ledger
from tests.compute.killing import Point, SharedClock, forked, killed_at, points_of
from tests.compute.lab import TAG, Lab
from tests.fakes.digitalocean.server import serving
from tests.fakes.digitalocean.world import Fault, World

#: Parts into which the points of a scenario are dealt, so that no test takes long.
PARTS = 8

#: The ways of a job, and how each ends.
WAYS = {
    "": State.SUCCEEDED,
    "cancel": State.CANCELLED,
    "destroy": State.CANCELLED,
    "lost answer": State.SUCCEEDED,
}
ENDS = tuple(state.value for state in TERMINAL)

#: Simulated seconds within which everything has to be over after a crash.
PATIENCE = 1200.0


@dataclass
class Case:
    """One scenario from its start: a bot, its files and its DigitalOcean."""

    folder: Path
    world: World
    clock: SharedClock
    url: str
    way: str

    def bot(self) -> None:
        """Be the bot until nothing is left to do; somebody may stop the job on the way."""
        lab = self.lab()
        begin = self.clock()
        while not lab.is_done:
            assert self.clock() - begin < PATIENCE, lab.job()
            lab.tick()
            if lab.job().stage is not None and lab.state() is State.RUNNING:
                self._stop(lab.ledger)
            self.clock.move(10.0)

    def _stop(self, ledger: Ledger) -> None:
        """Do what somebody does who has seen the first stage."""
        if self.way == "cancel":
            ledger.request_cancel("a", "U2")
        if self.way == "destroy":
            ledger.request_destroy("a", "U2")

    def lab(self) -> Lab:
        return Lab(self.folder, self.world, clock=self.clock, url=self.url)


@contextmanager
def a_case(way: str) -> Iterator[Case]:
    """A job that waits for its slot. In memory where there is room: a crash is not a power cut."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else None))
    clock = SharedClock()
    world = World(clock=clock, booting=20.0, dying=10.0)
    try:
        with serving(world) as url:
            if way == "lost answer":
                world.faults.append(Fault("POST", "/v2/droplets", "drop", "after"))
            case = Case(folder, world, clock, url, way)
            forked(lambda: _ask(case))
            yield case
    finally:
        shutil.rmtree(folder)


def _ask(case: Case) -> None:
    case.lab().ask("a")


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Point]]:
    """Every point of the bot's code, with a way on which it is reached."""
    found: dict[Point, str] = {}
    for way in WAYS:
        with a_case(way) as case:
            for point in points_of(case.bot, tmp_path_factory.mktemp("points") / "points.json"):
                found.setdefault(point, way)
    return [(way, point) for point, way in found.items()]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_crash_costs_a_second_droplet_or_forgets_one(
    points: list[tuple[str, Point]], part: int
) -> None:
    assert len(points) > 700
    for way, point in points[part::PARTS]:
        with a_case(way) as case:
            assert killed_at(point, case.bot), (way, point)
            assert forked(case.bot) == 0, (way, point)
            check(case, point)


def check(case: Case, point: Point) -> None:
    """The money promise, by the simulator's log; the truth promise, by the ledger."""
    world, ledger = case.world, case.lab().ledger
    assert world.most_at_once(TAG) <= 1, point
    assert world.existing() == [], point
    assert world.creates() <= 1, point
    state = ledger.job("a").state
    # Killed between the intent and the call: nobody can know that it was not sent.
    assert state is WAYS[case.way] or (state is State.FAILED and not world.droplets), point
    ends = [note["action"] for note in ledger.audit_log(1000) if note["action"] in ENDS]
    assert ends == [state.value], point
    assert ledger.machines.spent(job="a") >= world.cost(), point
