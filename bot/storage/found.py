"""What a look at a dataset's photos found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from bot.storage.flight import Doubt, Flight


@dataclass(frozen=True)
class Found:
    """What is in a dataset; `unread` names the captures that nothing reads.

    The first bytes of `looked_at` photos were read: `gps` of them say where they were taken,
    `doubt` why that is not believed, and `flight` is what a drone's say of its flight. `every` is
    the usual number of seconds from one photo to the next. `opened` photos were decoded: of these
    `blurred` may be, and `unreadable` could not be.
    """

    photos: int
    bytes: int
    videos: int = 0
    unread: tuple[str, ...] = ()
    looked_at: int = 0
    gps: int = 0
    doubt: Doubt | None = None
    flight: Flight | None = None
    every: float | None = None
    opened: int = 0
    blurred: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Found:
        """Return what the ledger keeps as JSON, perhaps from an earlier bot."""
        known = {field.name: kept[field.name] for field in fields(cls) if field.name in kept}
        for name, value in known.items():
            known[name] = tuple(value) if isinstance(value, list) else value
        doubt, flight = known.pop("doubt", None), known.pop("flight", None)
        return cls(
            **{"photos": 0, "bytes": 0} | known,
            doubt=Doubt(**doubt) if doubt else None,
            flight=Flight(**flight) if flight else None,
        )
