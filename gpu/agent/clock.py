"""What the agent knows of time; the module `time` is a Clock, and tests have their own."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Unix time, a time that never jumps, and waiting; all in seconds."""

    def time(self) -> float: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class BotTime:
    """The bot's time, in which signatures and deadlines are. A Clock itself.

    The machine's clock may be wrong after the boot, and jump when it is set. So it is read once,
    and from then on time passes as the monotonic clock does, until the bot knows better.
    `is_agreed` once the bot has taken what was signed with this time.
    """

    def __init__(self, clock: Clock = time) -> None:
        self._clock = clock
        self._ahead = clock.time() - clock.monotonic()
        self.is_agreed = False
        self.monotonic, self.sleep = clock.monotonic, clock.sleep

    def time(self) -> float:
        """Return Unix time in seconds."""
        return self._clock.monotonic() + self._ahead

    def agree(self, correction: float = 0.0) -> None:
        """Note that the bot has taken this time and a correction of so many seconds."""
        self._ahead += correction
        self.is_agreed = True
