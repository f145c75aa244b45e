"""Lets those who wait for an answer go first: what the bot does by itself waits a moment.

Python has one thread at work at any time. A pass over twenty jobs that begins while fifty people
wait takes its time from each of them; a third of a second later nobody misses it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Seconds that other work waits at most, from when the first of those who wait now has asked: a
#: single answer that takes long, or answers without end, hold nothing up for longer.
MOST = 0.3


class Rush:
    """Counts who waits for an answer: each is inside a `with` of it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = 0
        self._until = 0.0
        self._over = threading.Event()
        self._over.set()

    def __enter__(self) -> None:
        with self._lock:
            if self._waiting == 0:
                self._until = self._clock() + MOST
                self._over.clear()
            self._waiting += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._waiting -= 1
            if self._waiting == 0:
                self._over.set()

    @property
    def is_on(self) -> bool:
        """Whether anybody waits."""
        return not self._over.is_set()

    def give_way(self) -> None:
        """Return when nobody waits, or has to wait any longer for this."""
        self._over.wait(max(0.0, self._until - self._clock()))


#: The one of this process, as Python's lock is.
RUSH = Rush()
