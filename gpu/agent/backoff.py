"""When to ask again somebody who did not answer."""

from __future__ import annotations

import random
from collections.abc import Callable

from gpu.agent.clock import Clock

#: Seconds of the first wait and of the longest; each is twice the one before.
FIRST, LONGEST = 1.0, 60.0

#: Seconds that an answer may make us wait at most: the bot gives up a machine silent for 600.
MOST = 300.0


class BackOff:
    """Exponential back-off. Jitter keeps machines that lost one bot from returning together."""

    def __init__(self, clock: Clock, chance: Callable[[], float] = random.random) -> None:
        self._clock, self._chance = clock, chance
        self._wait, self._until = FIRST, float("-inf")

    @property
    def is_over(self) -> bool:
        """Whether it is time to ask again."""
        return self._clock.monotonic() >= self._until

    def failed(self, at_least: float = 0.0) -> None:
        """Wait longer than the last time, and at least as long as the answer said, seconds."""
        wait = self._wait * (0.5 + self._chance() / 2)
        self._until = self._clock.monotonic() + max(wait, min(at_least, MOST))
        self._wait = min(self._wait * 2, LONGEST)

    def succeeded(self) -> None:
        """Forget what went wrong before."""
        self._wait, self._until = FIRST, float("-inf")
