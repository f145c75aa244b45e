"""Brings every job one step further: queue, launch, watch, finish, clean up, free the slot."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from urllib.parse import quote

from bot.compute.base import ComputeBackend, Handle, Presence
from bot.core.errors import SplatError
from bot.core.jobs import Job, State
from bot.core.ledger import Ledger
from bot.storage.base import Storage
from gpu.job import JobSpec, Stage, Status
from gpu.job.paths import MANIFEST

log = logging.getLogger(__name__)

#: Seconds after which a job is ended, whatever it does.
DEADLINE = 3 * 3600.0

#: Seconds that a finished job's machine gets to end by itself before it is removed.
FAREWELL = 10.0


class Dispatcher:
    """One pass (`tick`) looks at every job. Any step may be repeated after a crash."""

    def __init__(
        self,
        ledger: Ledger,
        backend: ComputeBackend,
        storage: Storage,
        *,
        public_url: str,
        slots: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._backend = backend
        self._storage = storage
        self._public_url = public_url.rstrip("/")
        self._slots = slots
        self._clock = clock

    def tick(self) -> None:
        """Do one pass. What goes wrong with one job is logged and does not stop the others."""
        for job in self._ledger.active():
            self._guarded(self._advance, job)
        for _, job_id in self._ledger.holders():
            self._guarded(self._clean_up, self._ledger.job(job_id))
        while claimed := self._ledger.claim(self._slots):
            self._guarded(self._launch, claimed)

    def _guarded(self, step: Callable[[Job], None], job: Job) -> None:
        try:
            step(job)
        except SplatError as wrong:
            self._ledger.fail(job.id, error=wrong.user_message, hint=wrong.hint)
        except Exception:
            log.exception("job %s: %s did not work; it is tried again", job.id, step.__name__)

    def _launch(self, job: Job) -> None:
        """Start a job that holds a slot. The ledger knows of it already: intent before action."""
        spec = JobSpec(
            job_id=job.id,
            dataset=job.dataset,
            source=self._storage.source(job.dataset),
            target=self._storage.target(job.id),
            pipeline=job.pipeline,
            attempt=job.attempt,
            **job.options,
        )
        self._ledger.set_handle(job.id, self._backend.launch(spec))

    def _advance(self, job: Job) -> None:
        if job.state is State.QUEUED:
            return
        handle = job.handle or self._lost_handle(job)
        if handle is None:
            self._without_machine(job)
            return
        self._collect(job, handle)
        if self._conclude(job):
            return
        if self._clock() - (job.started_at or job.created_at) > DEADLINE:
            self._ledger.fail(job.id, error="The job took longer than three hours.", hint=_SMALLER)
        elif job.state is State.CANCELLING:
            self._stop(job, handle)
        self._look(job, handle)

    def _lost_handle(self, job: Job) -> Handle | None:
        """Find a job that was started in the moment in which the bot crashed."""
        handle = self._backend.find(job.id, job.attempt)
        if handle is not None:
            self._ledger.set_handle(job.id, handle)
        return handle

    def _without_machine(self, job: Job) -> None:
        if job.state is State.CANCELLING:
            self._ledger.cancelled(job.id)
        else:
            self._launch(job)

    def _collect(self, job: Job, handle: Handle) -> None:
        for event in self._backend.events(handle, self._ledger.last_seq(job)):
            self._ledger.record(event)

    def _conclude(self, job: Job) -> bool:
        """End a job whose last event says that it is over; return whether it is."""
        event = self._ledger.last_event(job)
        if event is None:
            return False
        if event.status is Status.FAILED:
            self._ledger.fail(job.id, error=event.message, hint=event.hint)
        elif (event.stage, event.status) == (Stage.PUBLISH, Status.DONE):
            manifest = self._storage.url(f"splats/{job.id}/{MANIFEST}")
            viewer = f"{self._public_url}/viewer/?manifest={quote(manifest, safe='')}"
            self._ledger.succeed(job.id, viewer_url=viewer, manifest_url=manifest)
        return self._ledger.job(job.id).is_over

    def _stop(self, job: Job, handle: Handle) -> None:
        if self._ledger.destroy_requested(job.id):
            self._backend.destroy(handle)
        else:
            self._backend.cancel(handle)

    def _look(self, job: Job, handle: Handle) -> None:
        """End a job whose machine is gone though no event said so."""
        seen = self._backend.observe(handle)
        if seen.presence is not Presence.GONE:
            return
        self._collect(job, handle)  # what it wrote between the last look and its end
        if self._conclude(job):
            return
        if job.state is State.CANCELLING:
            self._ledger.cancelled(job.id)
        else:
            error = f"The job ended without saying why: {seen.detail}."
            self._ledger.fail(job.id, error=error, hint=_SMALLER)

    def _clean_up(self, job: Job) -> None:
        """Remove the machine of a job that is over; free its slot once it is surely gone."""
        if not job.is_over:
            return
        handle = job.handle or self._backend.find(job.id, job.attempt)
        if handle is not None and self._backend.observe(handle).presence is not Presence.GONE:
            leaving = job.state is State.SUCCEEDED
            if not leaving or self._clock() - (job.finished_at or 0.0) > FAREWELL:
                self._backend.destroy(handle)
            return
        self._ledger.release(job.id)


_SMALLER = "Try again with fewer photos (`--max-views`) or a smaller `--image-size`."
