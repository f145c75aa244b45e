"""Kills a bot at given points of a job's way, starts it again, and checks what came of it.

A kill leaves files and a DigitalOcean as they are at that moment. Many statements leave the same:
what a bot makes of it is tried once, because it is started from nothing else.
"""

from __future__ import annotations

import gc
import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from tests.compute.killing import Point, ended, fork, killed_at, points_of
from tests.compute.lab import close
from tests.compute.ways import WAYS, Case

#: Seconds after which a bot that was killed is started again: at once, and when all is over.
AWAY = (0.0, 1200.0)

#: The points at which to kill, by the number of the pass.
Plan = dict[int, list[Point]]


@contextmanager
def a_case(name: str) -> Iterator[Case]:
    """A job at the start of its way. In memory where there is room: a crash is no power cut."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Case(Path(folder) / "bot", WAYS[name])


def points_on(name: str, notes: Path) -> Plan:
    """Return every point that a bot reaches on a way, by the number of the pass."""
    file = notes / "points.json"

    def walk() -> None:
        found = []
        with a_case(name) as case:
            while not case.is_over:
                case.happen()
                found.append(points_of(case.go))
                case.clock.move(case.way.step)
            case.check()
        file.write_text(json.dumps(found))

    assert ended(fork(walk)) == 0, f"{name}: without any crash"
    passes = json.loads(file.read_text())
    return {n: [(step, name, line) for step, name, line in each] for n, each in enumerate(passes)}


def kill_on_all(plans: Mapping[str, Plan], seen: Path, report: Path) -> None:
    """Walk every way, and write down every point after which a promise was broken."""
    gc.freeze()  # less to copy for every process that is forked
    broken = []
    for name, plan in plans.items():
        (seen / name).mkdir(exist_ok=True)
        broken += [f"{name}, pass {n}, killed at {p}" for n, p in kill_on(name, plan, seen / name)]
    report.write_text(json.dumps(broken))


def kill_on(name: str, plan: Plan, seen: Path) -> Iterator[tuple[int, Point]]:
    """Walk a way; in a copy, kill the bot at each of the points, and have it started again.

    `seen` is a folder with a file for each state that was tried. Yields where that goes wrong.
    """
    with a_case(name) as case:
        for number in range(max(plan) + 1):
            case.happen()
            close(case.lab.ledger)  # SQLite's connections do not outlive a fork
            for point in plan[number]:
                with kept(case.folder):
                    if ended(fork(partial(crash, case, point, seen))) != 0:
                        yield number, point
            case.go()
            case.clock.move(case.way.step)


def crash(case: Case, point: Point, seen: Path) -> None:
    """Kill the bot at a point; start it again from what that left, unless that was tried."""
    assert killed_at(point, case.api, case.go)
    for away in AWAY:
        tried = seen / f"{digest(case)}-{away:.0f}"
        if not tried.exists():
            tried.touch()
            with kept(case.folder):
                assert ended(fork(partial(recover, case, away))) == 0, f"{away:.0f} s away"


def recover(case: Case, away: float) -> None:
    """Start the bot again, after a while, and let everything come to its end."""
    case.clock.move(away)
    case.start()
    case.finish()
    case.check()


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Bring a folder back to what it was."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        copy = shutil.copytree(folder, Path(beside) / "copy")
        try:
            yield
        finally:
            shutil.rmtree(folder)
            copy.rename(folder)


def digest(case: Case) -> str:
    """Return what tells two states on a way apart: the files, the account, and what is due."""
    world, files = case.world, case.folder / "store"
    state = [
        case.has_happened, case.is_silent, case.told_before, case.clock.now, rows_of(case.folder),
        [(str(f.relative_to(files)), f.read_bytes()) for f in sorted(files.rglob("*.json"))],
        world.droplets, world.volumes, world.faults, world.requests, world.cancelled,
        [at for at, _ in world.late], case.not_intended,
    ]  # fmt: skip
    return hashlib.sha256(repr(state).encode()).hexdigest()


def rows_of(folder: Path) -> Sequence[str]:
    """Return what a bot will read in the ledger. Of a copy: reading mends what the kill left."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as copy:
        for file in folder.glob("ledger.db*"):
            shutil.copy(file, copy)
        with closing(sqlite3.connect(Path(copy) / "ledger.db")) as ledger:
            return list(ledger.iterdump())
