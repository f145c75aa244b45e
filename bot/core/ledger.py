"""The ledger: what was asked for, who holds a slot, and what happened. The one source of truth.

Nothing here talks to a network, so that every transaction is short.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from bot.core.database import LedgerFile, insert, update_job
from bot.core.drops import Drops
from bot.core.errors import IllegalMove
from bot.core.events import Events, forget_progress
from bot.core.intents import Intents
from bot.core.jobs import LEGAL_MOVES, Job, Request, State
from bot.core.links import Links
from bot.core.machines import Machines, remember
from bot.core.records import one
from bot.core.rows import row_of
from bot.core.tenants import Tenants
from gpu.job import InvalidValue
from gpu.job.events import LASTING


class Ledger(Events):
    """Jobs, slots, events, notices and the audit, in one SQLite file; safe for many threads."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(LedgerFile(path), clock)
        self.machines = Machines(self._file, clock)
        self.intents = Intents(self._file, clock)
        self.drops = Drops(self._file, clock)
        self.tenants = Tenants(self._file, clock)
        self.links = Links(self._file)
        #: How many places elsewhere than in Slack are told of a job's end.
        self.places = 0

    # -- asking -------------------------------------------------------------------------------

    def submit(self, request: Request, *, backend: str, price_per_hour: float) -> Job:
        """Queue a job. The same `request.key` again returns the job that it made before."""
        with self._file.writing() as db:
            known = one(db, "SELECT id FROM jobs WHERE request_key = ?", request.key)
            if known:
                return self._read(db, known["id"])
            job_id = self._new_id(db, request.job_id)
            insert(
                db,
                "jobs",
                {
                    "id": job_id,
                    "request_key": request.key,
                    "team": request.team,
                    "channel": request.channel,
                    "user": request.user,
                    "dataset": request.dataset,
                    "pipeline": request.pipeline.value,
                    "options": json.dumps(dict(request.options)),
                    "state": State.QUEUED.value,
                    "attempt": 1,
                    "version": 1,
                    "created_at": self._clock(),
                    "backend": backend,
                    "price_per_hour": price_per_hour,
                },
            )
            self._enqueue(db, job_id, "status", f"status:{job_id}")
            self._note(db, request.user, "submit", job_id, request.dataset)
            return self._read(db, job_id)

    def request_cancel(self, job_id: str, by: str) -> Job:
        """Stop a job: one that waits is cancelled at once, one that runs as soon as it is gone."""
        return self._request_end(job_id, by, "cancel", destroy=False)

    def request_destroy(self, job_id: str, by: str) -> Job:
        """Like request_cancel, but the job's machine is removed without asking it to stop."""
        return self._request_end(job_id, by, "destroy", destroy=True)

    # -- moving -------------------------------------------------------------------------------

    def claim(self, slots: int = 1) -> Job | None:
        """Give a free slot to the job that waits longest; None when there is no slot or no job."""
        with self._file.writing() as db:
            waiting = one(db, "SELECT id FROM jobs WHERE state = 'queued' ORDER BY rowid LIMIT 1")
            free = self._free_slot(slots)
            if waiting is None or free is None:
                return None
            now = self._clock()
            insert(db, "slots", {"slot": free, "job": waiting["id"], "claimed_at": now})
            return self._move(db, waiting["id"], State.LAUNCHING, started_at=now)

    def set_handle(self, job_id: str, handle: Any) -> Job:
        """Note how to find the job's machine, and its price.

        A job that was cancelled meanwhile stays so.
        """
        with self._file.writing() as db:
            price = handle.get("price_per_hour", self._read(db, job_id).price_per_hour)
            update_job(db, job_id, handle=json.dumps(dict(handle)), price_per_hour=price)
            if self._read(db, job_id).state is State.LAUNCHING:
                return self._move(db, job_id, State.RUNNING)
            return self._read(db, job_id)

    def succeed(self, job_id: str, *, viewer_url: str, manifest_url: str) -> Job:
        """End a job well."""
        return self._end(job_id, State.SUCCEEDED, viewer_url=viewer_url, manifest_url=manifest_url)

    def fail(self, job_id: str, *, error: str, hint: str, lasting: bool = False) -> Job:
        """End a job badly, with what happened and what to do, and whether it is `lasting`."""
        changes = {"error": error, "hint": hint}
        if lasting:
            changes["metrics"] = json.dumps({**self.job(job_id).metrics, LASTING: True})
        return self._end(job_id, State.FAILED, **changes)

    def cancelled(self, job_id: str) -> Job:
        """End a job that somebody cancelled."""
        return self._end(job_id, State.CANCELLED)

    def release(self, job_id: str) -> None:
        """Free the job's slot. Only for the dispatcher, once the job's machine is surely gone.

        What only said how far a stage was is dropped: every snapshot would carry it for ever.
        """
        self.machines.gone(job_id)
        with self._file.writing() as db:
            db.execute(
                "UPDATE slots SET released_at = ? WHERE job = ? AND released_at IS NULL",
                (self._clock(), job_id),
            )
            forget_progress(db, job_id)
            update_job(db, job_id)

    def adopt(self, job: Job, slots: int, *, intended_at: float) -> bool:
        """Take in a job that this ledger does not know as launched; False without a free slot.

        It was started by a bot whose ledger was lost, or by this one after the copy was made
        from which the ledger was restored. Its machine was intended at `intended_at` (Unix
        seconds): it is looked for, never created again.
        """
        with self._file.writing() as db:
            free = self._free_slot(slots)
            if free is None:
                return False
            self._take_in(db, job)
            now = self._clock()
            insert(db, "slots", {"slot": free, "job": job.id, "claimed_at": now})
            self._move(db, job.id, State.LAUNCHING, started_at=job.started_at or now)
            remember(db, job.id, job.attempt, sent_at=intended_at)
            self._note(db, "splatbot", "adopt", job.id, "")
            return True

    def take_over(self, job: Job) -> None:
        """Take in a job that has ended, and whose end was told, by a ledger that was lost."""
        with self._file.writing() as db:
            self._take_in(db, job)
            kept = ("started_at", "finished_at", "error", "hint", "viewer_url", "manifest_url")
            changes = {name: getattr(job, name) for name in kept}
            update_job(db, job.id, state=job.state.value, **changes)

    # -- audit --------------------------------------------------------------------------------

    def audit(self, actor: str, action: str, job_id: str | None, detail: str = "") -> None:
        """Note who did what."""
        with self._file.writing() as db:
            self._note(db, actor, action, job_id, detail)

    # -- inside a transaction -----------------------------------------------------------------

    def _take_in(self, db: Database, job: Job) -> None:
        if one(db, "SELECT id FROM jobs WHERE id = ?", job.id) is None:
            insert(db, "jobs", row_of(job))
            self._enqueue(db, job.id, "status", f"status:{job.id}")

    def _free_slot(self, slots: int) -> int | None:
        taken = {slot for slot, _ in self.holders()}
        if len(taken) >= slots:  # there may be higher ones, of a time with more slots
            return None
        return next(slot for slot in range(slots) if slot not in taken)

    def _new_id(self, db: Database, wanted: str | None) -> str:
        if wanted and one(db, "SELECT id FROM jobs WHERE id = ?", wanted):
            raise InvalidValue("--job-id", wanted, "a name that no job had before")
        return wanted or secrets.token_hex(4)

    def _move(self, db: Database, job_id: str, state: State, **changes: Any) -> Job:
        job = self._read(db, job_id)
        if state not in LEGAL_MOVES[job.state]:
            raise IllegalMove(f"Job `{job_id}` {job.state.told} and can not become {state}.")
        update_job(db, job_id, state=state.value, **changes)
        return self._read(db, job_id)

    def _request_end(self, job_id: str, by: str, action: str, *, destroy: bool) -> Job:
        with self._file.writing() as db:
            job = self._read(db, job_id)
            self._note(db, by, action, job_id, job.state.value)
            if job.is_over:
                return job
            changes = {"cancelled_by": job.cancelled_by or by}
            if destroy:
                changes["destroy_requested"] = 1  # type: ignore[assignment]
            if job.state is State.QUEUED:
                return self._finish(db, job_id, State.CANCELLED, **changes)
            if job.state is State.CANCELLING:
                update_job(db, job_id, **changes)
                return self._read(db, job_id)
            return self._move(db, job_id, State.CANCELLING, **changes)

    def _end(self, job_id: str, state: State, **changes: Any) -> Job:
        with self._file.writing() as db:
            job = self._read(db, job_id)
            return job if job.is_over else self._finish(db, job_id, state, **changes)

    def _finish(self, db: Database, job_id: str, state: State, **changes: Any) -> Job:
        job = self._move(db, job_id, state, finished_at=self._clock(), **changes)
        self._enqueue(db, job_id, "final", f"final:{job_id}")
        for place in range(self.places if state is not State.CANCELLED else 0):
            self._enqueue(db, job_id, "elsewhere", f"elsewhere:{job_id}:{place}", {"place": place})
        self._note(db, "splatbot", state.value, job_id, job.error)
        return job

    def _note(self, db: Database, actor: str, action: str, job: str | None, detail: str) -> None:
        row = {"time": self._clock(), "actor": actor, "action": action, "job": job}
        insert(db, "audit", {**row, "detail": detail})
