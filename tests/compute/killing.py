"""Bots that kill themselves with SIGKILL at a given statement, in processes of their own."""

from __future__ import annotations

import json
import mmap
import os
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pydo  # noqa: F401 - once here instead of in every process that is forked
from azure.core.pipeline import Pipeline

from tests.conftest import REPOSITORY

#: The code that creates, watches and destroys droplets.
WATCHED = frozenset(
    str(REPOSITORY / "bot" / name)
    for name in (
        "core/dispatcher.py", "core/reconcile.py", "core/register.py", "core/ledger.py",
        "core/machines.py", "compute/droplet.py", "compute/fleet.py", "compute/sightings.py",
        "compute/digitalocean/client.py",
    )
)  # fmt: skip

#: The dispatcher's steps. The same statement of the ledger is another point in each of them.
STEPS = frozenset({
    "reconcile", "_launch", "_find", "_collect", "_conclude", "_limit", "_stop", "_look",
    "_clean_up",
})  # fmt: skip

#: A statement that is about to run, in a step: what is before it has happened, nothing else.
Point = tuple[str, str, int]


class SharedClock:
    """A clock that a test and the processes that it forks have in common."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self._memory = mmap.mmap(-1, 8)
        self.move(now)

    def __call__(self) -> float:
        (now,) = struct.unpack("d", self._memory[:8])
        return float(now)

    def move(self, seconds: float) -> None:
        self._memory[:8] = struct.pack("d", self() + seconds)


class Tracer:
    """Calls `reached` before every statement of the watched code."""

    def __init__(self, reached: Callable[[Point], None]) -> None:
        self._reached = reached
        self._step = "start"

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in WATCHED:
            return None
        if frame.f_code.co_name in STEPS:
            self._step = frame.f_code.co_name
        return self._line

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            name = Path(frame.f_code.co_filename).stem
            self._reached((self._step, name, frame.f_lineno))
        return self._line


@contextmanager
def tracing(tracer: Tracer) -> Iterator[None]:
    """Trace everything but what happens inside pydo, which is not ours and most of the time."""
    run = Pipeline.run

    def untraced(*values: Any, **named: Any) -> Any:
        sys.settrace(None)
        try:
            return run(*values, **named)
        finally:
            sys.settrace(tracer)

    Pipeline.run = untraced  # type: ignore[method-assign]
    sys.settrace(tracer)
    yield
    sys.settrace(None)


def points_of(bot: Callable[[], None], notes: Path) -> list[Point]:
    """Run a bot in a process of its own; return every point that it reaches, in order."""

    def noting() -> None:
        reached: dict[Point, None] = {}
        with tracing(Tracer(reached.setdefault)):
            bot()
        notes.write_text(json.dumps(list(reached)))

    assert forked(noting) == 0
    return [(step, name, line) for step, name, line in json.loads(notes.read_text())]


def killed_at(point: Point, bot: Callable[[], None]) -> bool:
    """Run a bot that kills itself when it reaches a point; False when it never does."""

    def die(reached: Point) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly() -> None:
        with tracing(Tracer(die)):
            bot()

    return forked(deadly) == -signal.SIGKILL


def forked(bot: Callable[[], None]) -> int:
    """Run a function in a process of its own; return how that ended, as subprocess does."""
    child = os.fork()
    if child == 0:
        try:
            bot()
        except BaseException:  # noqa: BLE001 - nothing of the test may go on in the child
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
