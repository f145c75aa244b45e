"""A backend and a whole dispatcher around a stand-in for the pipeline; nothing survives a test."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.compute import processes
from bot.compute.local import LocalBackend
from bot.core.dispatcher import Dispatcher
from bot.core.ledger import Ledger
from bot.storage.local import LocalStorage
from tests.compute.lab import Lab
from tests.core.conftest import Clock, a_request
from tests.fakes import pipeline
from tests.fakes.digitalocean.world import World
from tests.waiting import await_that

KINDS = ("ok", "fail", "wait", "mute", "family", "alone", "secret")


class Bench:
    """One bot without Slack: `restart` is what a crash and a new start of the bot look like."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # The job's deadline and the time to end by itself pass only when a test says so.
        self.clock, self.grace_clock = Clock(time.time()), Clock(0.0)
        for kind in KINDS:
            (root / "store" / kind).mkdir(parents=True, exist_ok=True)
            (root / "store" / kind / "a.jpg").write_bytes(b"photo")
        self.restart()

    def restart(self) -> None:
        self.ledger = Ledger(self.root / "ledger.db", self.clock)
        self.storage = LocalStorage(self.root / "store", "http://bot")
        command = (sys.executable, pipeline.__file__)
        self.backend = LocalBackend(self.root / "jobs", command=command, clock=self.grace_clock)
        self.dispatcher = Dispatcher(
            self.ledger,
            self.backend,
            self.storage,
            public_url="http://bot",
            clock=self.clock,
            monotonic=self.clock,
        )

    def ask(self, name: str, kind: str) -> str:
        request = a_request(name, dataset=kind)
        return self.ledger.submit(request, backend="local", price_per_hour=0.0).id

    def tick_until(self, holds: Callable[[], bool]) -> None:
        """Tick until something holds."""
        tick = self.dispatcher.tick
        await_that(holds, "what the bot works for", said=self.ledger.jobs, meanwhile=tick)

    def state(self, name: str) -> str:
        return self.ledger.job(name).state.value

    def starts(self, name: str) -> int:
        """How often the job's process was started."""
        file = self.root / "jobs" / name / "starts"
        return len(file.read_text()) if file.exists() else 0

    def is_working(self, name: str) -> bool:
        return self.starts(name) == 1 and self.ledger.last_event(self.ledger.job(name)) is not None


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield Bench(tmp_path)
    for mark in processes.all_marks():
        if mark.startswith(str(tmp_path)):
            processes.stop(mark, signal.SIGKILL)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock=clock)


@pytest.fixture
def lab(tmp_path: Path, world: World, clock: Clock) -> Lab:
    return Lab(tmp_path, world, clock=clock)
