"""What another machine needs to go on is copied to the store, beside everything else."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpu.agent import backup
from gpu.agent.backup import PERIOD, Backup
from gpu.agent.client import Client
from gpu.agent.clock import BotTime
from gpu.agent.config import Config
from gpu.agent.uploads import Uploads
from gpu.job import JobPaths
from gpu.job.paths import CHECKPOINT, KEPT, MODEL, RECORD
from tests.gpu.agent.bot import ATTEMPT, JOB, KEY, FakeBot, serving
from tests.gpu.agent.conftest import Boot
from tests.gpu.agent.machine import LIMITS, FakeTime


class Desk:
    """A job's folder, and what copies it."""

    def __init__(self, folder: Path, bot: FakeBot, clock: FakeTime) -> None:
        self.paths, self.bot, self.clock = JobPaths(folder), bot, clock
        config = Config(JOB, ATTEMPT, KEY, bot.url, bot.deadline)
        uploads = Uploads(Client(config, BotTime(clock), LIMITS), clock, LIMITS)
        self.backup = Backup(self.paths, uploads, clock, LIMITS)

    def leave(self, name: str, text: str) -> None:
        file = self.paths.kept(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (self.clock.now, self.clock.now))

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.backup.step()
            self.backup.wait()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = FakeTime()
    with serving(FakeBot(clock)) as bot:
        yield Desk(tmp_path, bot, clock)


def test_cameras_are_copied_once_they_are_whole(desk: Desk) -> None:
    for name in MODEL:
        desk.leave(name, name)
    desk.look(9)
    assert desk.bot.store == {}
    desk.leave(RECORD, "{}")
    desk.look(9)
    assert desk.bot.store == {**{name: name.encode() for name in MODEL}, RECORD: b"{}"}
    assert desk.bot.order.count(f"put {RECORD}") == 1


def test_the_newest_checkpoint_takes_the_older_ones_place_once_a_minute(desk: Desk) -> None:
    desk.leave(RECORD, "{}")
    desk.leave(CHECKPOINT, "step 100")
    desk.look(3)
    desk.clock.now += PERIOD / 2
    desk.leave(CHECKPOINT, "step 200")
    desk.look(3)
    assert desk.bot.store[CHECKPOINT] == b"step 100"
    desk.clock.now += PERIOD / 2
    desk.look(3)
    assert desk.bot.store[CHECKPOINT] == b"step 200"


@pytest.mark.parametrize(
    ("route", "fault"), [("put", "500"), ("put", "drop"), ("uploads", "409"), ("uploads", "drop")]
)
def test_what_can_not_be_copied_is_tried_again_and_stops_nothing(
    desk: Desk, route: str, fault: str
) -> None:
    desk.leave(RECORD, "{}")
    desk.bot.down[route] = fault
    desk.look(3)
    assert desk.bot.store == {}
    desk.bot.down.clear()
    desk.clock.now += PERIOD
    desk.look(3)
    assert desk.bot.store == {RECORD: b"{}"}


def test_a_checkpoint_that_is_too_large_stays_where_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "LIMIT", 5)
    desk.leave(RECORD, "{}")
    desk.leave(CHECKPOINT, "123456")
    desk.look(9)
    assert set(desk.bot.store) == {RECORD}


def test_a_machine_copies_while_it_works(boot: Boot) -> None:
    machine = boot("wait").until_busy()
    for name in KEPT:
        machine.paths.kept(name).parent.mkdir(parents=True, exist_ok=True)
        machine.paths.kept(name).write_text(name)
    machine.until(lambda: set(KEPT) <= set(machine.bot.store))
