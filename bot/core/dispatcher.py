"""Brings every job one step further: queue, launch, watch, finish, clean up, free the slot."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from bot.compute.base import ComputeBackend, Handle, Presence, is_same
from bot.core.assignments import specification
from bot.core.errors import NotYet, SplatError, StorageError
from bot.core.jobs import Job, State
from bot.core.ledger import Ledger
from bot.core.limits import SMALLER, Limits
from bot.core.reconcile import Reconciler
from bot.core.register import Register
from bot.core.rush import RUSH
from bot.core.since import Since
from bot.core.strangers import Strangers
from bot.core.viewer import viewer_url
from bot.storage.base import Storage
from bot.storage.names import RESULTS
from gpu.job import Status
from gpu.job.paths import MANIFEST
from gpu.job.public import is_address

log = logging.getLogger(__name__)

Step = Callable[[Job], None]

#: Seconds between two looks at everything that exists.
RECONCILE = 30.0

#: Seconds before a start that was not possible yet is tried again.
PAUSE = 10.0


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
        monotonic: Callable[[], float] = time.monotonic,
        may_start: Callable[[], bool] = lambda: True,
        look: Callable[[str], object] = lambda address: None,
    ) -> None:
        """`look` raises SplatError when a stranger's .zip can not be fetched by its address."""
        self._ledger = ledger
        self._backend = backend
        self._storage = storage
        self._public_url = public_url
        self._slots = slots
        self._clock = clock
        self._may_start = may_start
        self._look_at = look
        self._register = Register(storage)
        self._reconciler = Reconciler(ledger, backend, self._register, slots=slots, clock=clock)
        self._strangers = Strangers(ledger.intents, backend, monotonic)
        self._since, self._idle = Since(monotonic), Since(monotonic)
        self._limits = Limits(backend, self._since, clock)
        self._has_reconciled = False
        self._absent: set[str] = set()
        self._closed: set[str] = set()
        self._complaints: dict[tuple[str, str], str] = {}

    def tick(self) -> None:
        """Do one pass. What goes wrong in one step of one job stops nothing else."""
        if not self._may_start():
            self._stand_by()
            return
        self._reconcile()
        self._serve_people()
        for job in self._ledger.active():
            if job.state is not State.QUEUED:
                RUSH.give_way()
                self._advance(job.id)
        for _, job_id in self._ledger.holders():
            for step in (self._close_entry, self._remove, self._free):
                self._guarded(step, job_id)
        # Nothing is started before it is known what there is.
        while self._has_reconciled and (claimed := self._ledger.claim(self._slots)):
            self._guarded(self._launch, claimed.id)

    def _stand_by(self) -> None:
        """Do what every bot may, also one that may not act: another one does, or no bucket answers.

        No machine is heard meanwhile: its silence is not its fault.
        """
        self._since.forget()
        if self._idle.is_due("expired", RECONCILE):
            try:
                self._reconciler.destroy_expired()
            except Exception as wrong:  # noqa: BLE001 - logged, and tried again
                self._complain("*", "the look at what has expired", wrong)

    def _reconcile(self) -> None:
        """Compare what exists with the ledger, now and then; a failure is tried again."""
        if not self._since.is_due("reconcile", RECONCILE if self._has_reconciled else PAUSE):
            return
        try:
            self._reconciler.reconcile()
            self._strangers.look()
        except Exception as wrong:  # noqa: BLE001 - logged, and tried again
            self._complain("*", "reconcile", wrong)
        else:
            self._has_reconciled = True

    def _serve_people(self) -> None:
        """Do what people want done outside any job; a failure is tried again."""
        try:
            self._strangers.carry_out()
        except Exception as wrong:  # noqa: BLE001 - logged, and tried again
            self._complain("*", "an intent", wrong)

    def _advance(self, job_id: str) -> None:
        """Take every step that a job may need. One that fails is taken again in the next pass.

        Above all, a job whose events can not be read can still be stopped.
        """
        steps = self._find, self._collect, self._conclude, self._limit, self._stop, self._look
        for step in steps:
            self._guarded(step, job_id)

    def _guarded(self, step: Step, job_id: str) -> None:
        """Take a step with the job as it is now. A complaint is logged when it is new."""
        try:
            step(self._ledger.job(job_id))
        except NotYet as waiting:
            log.debug("job %s: %s", job_id, waiting)
        except Exception as wrong:  # noqa: BLE001 - logged, and tried again
            self._complain(job_id, step.__name__, wrong)
        else:
            self._complaints.pop((job_id, step.__name__), None)

    def _complain(self, job_id: str, what: str, wrong: Exception) -> None:
        if self._complaints.get((job_id, what)) != repr(wrong):
            log.error("job %s: %s is tried again", job_id, what, exc_info=wrong)
        self._complaints[job_id, what] = repr(wrong)

    def _launch(self, job: Job) -> None:
        """Start a job that holds a slot. The ledger knows of it already: intent before action."""
        if job.state is not State.LAUNCHING or not self._since.is_due(("try", job.id), PAUSE):
            return
        try:
            if is_address(job.dataset):
                self._look_at(job.dataset)
            self._register.enter(job, now=self._clock())
            if not self._may_start():
                return  # what came before in this pass took too long
            handle = self._backend.launch(specification(job, self._storage))
        except (NotYet, StorageError) as waiting:
            log.info("job %s: not started yet: %s", job.id, waiting)
        except SplatError as refused:
            error, hint = refused.user_message, refused.hint
            self._ledger.fail(job.id, error=error, hint=hint, lasting=refused.lasting)
        else:
            self._ledger.set_handle(job.id, handle)

    def _find(self, job: Job) -> None:
        """Find a job that was started in the moment in which the bot crashed, or start it."""
        if job.handle is not None:
            return
        handle = self._backend.find(job.id, job.attempt)
        if handle is not None:
            self._ledger.set_handle(job.id, handle)
        elif job.state is State.CANCELLING:
            self._ledger.cancelled(job.id)
        else:
            self._launch(job)

    def _collect(self, job: Job) -> None:
        if not job.is_over:
            after = self._ledger.last_seq(job)
            self._ledger.record_all(self._backend.events(job.id, job.attempt, after))

    def _conclude(self, job: Job) -> None:
        """End a job whose last event says that it is over."""
        event = self._ledger.last_event(job)
        if event is None or job.is_over or not event.is_last:
            return
        if event.status is Status.FAILED:
            self._ledger.fail(job.id, error=event.message, hint=event.hint)
        else:
            self._publish(job)

    def _publish(self, job: Job) -> None:
        """Open a job's results to everybody with the link. Failed when that stays impossible."""
        folder = f"{RESULTS}/{job.id}/"
        try:
            self._storage.reveal(job.id)
        except StorageError as closed:
            if self._limits.may_try_to_open(job):
                raise
            error = f"The splat is in `{folder}`, but nobody may see it: {closed.user_message}"
            self._ledger.fail(job.id, error=error, hint=_CLOSED)
            return
        manifest = self._storage.url(f"{folder}{MANIFEST}")
        viewer = viewer_url(self._public_url, manifest)
        self._ledger.succeed(job.id, viewer_url=viewer, manifest_url=manifest)

    def _limit(self, job: Job) -> None:
        """End a job that takes too long, whatever it does."""
        overdue = self._limits.overdue(job)
        if overdue and job.state is State.CANCELLING:
            self._ledger.cancelled(job.id)
        elif overdue:
            error, hint = overdue
            self._ledger.fail(job.id, error=error, hint=hint)

    def _stop(self, job: Job) -> None:
        if job.state is not State.CANCELLING or job.handle is None:
            return
        if self._ledger.destroy_requested(job.id):
            self._backend.destroy(job.handle)
        else:
            self._backend.cancel(job.handle)

    def _look(self, job: Job) -> None:
        """End a job whose machine is gone though no event said so.

        It was gone in the last pass already, so that this pass has collected its last event.
        """
        event = self._ledger.last_event(job)
        if job.handle is None or job.is_over or (event and event.is_last):
            return
        seen = self._backend.observe(job.handle)
        if not self._is_confirmed(job, seen.presence is Presence.GONE):
            return
        if job.state is State.CANCELLING:
            self._ledger.cancelled(job.id)
        else:
            error = f"The job ended without saying why: {seen.detail}."
            hint = _REMOVED if self._backend.has_heartbeat else SMALLER
            self._ledger.fail(job.id, error=error, hint=hint)

    def _close_entry(self, job: Job) -> None:
        """Note in the register that a job's end was told, so that nobody tells it again."""
        if job.id not in self._closed and self._ledger.is_told(job.id):
            self._register.enter(job, now=job.started_at or job.created_at)
            self._closed.add(job.id)

    def _remove(self, job: Job) -> None:
        """Remove the machine of a job that is over, whether or not it can be looked at."""
        handle = self._handle(job) if job.is_over and not self._limits.may_stay(job) else None
        if handle is not None:
            self._backend.destroy(handle)

    def _free(self, job: Job) -> None:
        """Free the slot of a job that is over once its machine is surely gone."""
        if not job.is_over:
            return
        handle = self._handle(job)
        if self._is_confirmed(job, handle is None or self._is_absent(handle)):
            self._ledger.release(job.id)
            self._register.strike(job.id)
            self._absent.discard(job.id)

    def _handle(self, job: Job) -> Handle | None:
        return job.handle or self._backend.find(job.id, job.attempt)

    def _is_absent(self, handle: Handle) -> bool:
        """Whether neither a look at the machine nor the list of all machines shows it."""
        if self._backend.observe(handle).presence is not Presence.GONE:
            return False
        return not any(is_same(handle, each.handle) for each in self._backend.list_owned())

    def _is_confirmed(self, job: Job, gone: bool) -> bool:
        """Whether a machine is absent now and was in the look before: one look may be wrong."""
        was_absent = job.id in self._absent
        (self._absent.add if gone else self._absent.discard)(job.id)
        return gone and was_absent


_REMOVED = "Somebody has removed it, or its host has failed. Start the job again."
_CLOSED = "The operator should let SPACES_KEY change who may read what is in the bucket."
