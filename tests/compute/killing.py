"""Kills a bot with SIGKILL before any statement, in a copy of its whole world.

One process holds a bot, its files and its DigitalOcean. It is forked, and there the bot is forked
once more: into a process of its own, which traces its statements and kills itself. Its files, and
the DigitalOcean with which it spoke through a pipe, are left as the kill left them.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fakes.digitalocean.api import Answer, Api

#: Not that of tests.conftest, which imports much: all that is here is copied for every process.
REPOSITORY = Path(__file__).resolve().parents[2]

#: The code that creates, watches and destroys droplets.
WATCHED = frozenset(
    str(REPOSITORY / "bot" / name)
    for name in (
        "core/dispatcher.py", "core/limits.py", "core/reconcile.py", "core/register.py",
        "core/ledger.py", "core/events.py", "core/machines.py", "compute/droplet.py",
        "compute/fleet.py", "compute/sightings.py", "compute/digitalocean/client.py",
    )
)  # fmt: skip

#: The dispatcher's steps. The same statement of the ledger is another point in each of them.
STEPS = frozenset({
    "reconcile", "_launch", "_find", "_collect", "_conclude", "_limit", "_stop", "_look",
    "_close_entry", "_remove", "_free",
})  # fmt: skip

#: A statement that is about to run, in a step: what is before it has happened, nothing else.
Point = tuple[str, str, int]


class Wire(Api):
    """The simulated API, also for a bot that was forked off and speaks through a pipe."""

    _line: Connection | None = None

    def handle(self, method: str, target: str, body: bytes, token: str) -> Answer:
        with untraced():
            if self._line is None:
                return super().handle(method, target, body, token)
            self._line.send((method, target, body, token))
            answer: Answer = self._line.recv()
            return answer

    def call_through(self, line: Connection) -> None:
        """Be the bot's end from now on."""
        self._line = line

    def serve(self, line: Connection) -> None:
        """Be the other end, until the bot is gone."""
        while True:
            try:
                request = line.recv()
            except (EOFError, ConnectionResetError):
                return
            line.send(self.handle(*request))


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
    sys.settrace(tracer)
    yield
    sys.settrace(None)


@contextmanager
def untraced() -> Iterator[None]:
    """What DigitalOcean does is none of the bot's statements, also in the bot's process."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


def points_of(bot: Callable[[], None]) -> list[Point]:
    """Run a bot in this process; return every point that it reaches, in order."""
    reached: dict[Point, None] = {}
    with tracing(Tracer(reached.setdefault)):
        bot()
    return list(reached)


def killed_at(point: Point, api: Wire, bot: Callable[[], None]) -> bool:
    """Fork a bot off that kills itself when it reaches a point; False when it never does."""

    def die(reached: Point) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly() -> None:
        with tracing(Tracer(die)):
            bot()

    return forked_off(api, deadly) == -signal.SIGKILL


def forked_off(api: Wire, bot: Callable[[], None]) -> int:
    """Run a bot in a process of its own, and its DigitalOcean in this one; return how it ended."""
    near, far = Pipe()

    def calling() -> None:
        near.close()  # else nobody sees that this process is gone
        api.call_through(far)
        bot()

    child = fork(calling)
    far.close()
    api.serve(near)
    return ended(child)


def fork(work: Callable[[], None]) -> int:
    """Run a function in a copy of this process; return that one's number."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - nothing of the test may go on in the child
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def ended(child: int) -> int:
    """Wait for a process; return how it ended, as subprocess does."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
