"""What people want done outside any job, kept until it is done: listeners call no provider.

A listener writes the intent and answers; the dispatcher carries it out in its next pass.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from enum import StrEnum

from bot.compute.base import Foreign
from bot.core.database import LedgerFile

__all__ = ["Foreign", "Intent", "Intents", "Kind"]


class Kind(StrEnum):
    """What can be wanted."""

    DESTROY_FOREIGN = "destroy_foreign"


@dataclass(frozen=True)
class Intent:
    """Something that `actor` wants done to `subject`. Times are Unix seconds.

    It is open until `done_at` is set; `error` then says why it was not done after all.
    """

    id: int
    kind: Kind
    subject: str
    actor: str
    created_at: float
    done_at: float | None = None
    error: str = ""


class Intents:
    """The ledger's list of intents, and the machines on the account that are not ours."""

    def __init__(self, file: LedgerFile, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock

    def ask(self, kind: Kind, subject: str, actor: str) -> Intent:
        """Want something done, and note it in the audit. An open intent is not opened twice."""
        with self._file.writing() as db:
            now = self._clock()
            known = "INSERT OR IGNORE INTO intents (kind, subject, actor, created_at)"
            db.execute(f"{known} VALUES (?, ?, ?, ?)", (kind.value, subject, actor, now))
            note = "INSERT INTO audit (time, actor, action, job, detail) VALUES (?, ?, ?, NULL, ?)"
            db.execute(note, (now, actor, kind.value, subject))
            sql = "SELECT * FROM intents WHERE kind = ? AND subject = ? AND done_at IS NULL"
            return _intent(db.execute(sql, (kind.value, subject)).fetchone())

    def open(self) -> list[Intent]:
        """Return what is still to be done, oldest first."""
        sql = "SELECT * FROM intents WHERE done_at IS NULL ORDER BY id"
        return [_intent(row) for row in self._file.connection().execute(sql)]

    def newest(self, kind: Kind) -> dict[str, Intent]:
        """Return the newest intent about each subject, open or not."""
        sql = "SELECT * FROM intents WHERE kind = ? ORDER BY id"
        rows = self._file.connection().execute(sql, (kind.value,))
        return {row["subject"]: _intent(row) for row in rows}

    def done(self, intent_id: int, error: str = "") -> None:
        """Note that an intent was carried out, or why it will not be."""
        with self._file.writing() as db:
            sql = "UPDATE intents SET done_at = ?, error = ? WHERE id = ? AND done_at IS NULL"
            db.execute(sql, (self._clock(), error, intent_id))

    def set_foreign(self, found: Sequence[Foreign]) -> None:
        """Replace the machines that are not ours by those that exist now."""
        if list(found) == self.foreign():
            return
        with self._file.writing() as db:
            db.execute("DELETE FROM strangers")
            for machine in found:
                db.execute("INSERT INTO strangers VALUES (?, ?, ?, ?, ?, ?)", astuple(machine))

    def foreign(self) -> list[Foreign]:
        """Return the GPU machines that are not ours, as of the last look."""
        rows = self._file.connection().execute("SELECT * FROM strangers ORDER BY rowid")
        return [Foreign(**{f.name: row[f.name] for f in fields(Foreign)}) for row in rows]


def _intent(row: sqlite3.Row) -> Intent:
    values = {f.name: row[f.name] for f in fields(Intent)}
    return Intent(**values | {"kind": Kind(values["kind"])})
