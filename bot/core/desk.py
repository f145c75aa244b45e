"""The front desk: turns what a person asks into an intent in the ledger, and answers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bot.compute.base import Foreign
from bot.core.catalogue import Catalogue
from bot.core.costs import Budget
from bot.core.errors import UnknownJob, UnknownMachine
from bot.core.intents import Kind
from bot.core.jobs import Job, Request, State
from bot.core.ledger import Ledger
from bot.core.near import nearest
from bot.core.rounds import Rounds
from bot.storage.base import Dataset
from gpu.job import JobSpec, Source


class Desk:
    """What every way in (commands, buttons, dialogs, mentions) may ask for. Calls no machine."""

    def __init__(
        self,
        ledger: Ledger,
        catalogue: Catalogue,
        *,
        backend: str,
        price_per_hour: float,
        wake: Callable[[], None],
        budget: Budget | None = None,
        rounds: Rounds | None = None,
    ) -> None:
        """`price_per_hour` is the most that a job's machine costs, dollars; 0 when it is free.

        Without a `budget` only machines that cost nothing are started.
        """
        self.ledger = ledger
        self.budget = budget or Budget(ledger, monthly=0.0)
        self.rounds = rounds or Rounds()
        self._catalogue = catalogue
        self._backend = backend
        self._price = price_per_hour
        self._wake = wake

    def start(self, request: Request) -> Job:
        """Queue a job.

        Raises UnknownDataset, InvalidValue or BudgetSpent before anything is written.
        """
        request = replace(request, dataset=self._catalogue.require(request.dataset))
        options: dict[str, Any] = dict(request.options)
        # Made only to be checked: the real one is made when the job is launched.
        JobSpec(
            job_id=request.job_id or "check",
            dataset=request.dataset,
            source=Source(path="."),
            pipeline=request.pipeline,
            **options,
        )
        self.budget.check(self.budget.likely_price(self._price), request.pipeline)
        job = self.ledger.submit(request, backend=self._backend, price_per_hour=self._price)
        self._wake()
        return job

    def cancel(self, job_id: str | None, by: str) -> Job:
        """Cancel a job, or the one that runs. One that is over is returned as it is."""
        job = self.ledger.request_cancel(self.pick(job_id).id, by)
        self._wake()
        return job

    def destroy(self, job_id: str | None, by: str) -> Job:
        """Cancel a job and remove its machine without asking it to stop."""
        job = self.ledger.request_destroy(self.pick(job_id).id, by)
        self._wake()
        return job

    def destroy_foreign(self, machine_id: str, by: str) -> Foreign:
        """Want a machine destroyed that is not ours. Raises UnknownMachine when it is not there."""
        for machine in self.ledger.intents.foreign():
            if machine.machine_id == machine_id:
                self.ledger.intents.ask(Kind.DESTROY_FOREIGN, machine_id, by)
                self._wake()
                return machine
        raise UnknownMachine(
            "That droplet is not on the account any more.",
            hint="`/splat destroy` shows what is there.",
        )

    def pick(self, job_id: str | None) -> Job:
        """Return the job that is named, else the one that runs or waits; raises UnknownJob."""
        if job_id is None:
            active = self.ledger.active()
            if active:
                return next((j for j in active if j.state is not State.QUEUED), active[0])
            raise UnknownJob("No job is running.", hint="`/splat list` shows the newest ones.")
        try:
            return self.ledger.job(job_id)
        except UnknownJob as unknown:
            near = nearest(job_id, [job.id for job in self.ledger.jobs(limit=50)])
            if not near:
                raise
            raise UnknownJob(unknown.user_message, hint=f"Did you mean `{near[0]}`?") from None

    def datasets(self, prefix: str = "") -> Sequence[Dataset]:
        """List the photos that are there."""
        return self._catalogue.datasets(prefix)
