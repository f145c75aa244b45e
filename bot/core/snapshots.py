"""Copies of the ledger in the bucket, for hosts whose disk ends with a deployment.

A snapshot is `ledger/<time>-<generation>.db.gz`, written by the bot that acts. The newest is that
of the highest generation (see succession.py), and of that one the latest: so no two machines'
clocks are compared, and one that a replaced bot writes late changes nothing.
"""

from __future__ import annotations

import gzip
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.storage.base import Storage
from bot.storage.names import PRIVATE

FOLDER = f"{PRIVATE}/ledger/"

#: Seconds between two snapshots: the least, and the most while there are changes.
SHORTEST, LONGEST = 10.0, 60.0

#: The part of the time that snapshots of a large ledger may take.
SHARE = 0.05

#: How many of the newest snapshots are kept, and of how many days the last one.
NEWEST, DAYS = 20, 14

_KEY = re.compile(rf"{FOLDER}(\d{{8}}T\d{{6}}\.\d{{6}}Z)-(\d{{8}}-[0-9a-f]{{8}})\.db\.gz")


@dataclass(frozen=True, order=True)
class Snapshot:
    """One copy in the bucket; the order is that of age. `time` is UTC, as in ISO 8601."""

    generation: str
    time: str

    @property
    def key(self) -> str:
        """The object's key."""
        return f"{FOLDER}{self.time}-{self.generation}.db.gz"


def newest_first(storage: Storage) -> list[Snapshot]:
    """List the snapshots in the bucket. Raises StorageError."""
    matches = (_KEY.fullmatch(key) for key in storage.keys(FOLDER))
    return sorted((Snapshot(match[2], match[1]) for match in matches if match), reverse=True)


class Snapshots:
    """Writes the snapshots of one ledger that exists; for one thread at a time."""

    def __init__(
        self,
        storage: Storage,
        ledger: Path,
        generation: str,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._generation = generation
        self._clock = clock
        self._monotonic = monotonic
        self._connection = sqlite3.connect(
            f"{ledger.absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False
        )
        self._saved: int | None = None
        self._last_time = 0.0
        self._next = float("-inf")

    def save_if_due(self) -> bool:
        """Save what has changed, unless the last snapshot is quite new. Raises StorageError."""
        return self._monotonic() >= self._next and self.save_if_changed()

    def save_if_changed(self) -> bool:
        """Save the ledger unless the newest snapshot is as it is now. Raises StorageError."""
        if self._version() == self._saved:
            return False
        self.save()
        return True

    def save(self) -> None:
        """Write a snapshot and remove those that are too many. Raises StorageError."""
        began = self._monotonic()
        self._next = began + SHORTEST  # also when it does not work
        version = self._version()  # before the copy: a change meanwhile is one for the next
        data = gzip.compress(self._copy())
        snapshot = Snapshot(self._generation, self._stamp())
        self._storage.put(snapshot.key, data, "application/gzip", private=True)
        self._saved = version
        pause = (self._monotonic() - began) / SHARE
        self._next = began + min(max(pause, SHORTEST), LONGEST)
        for each in superfluous(newest_first(self._storage)):
            self._storage.delete(each.key)

    def close(self) -> None:
        """Let go of the ledger's file."""
        self._connection.close()

    def _version(self) -> int:
        """Return a number that changes with every commit of any other connection."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _copy(self) -> bytes:
        """Return the ledger as of one moment. Not VACUUM INTO: that may renumber the queue."""
        with closing(sqlite3.connect(":memory:")) as copy:
            self._connection.backup(copy)
            return copy.serialize()

    def _stamp(self) -> str:
        """Return the time, later than the last one even when the clock was set back."""
        self._last_time = max(self._clock(), self._last_time + 0.001)
        return datetime.fromtimestamp(self._last_time, UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def superfluous(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Return which of the snapshots, newest first, are neither new nor the last of a recent day."""
    last_of_day: dict[str, Snapshot] = {}
    for each in snapshots:
        last_of_day.setdefault(each.time[:8], each)
    days = sorted(last_of_day, reverse=True)[:DAYS]
    kept = {*snapshots[:NEWEST], *(last_of_day[day] for day in days)}
    return [each for each in snapshots if each not in kept]
