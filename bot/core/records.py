"""What the ledger knows, for those who only read it."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from bot.core.efforts import USUAL
from bot.core.errors import UnknownJob
from bot.core.jobs import AGAIN, TERMINAL, Job, Options, State
from bot.core.outbox import Outbox
from bot.core.rows import job_from
from gpu.job import Event, Pipeline

_ACTIVE = tuple(state.value for state in State if state not in TERMINAL)


class Records(Outbox):
    """Jobs, slots, events and the audit, as of the moment of the call."""

    def job(self, job_id: str) -> Job:
        """Return a job; raises UnknownJob."""
        return self._read(self._db, job_id)

    def jobs(self, *, limit: int = 20, channel: str | None = None) -> list[Job]:
        """Return the newest jobs first."""
        sql = "SELECT * FROM jobs WHERE ? IS NULL OR channel = ? ORDER BY rowid DESC LIMIT ?"
        return [job_from(row) for row in self._db.execute(sql, (channel, channel, limit))]

    def active(self) -> list[Job]:
        """Return the jobs that are not over, oldest first."""
        sql = f"SELECT * FROM jobs WHERE state IN ({_marks(_ACTIVE)}) ORDER BY rowid"  # noqa: S608
        return [job_from(row) for row in self._db.execute(sql, _ACTIVE)]

    def ended(self, limit: int) -> list[Job]:
        """Return the newest jobs that are over, newest first."""
        sql = f"SELECT * FROM jobs WHERE state NOT IN ({_marks(_ACTIVE)})"  # noqa: S608
        rows = self._db.execute(f"{sql} ORDER BY rowid DESC LIMIT ?", (*_ACTIVE, limit))
        return [job_from(row) for row in rows]

    def count_active(self) -> int:
        """Return how many jobs are not over."""
        sql = f"SELECT COUNT(*) FROM jobs WHERE state IN ({_marks(_ACTIVE)})"  # noqa: S608
        return int(one(self._db, sql, *_ACTIVE)[0])

    def lineup(self, most: int) -> list[Job]:
        """Return the jobs that run, then those that are next; `most` of them."""
        order = "ORDER BY state = 'queued', rowid"
        # The index knows as much; only the jobs that are shown are read.
        first = f"SELECT rowid FROM jobs WHERE state IN ({_marks(_ACTIVE)}) {order} LIMIT ?"  # noqa: S608
        sql = f"SELECT * FROM jobs WHERE rowid IN ({first}) {order}"  # noqa: S608
        return [job_from(row) for row in self._db.execute(sql, (*_ACTIVE, most))]

    def foremost(self) -> Job | None:
        """Return the job that runs, the oldest of several, else the one that is next."""
        return next(iter(self.lineup(1)), None)

    def queue_position(self, job_id: str) -> int:
        """Return 1 for the job that is next, 2 for the one after; 0 when it does not wait."""
        sql = (
            "SELECT COUNT(*) FROM jobs WHERE state = 'queued' AND rowid <="
            " (SELECT rowid FROM jobs WHERE id = ? AND state = 'queued')"
        )
        return int(one(self._db, sql, job_id)[0])

    def holders(self) -> list[tuple[int, str]]:
        """Return (slot, job id) of every slot that is taken."""
        sql = "SELECT slot, job FROM slots WHERE released_at IS NULL ORDER BY slot"
        return [(row["slot"], row["job"]) for row in self._db.execute(sql)]

    def done_again(self, job_id: str) -> Job | None:
        """Return the job as which somebody ran a failed one again, by its button."""
        row = one(self._db, "SELECT * FROM jobs WHERE request_key = ?", AGAIN + job_id)
        return job_from(row) if row else None

    def repeated_by(self, job_id: str) -> str | None:
        """Return the id of the failed job that this one runs again, by its button, if any."""
        key = str(one(self._db, "SELECT request_key FROM jobs WHERE id = ?", job_id)[0])
        return key.removeprefix(AGAIN) if key.startswith(AGAIN) else None

    def job_of_thread(self, channel: str, ts: str) -> Job | None:
        """Return the job whose status message starts a thread."""
        sql = "SELECT * FROM jobs WHERE status_channel = ? AND status_ts = ?"
        row = one(self._db, sql, channel, ts)
        return job_from(row) if row else None

    def unrendered(self) -> list[Job]:
        """Return the jobs that have changed since their status message was written."""
        sql = "SELECT * FROM jobs WHERE version > rendered_version AND status_ts IS NOT NULL"
        return [job_from(row) for row in self._db.execute(sql)]

    def history(
        self,
        pipeline: Pipeline,
        options: Options,
        *,
        before: float | None = None,
        limit: int = 20,
    ) -> list[Job]:
        """Return the newest jobs of a pipeline that succeeded, those with the same preset first.

        Only those that were over at the Unix time `before`, where one is given.
        """
        # The preset alone is read of all of them, the rest of those that are returned.
        first = (
            "SELECT rowid FROM jobs WHERE pipeline = ? AND state = 'succeeded'"
            " AND (? IS NULL OR finished_at <= ?)"
            " ORDER BY COALESCE(json_extract(options, '$.preset'), ?) = ? DESC, finished_at DESC"
            " LIMIT ?"
        )
        sql = f"SELECT * FROM jobs WHERE rowid IN ({first})"  # noqa: S608
        preset = options.get("preset", USUAL)
        values = (pipeline.value, before, before, USUAL, preset, limit)
        return [job_from(row) for row in self._db.execute(sql, values)]

    def last_seq(self, job: Job) -> int:
        """Return the number up to which the job's events are all here."""
        counted = "SELECT COUNT(*), MAX(seq) FROM events WHERE job = ? AND attempt = ?"
        count, highest = one(self._db, counted, job.id, job.attempt)
        if count == (highest or 0):
            return int(count)
        sql = "SELECT seq FROM events WHERE job = ? AND attempt = ? ORDER BY seq"
        last = 0
        for row in self._db.execute(sql, (job.id, job.attempt)):
            if row["seq"] != last + 1:
                break
            last += 1
        return last

    def events(self, job: Job) -> list[Event]:
        """Return the job's events in the order of their numbers."""
        sql = "SELECT body FROM events WHERE job = ? AND attempt = ? ORDER BY seq"
        return [
            Event.from_json(row["body"]) for row in self._db.execute(sql, (job.id, job.attempt))
        ]

    def last_event(self, job: Job) -> Event | None:
        """Return the job's event with the highest number."""
        sql = "SELECT body FROM events WHERE job = ? AND attempt = ? ORDER BY seq DESC LIMIT 1"
        row = one(self._db, sql, job.id, job.attempt)
        return Event.from_json(row["body"]) if row else None

    def destroy_requested(self, job_id: str) -> bool:
        """Whether somebody wants the job's machine removed at once."""
        row = one(self._db, "SELECT destroy_requested FROM jobs WHERE id = ?", job_id)
        return bool(row and row["destroy_requested"])

    def audit_log(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the newest notes of the audit first."""
        rows = self._db.execute("SELECT * FROM audit ORDER BY id DESC LIMIT ?", (limit,))
        return [dict(row) for row in rows]

    @property
    def _db(self) -> Database:
        return self._file.connection()

    def _read(self, db: Database, job_id: str) -> Job:
        row = one(db, "SELECT * FROM jobs WHERE id = ?", job_id)
        if row is None:
            raise UnknownJob(f"There is no job `{job_id}`.", hint="`/splat list` shows the jobs.")
        return job_from(row)


def one(db: Database, sql: str, *values: Any) -> Any:
    """Return the first row of a query, or None."""
    return db.execute(sql, values).fetchone()


def _marks(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))
