"""How long something has been as it is, by a clock that never jumps."""

from __future__ import annotations

from collections.abc import Callable, Hashable


class Since:
    """Remembers when each thing was first seen as it is now. Forgets all when the bot ends."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seen: dict[Hashable, tuple[object, float]] = {}

    def seconds(self, key: Hashable, value: object = None) -> float:
        """Return for how many seconds `key` has had this value; 0 when that is news."""
        now = self._monotonic()
        known = self._seen.get(key)
        if known is None or known[0] != value:
            self._seen[key] = known = (value, now)
        return now - known[1]

    def is_due(self, key: Hashable, pause: float) -> bool:
        """Whether it is `pause` seconds since this was last true for `key`; at first it is."""
        known = self._seen.get(key)
        if known is not None and self._monotonic() - known[1] < pause:
            return False
        self._seen[key] = (None, self._monotonic())
        return True

    def forget(self) -> None:
        """Begin anew: nothing was seen."""
        self._seen.clear()
