"""Examinations of what the bot needs, made in the background: their result is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: one sentence, and when it is not well the remedy in one."""

    ok: bool
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        mark = "✓" if self.ok else "✗"
        return " ".join(filter(None, [mark, self.what, self.remedy]))


@dataclass(frozen=True)
class Report:
    """All findings of one examination, and the Unix time at which it was over."""

    findings: tuple[Finding, ...]
    at: float


class Rounds:
    """Keeps the newest report. `look` takes seconds: somebody calls it every so often."""

    def __init__(
        self,
        examine: Callable[[], Iterable[Finding]] = tuple,
        *,
        wake: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._examine = examine
        self._wake = wake
        self._clock = clock
        self._last: Report | None = None

    def look(self) -> None:
        """Examine everything anew."""
        findings = tuple(self._examine())
        self._last = Report(findings, self._clock())

    def ask(self) -> Report | None:
        """Return the newest report, if there is any, and have a new one made."""
        self._wake()
        return self._last
