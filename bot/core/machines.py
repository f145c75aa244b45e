"""The machines that cost money: what was intended, what came of it, and what it cost.

A machine is entered before the call that creates it, so that whatever happens to that call, to
the bot or to the answer, there is a line that says to look for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum

from sqlite_utils import Database

from bot.core.database import LedgerFile
from bot.core.errors import MachineExists

HOUR = 3600.0


class Outcome(StrEnum):
    """What came of the call that creates a machine."""

    SENT = "sent"  # nobody knows: it was sent, or was going to be
    CREATED = "created"
    REFUSED = "refused"  # the provider said no, so that there is none
    ABSENT = "absent"  # it was looked for long enough


@dataclass(frozen=True)
class Machine:
    """One intended machine. `gone_at` is set once its absence was confirmed. Unix seconds."""

    number: int
    job: str
    attempt: int
    name: str
    size: str
    region: str
    price_per_hour: float
    sent_at: float
    outcome: Outcome
    machine_id: str | None = None
    gone_at: float | None = None

    @property
    def may_exist(self) -> bool:
        """Whether the machine exists, or may."""
        return self.outcome in {Outcome.SENT, Outcome.CREATED} and self.gone_at is None

    def cost(self, now: float, since: float = 0.0) -> float:
        """Dollars that the machine cost from `since` until now; billed until it is destroyed."""
        if self.outcome is not Outcome.CREATED:
            return 0.0
        seconds = (self.gone_at or now) - max(self.sent_at, since)
        return max(seconds, 0.0) / HOUR * self.price_per_hour


class Machines:
    """The ledger's list of machines."""

    def __init__(self, file: LedgerFile, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock

    def intend(
        self, job: str, attempt: int, *, name: str, size: str, region: str, price_per_hour: float
    ) -> Machine:
        """Enter a machine that is about to be created.

        Raises MachineExists when the job has one already, or may have, and when the job holds
        no slot any more: then nothing may be created.
        """
        with self._file.writing() as db:
            holds = "SELECT 1 FROM slots WHERE job = ? AND released_at IS NULL"
            if db.execute(holds, (job,)).fetchone() is None:
                raise MachineExists(f"Job `{job}` holds no slot.")
            values = (job, attempt, name, size, region, price_per_hour, self._clock(), "sent")
            return self._insert(db, values)

    def adopt(
        self,
        job: str,
        attempt: int,
        *,
        name: str,
        size: str,
        region: str,
        price_per_hour: float,
        machine_id: str,
        created_at: float,
    ) -> Machine:
        """Enter a machine that was found, also when nobody knew of it. Safe to repeat."""
        with self._file.writing() as db:
            known = _living(db, job)
            if known is None:
                intent = (job, attempt, name, size, region, price_per_hour, created_at, "sent")
                known = self._insert(db, intent)
            sql = (
                "UPDATE machines SET outcome = 'created', machine_id = ?, name = ?, size = ?,"
                " region = ?, price_per_hour = ?, sent_at = MIN(sent_at, ?)"
                " WHERE number = ? RETURNING *"
            )
            found = (machine_id, name, size, region, price_per_hour, created_at, known.number)
            return _machine(db.execute(sql, found).fetchone())

    def settle(self, number: int, outcome: Outcome, machine_id: str | None = None) -> None:
        """Note what came of a create. What is known stays: a machine that was created, was."""
        with self._file.writing() as db:
            sql = (
                "UPDATE machines SET outcome = ?, machine_id = ?"
                " WHERE number = ? AND outcome = 'sent'"
            )
            db.execute(sql, (outcome.value, machine_id, number))

    def gone(self, job: str) -> None:
        """Note that the absence of a job's machine is confirmed; what it cost is final now."""
        with self._file.writing() as db:
            sql = "UPDATE machines SET gone_at = ? WHERE job = ? AND gone_at IS NULL"
            db.execute(sql, (self._clock(), job))

    def machine_of(self, job: str) -> Machine | None:
        """Return the machine that a job has, or may have."""
        return _living(self._file.connection(), job)

    def machines(self, *, job: str | None = None, since: float = 0.0) -> list[Machine]:
        """Return the machines that existed at or after `since`, newest first."""
        sql = (
            "SELECT * FROM machines WHERE (? IS NULL OR job = ?)"
            " AND (gone_at IS NULL OR gone_at >= ?) ORDER BY number DESC"
        )
        rows = self._file.connection().execute(sql, (job, job, since))
        return [_machine(row) for row in rows]

    def spent(self, *, job: str | None = None, since: float = 0.0) -> float:
        """Dollars that machines cost from `since` until now."""
        now = self._clock()
        return sum(m.cost(now, since) for m in self.machines(job=job, since=since))

    def _insert(self, db: Database, values: tuple[object, ...]) -> Machine:
        columns = "job, attempt, name, size, region, price_per_hour, sent_at, outcome"
        marks = ", ".join("?" * len(values))
        try:
            row = db.execute(
                f"INSERT INTO machines ({columns}) VALUES ({marks}) RETURNING *",  # noqa: S608
                values,
            ).fetchone()
        except sqlite3.IntegrityError:
            raise MachineExists(f"Job `{values[0]}` has a machine, or may have.") from None
        return _machine(row)


def remember(db: Database, job: str, attempt: int, *, sent_at: float) -> None:
    """Enter a machine that an earlier bot was about to create, inside a transaction."""
    db.execute(
        "INSERT OR IGNORE INTO machines"
        " (job, attempt, name, size, region, price_per_hour, sent_at, outcome)"
        " VALUES (?, ?, '', '', '', 0, ?, 'sent')",
        (job, attempt, sent_at),
    )


def _living(db: Database, job: str) -> Machine | None:
    sql = (
        "SELECT * FROM machines WHERE job = ? AND outcome IN ('sent', 'created')"
        " AND gone_at IS NULL"
    )
    row = db.execute(sql, (job,)).fetchone()
    return _machine(row) if row else None


def _machine(row: sqlite3.Row) -> Machine:
    values = {f.name: row[f.name] for f in fields(Machine)}
    return Machine(**values | {"outcome": Outcome(values["outcome"])})
