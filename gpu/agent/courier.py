"""Brings events to the bot and its answers back, and asks again for as long as it takes."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence

from gpu.agent.archive import Archive
from gpu.agent.backoff import BackOff
from gpu.agent.client import Away, Client, Gone, Refused
from gpu.agent.clock import Clock
from gpu.agent.spool import Spool
from gpu.agent.uploads import TRIES, Uploads
from gpu.job import Event, JobPaths
from gpu.job.messages import HEARTBEAT, Answer, Assignment, Figures, Report

log = logging.getLogger(__name__)

#: Seconds for which the bot may say that it knows nothing of the job. One that has lost its
#: ledger takes up to ten minutes to find its machines again.
FORGIVING = 600.0

#: Seconds by which a heartbeat comes early, so that it is never late.
EARLY = 1.0


class Courier:
    """One exchange with the bot at a time.

    `assignment` is what the bot wants done; `refusal` why it gave none; `cancelled` whether it
    wants it stopped; `is_told` whether it has everything of a job that is over.
    `heard_at` is when it last answered, on the clock that never jumps.
    """

    def __init__(
        self,
        client: Client,
        paths: JobPaths,
        spool: Spool,
        uploads: Uploads,
        archive: Archive,
        clock: Clock,
        *,
        measure: Callable[[], Figures],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client, self._paths, self._spool = client, paths, spool
        self._uploads, self._archive, self._clock = uploads, archive, clock
        self._measure, self._back_off = measure, BackOff(clock, chance)
        self._unknown_since: float | None = None
        self._plain, self._closings = False, 0
        self.assignment: Assignment | None = None
        self.refusal: str | None = None
        self.cancelled = False
        self.is_told = False
        self.heard_at = clock.monotonic()
        self._reported_at = float("-inf")

    @property
    def is_forgotten(self) -> bool:
        """Whether the bot has said for long that it knows nothing of the job."""
        since = self._unknown_since
        return since is not None and self._clock.monotonic() - since >= FORGIVING

    def step(self, *, over: bool, leaving: bool) -> None:
        """Exchange what there is, if it is time to.

        `over`: nothing is added any more; `leaving`: and the machine may be removed.
        """
        self._spool.read()
        if not self._back_off.is_over or not self._is_due(over):
            return
        try:
            complete = self._exchange(over, leaving)
        except Away as away:
            log.info("the bot is away: %s", away)
            self._back_off.failed(away.wait)
        except Gone as gone:
            log.warning("%s: it does not know this job", gone)
            if self._unknown_since is None:
                self._unknown_since = self._clock.monotonic()
            self._back_off.failed()
        else:
            (self._back_off.succeeded if complete else self._back_off.failed)()

    def _is_due(self, over: bool) -> bool:
        silent = self._clock.monotonic() - self._reported_at
        if silent >= HEARTBEAT - EARLY or (over and not self.is_told):
            return True
        return self._lacks_assignment(over) or bool(self._spool.waiting(over=over))

    def _lacks_assignment(self, over: bool) -> bool:
        return self.assignment is None and self.refusal is None and not over

    def _exchange(self, over: bool, leaving: bool) -> bool:
        """Do everything that is to be said now; False when not all of it was taken.

        Asking for work comes last: a bot that has none at the moment still hears that we live.
        """
        if over:
            self._close_archive()
        complete = self._report(over, leaving)
        if self._lacks_assignment(over):
            self._ask()
        return complete

    def _close_archive(self) -> None:
        """Have the log in the store: with the last report the machine may be gone.

        Raises Away while the bot is silent, and the first times that the store does not take it.
        """
        if self._closings < TRIES and not self._archive.close():
            self._closings += 1
            if self._closings < TRIES:
                raise Away("the log is not in the store yet")
        self._closings = TRIES

    def _ask(self) -> None:
        try:
            self.assignment = self._client.assignment()
        except Refused as refused:
            self.refusal = str(refused)

    def _report(self, over: bool, leaving: bool) -> bool:
        waiting = self._spool.waiting(over=over)
        lost = self._uploads.pictures(self._paths.root, waiting)
        last = waiting[-1].seq if waiting else self._spool.acknowledged
        is_all = over and last == len(self._spool.events)
        figures = {} if self._plain else self._measure()
        report = Report(self._spool.without(lost, waiting), figures, leaving and is_all)
        try:
            answer = self._client.report(report)
        except Refused as refused:
            return self._refused(waiting, refused)
        taken = self._heed(answer, last)
        # A job that is over takes no more events: then nothing is left to tell either.
        self.is_told = is_all and (taken or answer.cancel)
        return taken

    def _heed(self, answer: Answer, last: int) -> bool:
        """Take in an answer; False when events up to `last` were sent and are not all there."""
        self._spool.acknowledge(answer.seq)
        self.cancelled, self._plain = answer.cancel, False
        self._reported_at = self.heard_at = self._clock.monotonic()
        self._unknown_since = None
        return self._spool.acknowledged >= last

    def _refused(self, events: Sequence[Event], why: Refused) -> bool:
        """Say less the next time: no figures, then fewer events; False when there is no less."""
        log.warning("the bot does not take a report of %d events: %s", len(events), why)
        if not self._plain:
            self._plain = True
            return True
        return self._spool.refuse(events)
