"""Threads in which listeners hear Slack's requests: a few in turn, and more for those held up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier

from bot.slack.app import LISTENERS

#: Listeners at work at the same moment, while none is held up. Python has one thread at work at
#: any time: thirty that take it from each other at every read of the ledger need twice the time,
#: and all of them end late. The others work while the first waits for the disk.
AT_ONCE = 3

#: Seconds after which a request gets a thread of its own: those before it wait for Slack's own
#: answer, or for a bucket's.
PATIENCE = 0.15

#: Seconds that threads wait for each other to begin.
TOGETHER = 10.0


class Turn:
    """A listener's call, in one thread or another."""

    def __init__(self, turns: Turns, call: Callable[[], None]) -> None:
        self._turns = turns
        self._call = call
        self.work: Future[None] = turns.in_turn.submit(call)

    def hurry(self) -> None:
        """Begin in a thread apart, if the turn has not come yet."""
        if self.work.cancel():
            self.work = self._turns.apart.submit(self._call)


class Turns:
    """The threads. With `first` those that take turns begin now, each by calling it.

    Otherwise those who ask first wait for threads to begin, and for what each opens for itself.
    """

    def __init__(self, first: Callable[[], object] | None = None) -> None:
        self.in_turn = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="listener")
        self.apart = ThreadPoolExecutor(LISTENERS, thread_name_prefix="listener-apart")
        if first is not None:
            self._begin(first)

    def submit(self, call: Callable[[], None]) -> Turn:
        """Have a listener called when its turn comes."""
        return Turn(self, call)

    def _begin(self, first: Callable[[], object]) -> None:
        """Call `first` in every thread, once: they wait for each other, so that none takes two."""
        together = Barrier(AT_ONCE)

        def begin() -> None:
            together.wait(TOGETHER)
            first()

        for _ in range(AT_ONCE):
            self.in_turn.submit(begin)
