"""The outbox: notices that wait to be seen, kept in the ledger so that a crash loses none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlite_utils import Database

from bot.core.database import LedgerFile, update_job
from bot.core.rows import Notice, notice_from


class Outbox:
    """What the one writer of messages reads and ticks off."""

    def __init__(self, file: LedgerFile, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock

    def pending(self, now: float, limit: int = 50, *, pictures: bool = False) -> list[Notice]:
        """Return the notices that are due, oldest first; none before an earlier one of its job.

        Pictures are a queue of their own: a slow upload holds up no word.
        """
        rows = self._file.connection().execute(
            "SELECT * FROM outbox o WHERE closed_at IS NULL AND next_try_at <= ?"
            " AND kind != 'elsewhere' AND (kind = 'pictures') = ? AND NOT EXISTS"
            " (SELECT 1 FROM outbox e WHERE e.job = o.job AND e.id < o.id"
            "  AND (e.kind = 'pictures') = (o.kind = 'pictures')"
            "  AND e.closed_at IS NULL AND e.next_try_at > ?) ORDER BY id LIMIT ?",
            (now, pictures, now, limit),
        )
        return [notice_from(row) for row in rows]

    def elsewhere(self, now: float, limit: int = 10) -> list[Notice]:
        """Return what is due for places elsewhere, oldest first: none waits for another."""
        sql = (
            "SELECT * FROM outbox WHERE closed_at IS NULL AND next_try_at <= ?"
            " AND kind = 'elsewhere' ORDER BY next_try_at LIMIT ?"
        )
        rows = self._file.connection().execute(sql, (now, limit))
        return [notice_from(row) for row in rows]

    def sent(self, notice_id: int, *, channel: str = "", ts: str = "") -> None:
        """Note that a notice was delivered, and as which message."""
        self._close(notice_id, channel=channel, ts=ts)

    def give_up(self, notice_id: int, error: str) -> None:
        """Note that a notice can not be delivered."""
        self._close(notice_id, error=error)

    def postpone(self, notice_id: int, until: float, error: str) -> None:
        """Try a notice again later."""
        with self._file.writing() as database:
            database.execute(
                "UPDATE outbox SET next_try_at = ?, tries = tries + 1, error = ? WHERE id = ?",
                (until, error, notice_id),
            )

    def is_told(self, job_id: str) -> bool:
        """Whether the job's end was told, or can not be."""
        sql = "SELECT 1 FROM outbox WHERE job = ? AND kind = 'final' AND closed_at IS NOT NULL"
        return self._file.connection().execute(sql, (job_id,)).fetchone() is not None

    def tell_again(self, failed: str, job_id: str, link: str) -> None:
        """Have the messages of a failed job say as which one it was run again, and lead there."""
        with self._file.writing() as database:
            payload = {"job": job_id, "link": link}
            self._enqueue(database, failed, "again", f"again:{failed}", payload)
            update_job(database, failed)

    def link_of_again(self, failed: str) -> str:
        """Return where the job's message is as which a failed one was run again, once it is."""
        row = self._notice(f"again:{failed}", "payload")
        return str(json.loads(row["payload"])["link"]) if row else ""

    def final_message(self, job_id: str) -> tuple[str, str] | None:
        """Return channel and ts of the reply that told a job's end, if it was told."""
        row = self._notice(f"final:{job_id}", "channel, ts")
        return (row["channel"], row["ts"]) if row and row["ts"] else None

    def status_message(self, job_id: str) -> tuple[str, str] | None:
        """Return channel and ts of a job's status message, once it was posted."""
        row = self._job(job_id, "status_channel, status_ts")
        return (row["status_channel"], row["status_ts"]) if row and row["status_ts"] else None

    def set_status_message(self, job_id: str, channel: str, ts: str, link: str = "") -> None:
        """Note where a job's status message is, and its address where that is known."""
        with self._file.writing() as database:
            database.execute(
                "UPDATE jobs SET status_channel = ?, status_ts = ? WHERE id = ?",
                (channel, ts, job_id),
            )
            database.execute(
                "UPDATE outbox SET payload = ? WHERE dedupe_key = ?",
                (json.dumps({"link": link}), f"status:{job_id}"),
            )

    def status_link(self, job_id: str) -> str:
        """Return the address of a job's status message; empty where it is not known."""
        row = self._notice(f"status:{job_id}", "payload")
        return str(json.loads(row["payload"]).get("link", "")) if row else ""

    def forget_status_message(self, job_id: str) -> None:
        """Have a job's status message posted anew, after somebody deleted it.

        Its notice is opened again instead of added: so it stays before those of its thread.
        """
        with self._file.writing() as database:
            database.execute(
                "UPDATE jobs SET status_ts = NULL, rendered_version = 0, rendered_hash = ''"
                " WHERE id = ?",
                (job_id,),
            )
            database.execute(
                "UPDATE outbox SET closed_at = NULL, next_try_at = ?, tries = 0"
                " WHERE job = ? AND kind = 'status'",
                (self._clock(), job_id),
            )

    def rendered(self, job_id: str) -> tuple[int, str]:
        """Return the version of the job that its status message shows, and the message's hash."""
        row = self._job(job_id, "rendered_version, rendered_hash")
        return (row["rendered_version"], row["rendered_hash"]) if row else (0, "")

    def set_rendered(self, job_id: str, version: int, rendered_hash: str) -> None:
        """Note which version of a job its status message shows."""
        with self._file.writing() as database:
            database.execute(
                "UPDATE jobs SET rendered_version = ?, rendered_hash = ? WHERE id = ?",
                (version, rendered_hash, job_id),
            )

    def _enqueue(
        self, database: Database, job_id: str, kind: str, key: str, payload: Any = None
    ) -> None:
        """Add a notice inside the transaction of what it tells of; the same key is added once."""
        now = self._clock()
        database.execute(
            "INSERT OR IGNORE INTO outbox (job, kind, dedupe_key, payload, created_at, next_try_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (job_id, kind, key, json.dumps(payload or {}), now, now),
        )

    def _job(self, job_id: str, columns: str) -> Any:
        sql = f"SELECT {columns} FROM jobs WHERE id = ?"  # noqa: S608 - columns are ours
        return self._file.connection().execute(sql, (job_id,)).fetchone()

    def _notice(self, key: str, columns: str) -> Any:
        sql = f"SELECT {columns} FROM outbox WHERE dedupe_key = ?"  # noqa: S608 - columns are ours
        return self._file.connection().execute(sql, (key,)).fetchone()

    def _close(self, notice_id: int, *, channel: str = "", ts: str = "", error: str = "") -> None:
        with self._file.writing() as database:
            database.execute(
                "UPDATE outbox SET closed_at = ?, channel = ?, ts = ?, error = ? WHERE id = ?",
                (self._clock(), channel, ts, error, notice_id),
            )
