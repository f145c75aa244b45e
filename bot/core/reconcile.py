"""Compares what exists with what the ledger knows, and mends the difference.

Every machine of ours is either needed by a job that holds a slot, or destroyed. It matters most
after a crash, and after the ledger was lost: machines say by their tags whose they are, and the
register says who asked for the job.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from itertools import groupby

from bot.compute.base import ComputeBackend, Owned, is_same
from bot.core.errors import UnknownJob
from bot.core.jobs import Job, State
from bot.core.ledger import Ledger
from bot.core.register import Entry, Register

log = logging.getLogger(__name__)


class Reconciler:
    """One pass (`reconcile`) may be repeated at any time, and after any crash."""

    def __init__(
        self,
        ledger: Ledger,
        backend: ComputeBackend,
        register: Register,
        *,
        slots: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._backend = backend
        self._register = register
        self._slots = slots
        self._clock = clock

    def reconcile(self) -> None:
        """Adopt what is needed and destroy what is not. Raises what the two others raise.

        Machines come first: a job that has one needs a slot more than one that only may.
        """
        self.destroy_expired()
        owned = sorted(self._backend.list_owned(), key=lambda each: (each.job, each.created_at))
        for job_id, machines in groupby(owned, key=lambda each: each.job):
            self._settle(job_id, list(machines))
        for entry in self._register.entries():
            self._take_in(entry)

    def destroy_expired(self) -> None:
        """Destroy what nobody may need any more, whoever created it.

        Needs neither the ledger, whose disk may be full, nor the bucket, which may be silent.
        """
        for machine in filter(self._is_expired, self._backend.list_owned()):
            self._backend.destroy(machine.handle)

    def _settle(self, job_id: str, machines: Sequence[Owned]) -> None:
        """Keep the machine that a job needs, the oldest one, and destroy all others."""
        job = self._needing(job_id, machines)
        needed = [each for each in machines if job and self._is_needed(each, job)][:1]
        for machine in machines:
            if machine in needed:
                self._keep(machine)
            else:
                log.warning("job %s does not need %s: destroyed", job_id, dict(machine.handle))
                self._backend.destroy(machine.handle)
                self._ledger.audit("splatbot", "destroy unneeded", None, str(machine.handle))

    def _needing(self, job_id: str, machines: Sequence[Owned]) -> Job | None:
        """Return the job when it holds a slot, after taking it in if it was unknown."""
        if not self._knows(job_id) and (entry := self._entry(job_id, machines)):
            self._take_in(entry)
        holders = {holder for _, holder in self._ledger.holders()}
        return self._ledger.job(job_id) if job_id in holders else None

    def _entry(self, job_id: str, machines: Sequence[Owned]) -> Entry | None:
        """Return what is known of a job that was launched by a bot with another ledger.

        If the register says nothing, an older copy of that ledger may have it as one that waits.
        """
        if entry := self._register.entry(job_id):
            return entry
        try:
            job = self._ledger.job(job_id)
        except UnknownJob:
            return None
        is_its_own = any(self._is_needed(machine, job) for machine in machines)
        return Entry(job, self._clock()) if is_its_own else None

    def _is_needed(self, machine: Owned, job: Job) -> bool:
        """Whether a machine is the job's own. That of a job that is over is removed elsewhere."""
        is_known = job.handle is None or is_same(job.handle, machine.handle)
        return machine.attempt == job.attempt and is_known and not self._is_expired(machine)

    def _is_expired(self, machine: Owned) -> bool:
        return machine.expires is not None and self._clock() > machine.expires

    def _keep(self, machine: Owned) -> None:
        """Have the ledger know what a machine costs, whoever created it."""
        if machine.price_per_hour:
            self._ledger.machines.adopt(
                machine.job, machine.attempt, name=str(machine.handle.get("name", "")),
                size=machine.size, region=machine.region,
                price_per_hour=machine.price_per_hour, created_at=machine.created_at,
                machine_id=str(machine.handle.get("droplet_id", "")),
            )  # fmt: skip

    def _take_in(self, entry: Entry) -> None:
        """Have the ledger know a job that may have a machine; forget one that surely has none."""
        job = entry.job
        if self._knows(job.id):
            if job.id not in {holder for _, holder in self._ledger.holders()}:
                self._register.strike(job.id)
        elif job.is_over:
            self._ledger.take_over(job)
        elif self._ledger.adopt(job, self._slots, intended_at=entry.intended_at):
            log.warning("job %s was not in the ledger: taken in", job.id)

    def _knows(self, job_id: str) -> bool:
        """Whether the ledger knows a job as one that was launched."""
        try:
            return self._ledger.job(job_id).state is not State.QUEUED
        except UnknownJob:
            return False
