"""Notices work that hangs: it says nothing any more, neither to people nor to its log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gpu.agent.clock import Clock

#: Seconds without a sign of life after which a program is taken to hang. The longest silences of
#: sound ones, big downloads and compiling kernels, are a few minutes.
LONGEST = 1_800.0

#: Seconds between two looks that count at most: a machine that stood still could say nothing.
LOOK = 300.0


class Silence:
    """Watches how much is in some files."""

    def __init__(self, files: Sequence[Path], clock: Clock) -> None:
        self._files, self._clock = files, clock
        self._seen, self._looked = self._sizes(), clock.monotonic()
        self._seconds = 0.0

    @property
    def is_too_long(self) -> bool:
        """Whether nothing was added for LONGEST. Has to be asked often."""
        sizes, now = self._sizes(), self._clock.monotonic()
        passed, self._looked = min(now - self._looked, LOOK), now
        self._seconds = self._seconds + passed if sizes == self._seen else 0.0
        self._seen = sizes
        return self._seconds >= LONGEST

    def _sizes(self) -> list[int]:
        return [file.stat().st_size if file.exists() else 0 for file in self._files]
