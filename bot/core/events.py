"""What a job's machine tells, noted in the ledger: numbered events, and that it lives.

Events come late, twice and in any order. A job shows what the newest by number says, and each
is told to people once. Nothing here talks to a network, so that every transaction is short.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from bot.core.database import update_job
from bot.core.errors import UnknownJob
from bot.core.jobs import Job
from bot.core.records import Records, one
from gpu.job import Event, Status


class Events(Records):
    """Takes in what machines tell, and changes their jobs by it."""

    def record(self, event: Event) -> bool:
        """Note an event; False when it is not the first of its number, or the job is over.

        The newest event by number says where the job stands, so that a late one changes nothing.
        """
        return self.record_all([event]) == 1

    def record_all(
        self, events: Sequence[Event], beats: Mapping[str, Mapping[str, Any]] | None = None
    ) -> int:
        """Note events, of any jobs, in one transaction; return how many were news.

        Events of a job that nobody knows are no news. `beats` are figures of machines by job, as
        for `beat`.
        """
        by_job: dict[str, list[Event]] = {}
        for event in events:
            by_job.setdefault(event.job, []).append(event)
        with self._file.writing() as db:
            for job_id, figures in (beats or {}).items():
                self._beat(db, job_id, figures)
            return sum(self._record(db, job_id, told) for job_id, told in by_job.items())

    def beat(self, job_id: str, figures: Mapping[str, Any]) -> None:
        """Note that the job's machine lives, and how it is, when there are figures."""
        self.record_all((), {job_id: figures})

    # -- inside a transaction -----------------------------------------------------------------

    def _beat(self, db: Database, job_id: str, figures: Mapping[str, Any]) -> None:
        db.execute("UPDATE jobs SET heartbeat_at = ? WHERE id = ?", (self._clock(), job_id))
        if figures:
            sql = "UPDATE jobs SET heartbeat = ? WHERE id = ?"
            db.execute(sql, (json.dumps(dict(figures)), job_id))

    def _record(self, db: Database, job_id: str, events: Sequence[Event]) -> int:
        """Note events of one job; return how many were news."""
        try:
            job = self._read(db, job_id)
        except UnknownJob:
            return 0
        if job.is_over:
            return 0
        highest = "SELECT MAX(seq) FROM events WHERE job = ? AND attempt = ?"
        newest = one(db, highest, job.id, job.attempt)[0] or 0
        news = [e for e in events if e.attempt == job.attempt and _insert(db, e)]
        if news:
            self._apply(db, job, news, newest)
        return len(news)

    def _apply(self, db: Database, job: Job, news: Sequence[Event], newest: int) -> None:
        """Change a job by events that were just noted; `newest` was its highest number before."""
        by_number = sorted(news, key=lambda event: event.seq)
        last = by_number[-1]
        in_order = by_number[0].seq > newest
        metrics = _merged(job.metrics, by_number) if in_order else _merged({}, self.events(job))
        seconds = {e.stage.value: e.metrics.get("seconds", 0.0) for e in news if _is_done(e)}
        changes: dict[str, Any] = {"metrics": json.dumps(metrics)}
        if seconds:
            changes["stage_seconds"] = json.dumps({**job.stage_seconds, **seconds})
        if last.seq > newest:
            changes |= {"stage": last.stage.value, "fraction": last.fraction}
            changes["message"] = last.message
        update_job(db, job.id, **changes)
        for event in news:
            self._announce(db, event)

    def _announce(self, db: Database, event: Event) -> None:
        kinds = [("stage", _is_done(event)), ("pictures", bool(event.pictures))]
        for kind in (kind for kind, wanted in kinds if wanted):
            key = f"{kind}:{event.job}:{event.attempt}:{event.seq}"
            self._enqueue(db, event.job, kind, key, json.loads(event.to_json()))


def _insert(db: Database, event: Event) -> bool:
    """Note an event; False when its number is known."""
    sql = "INSERT OR IGNORE INTO events (job, attempt, seq, body) VALUES (?, ?, ?, ?)"
    values = (event.job, event.attempt, event.seq, event.to_json())
    return bool(db.execute(sql, values).rowcount)


def forget_progress(db: Database, job_id: str) -> None:
    """Drop a job's events that say how far a stage was, except the last event."""
    db.execute(
        "DELETE FROM events WHERE job = ? AND json_extract(body, '$.status') = ?"
        " AND seq < (SELECT MAX(seq) FROM events WHERE job = ?)",
        (job_id, Status.PROGRESS.value, job_id),
    )


def _is_done(event: Event) -> bool:
    return event.status is Status.DONE


def _merged(metrics: Mapping[str, Any], events: Sequence[Event]) -> dict[str, Any]:
    """Merge events' metrics in the order of their numbers: the newest figure counts."""
    merged = dict(metrics)
    for event in events:
        merged |= event.metrics
    return merged
