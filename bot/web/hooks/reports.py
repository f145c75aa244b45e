"""Writes down what machines report, many reports in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.errors import UnknownJob
from bot.core.jobs import Job, State
from bot.core.ledger import Ledger
from bot.core.rush import RUSH
from gpu.job import Event
from gpu.job.messages import Answer


@dataclass(frozen=True)
class Delivery:
    """A genuine report of one attempt of a job; its events are that attempt's own."""

    job: str
    fence: int
    events: tuple[Event, ...]
    figures: Mapping[str, float | int | str]
    leaving: bool

    @property
    def is_last(self) -> bool:
        """Whether the bot has something to do at once: end the job, or remove its machine."""
        return self.leaving or any(event.is_last for event in self.events)


class Reports:
    """Takes in deliveries. `wake` has the dispatcher look at the jobs without waiting."""

    def __init__(self, ledger: Ledger, wake: Callable[[], object]) -> None:
        self._ledger = ledger
        self._wake = wake

    def take(self, deliveries: Sequence[Delivery]) -> list[Answer | None]:
        """Write deliveries; return an answer to each, None where nobody waits for that attempt."""
        RUSH.give_way()
        jobs = [awaited(self._ledger, d.job, d.fence) for d in deliveries]
        wanted = [d for d, job in zip(deliveries, jobs, strict=True) if job]
        events = [event for d in wanted for event in d.events]
        self._ledger.record_all(events, {d.job: d.figures for d in wanted})
        for delivery, job in zip(deliveries, jobs, strict=True):
            if job and delivery.leaving:
                self._let_go(job)
        if any(d.is_last for d in wanted):
            self._wake()
        return [self._answer(job) if job else None for job in jobs]

    def _let_go(self, job: Job) -> None:
        """Have a cancelled job's machine removed at once: it has saved its log."""
        if job.state is State.CANCELLING and not self._ledger.destroy_requested(job.id):
            self._ledger.request_destroy(job.id, "splatbot")

    def _answer(self, job: Job) -> Answer:
        job = self._ledger.job(job.id)
        cancel = job.is_over or job.state is State.CANCELLING
        return Answer(cancel=cancel, seq=self._ledger.last_seq(job))


def awaited(ledger: Ledger, job_id: str, fence: int) -> Job | None:
    """Return the job if this attempt of it is the one that the bot waits for."""
    try:
        job = ledger.job(job_id)
    except UnknownJob:
        return None
    return job if job.attempt == fence else None
