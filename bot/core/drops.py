"""Photos that somebody dropped into Slack, or sent by the upload page, until a job is offered.

A listener writes the drop and answers. What it names is fetched, looked at and offered by
whoever works on `due`, however often the bot is started anew.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.core.database import LedgerFile, insert
from bot.core.errors import UnknownDrop

#: Where datasets are that came by Slack or by the upload page.
DATASETS = "datasets"

#: Characters of a name that is made of what somebody wrote.
NAME = 40


@dataclass(frozen=True)
class DroppedFile:
    """One file as Slack describes it. `url` is where it is fetched from; `size` in bytes."""

    name: str
    url: str
    size: int


@dataclass(frozen=True)
class Drop:
    """Files for one dataset. `thread` is the message that they came with; empty where none is.

    Without `files` the dataset is in the storage already. `place` is the channel and the time
    stamp of our own message about it, once there is one. `found` is what was found in the
    dataset, once somebody has looked; `error` is why nothing was.
    """

    id: int
    key: str
    team: str
    channel: str
    user: str
    thread: str
    dataset: str
    files: tuple[DroppedFile, ...]
    created_at: float
    tries: int = 0
    place: tuple[str, str] | None = None
    found: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


class Drops:
    """The ledger's list of drops."""

    def __init__(self, file: LedgerFile, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock

    def add(
        self,
        *,
        key: str,
        team: str,
        channel: str,
        user: str,
        dataset: str,
        thread: str = "",
        files: Sequence[DroppedFile] = (),
    ) -> Drop:
        """Note a drop, and who made it; the same `key` again returns the one that is known."""
        row = {
            "key": key, "team": team, "channel": channel, "user": user, "thread": thread,
            "dataset": dataset, "files": json.dumps([asdict(file) for file in files]),
            "created_at": self._clock(), "next_try_at": self._clock(),
        }  # fmt: skip
        with self._file.writing() as db:
            known = db.execute("SELECT * FROM drops WHERE key = ?", (key,)).fetchone()
            if known:
                return _drop(known)
            insert(db, "drops", row)
            note = {"time": self._clock(), "actor": user, "action": "drop", "detail": dataset}
            insert(db, "audit", {**note, "job": None})
            return _drop(db.execute("SELECT * FROM drops WHERE key = ?", (key,)).fetchone())

    def get(self, drop_id: int) -> Drop:
        """Return a drop; raises UnknownDrop."""
        sql = "SELECT * FROM drops WHERE id = ?"
        row = self._file.connection().execute(sql, (drop_id,)).fetchone()
        if row is None:
            raise UnknownDrop("These photos are not known any more.", hint="Send them again.")
        return _drop(row)

    def due(self, limit: int = 10) -> list[Drop]:
        """Return the drops that are to be worked on now, oldest first."""
        sql = "SELECT * FROM drops WHERE done_at IS NULL AND next_try_at <= ? ORDER BY id LIMIT ?"
        return [_drop(row) for row in self._file.connection().execute(sql, (self._clock(), limit))]

    def shown(self, drop_id: int, channel: str, ts: str) -> None:
        """Note where our message about a drop is."""
        self._update(drop_id, shown_channel=channel, shown_ts=ts)

    def later(self, drop_id: int, seconds: float) -> None:
        """Try again after a while."""
        sql = "UPDATE drops SET tries = tries + 1, next_try_at = ? WHERE id = ?"
        with self._file.writing() as db:
            db.execute(sql, (self._clock() + seconds, drop_id))

    def offered(self, drop_id: int, found: Mapping[str, Any]) -> None:
        """Note what was found: a job may be started of it."""
        self._update(drop_id, found=json.dumps(dict(found)), done_at=self._clock())

    def given_up(self, drop_id: int, error: str) -> None:
        """Note why nothing will come of a drop."""
        self._update(drop_id, error=error, done_at=self._clock())

    def _update(self, drop_id: int, **changes: Any) -> None:
        columns = ", ".join(f"{name} = ?" for name in changes)
        with self._file.writing() as db:
            sql = f"UPDATE drops SET {columns} WHERE id = ?"  # noqa: S608 - columns are ours
            db.execute(sql, (*changes.values(), drop_id))


def name_of(text: str, key: str, when: float) -> str:
    """Return the name of a dataset after what somebody wrote, and unlike any other's."""
    first = next(iter(text.strip().splitlines()), "")
    day = time.strftime("%y%m%d", time.gmtime(when))
    return f"{DATASETS}/{slug(first) or 'photos'}-{day}-{_mark(key)}"


def slug(text: str) -> str:
    """Return a text as lower-case ASCII words with hyphens between, NAME characters at most."""
    text = re.sub(r"<[^>]*>", " ", text)  # Slack's mentions and links
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:NAME].rstrip("-")


def _mark(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:4]


def _drop(row: Mapping[str, Any]) -> Drop:
    values = {name: row[name] for name in ("id", "key", "team", "channel", "user", "thread",
                                           "dataset", "created_at", "tries", "error")}  # fmt: skip
    return Drop(
        **values,
        files=tuple(DroppedFile(**file) for file in json.loads(row["files"])),
        place=(row["shown_channel"], row["shown_ts"]) if row["shown_ts"] else None,
        found=json.loads(row["found"]),
    )
