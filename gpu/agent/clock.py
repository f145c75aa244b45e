"""What the agent knows of time; the module `time` is one, and tests have their own."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Unix time, a time that never jumps, and waiting; all in seconds."""

    def time(self) -> float: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...
