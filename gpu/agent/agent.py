"""The loop: twice a second, look after the work, tell the bot, and heed what it says."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from functools import partial

from gpu.agent import watchdog
from gpu.agent.archive import Archive
from gpu.agent.backup import Backup
from gpu.agent.client import Client
from gpu.agent.clock import BotTime, Clock
from gpu.agent.config import Config
from gpu.agent.courier import Courier
from gpu.agent.destruct import SelfDestruct, is_wanted
from gpu.agent.folder import enter, write
from gpu.agent.heartbeat import Sampler, figures
from gpu.agent.scrub import Scrubber
from gpu.agent.spool import Spool
from gpu.agent.transport import Limits
from gpu.agent.uploads import Uploads
from gpu.agent.work import Halt, Work
from gpu.job.messages import Assignment, Figures

log = logging.getLogger(__name__)

#: Seconds between two looks, and so between two reports at least.
TICK = 0.5

#: Seconds after which a machine whose bot is away since the boot believes its own clock.
DOUBT = 600.0

#: Seconds that a machine which shuts down waits for the bot: systemd ends it soon after.
GOODBYE = 30.0

LATE = Halt(
    "The job took longer than its deadline.",
    "Try again with fewer photos (`--max-views`) or a smaller `--image-size`.",
)
CANCELLED = Halt("The job was stopped, as asked.", is_failure=False)
REBOOT = Halt("The machine shuts down; the job goes on once it is back.", is_failure=False)
FORGOTTEN = Halt("The bot knew nothing of this job any more.", "Start the job again.")


class Agent:
    """Everything that one machine does for one attempt of a job."""

    def __init__(
        self,
        config: Config,
        scrubber: Scrubber,
        *,
        clock: Clock = time,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        chance: Callable[[], float] = random.random,
        measure: Callable[[], Figures] | None = None,
    ) -> None:
        self._config, self._scrubber = config, scrubber
        self._clock = clock = BotTime(clock)
        self._begin = clock.monotonic()
        self._paths = paths = enter(config)
        client = Client(config, clock, limits)
        spool = Spool(paths.events, config.job, config.fence, scrubber)
        uploads = Uploads(client, clock, limits)
        self._archive = Archive(paths, spool, uploads, scrubber, clock)
        self.backup = Backup(paths, uploads, clock)
        self.work = Work(config, paths, spool, scrubber, clock)
        self.courier = Courier(
            client, paths, spool, uploads, self._archive, clock,
            measure=Sampler(measure or partial(figures, paths.root), clock), chance=chance,
        )  # fmt: skip
        self._self_destruct = SelfDestruct(clock, limits)
        self._assignment: Assignment | None = None
        self._is_stopping = False
        self._over_at: float | None = None

    @property
    def deadline(self) -> float:
        """When the machine has to be gone, Unix seconds."""
        known = self._assignment.deadline if self._assignment else self._config.deadline
        return min(known, self._config.deadline)

    def run(self) -> None:
        """Return when nothing is left to do: all is told after the deadline, or the machine goes.

        Until then the machine waits to be removed, and says so.
        """
        while not self.step():
            self._clock.sleep(TICK)

    def stop(self) -> None:
        """End soon: the machine shuts down. Safe to call from a signal's handler."""
        self._is_stopping = True

    def step(self) -> bool:
        """Do one round; True when it was the last."""
        watchdog.notify()
        self._heed()
        self.work.step()
        may_go = not self._is_stopping or self._clock.time() >= self.deadline
        self.courier.step(over=self.work.over, leaving=self.work.over and may_go)
        self._archive.step()
        self.backup.step()
        return self._leave()

    def _heed(self) -> None:
        """Do what the bot or the clock says."""
        if self._assignment is None and self.courier.assignment is not None:
            self._accept(self.courier.assignment)
        if self._is_late():
            self.work.halt(LATE)
        elif self.courier.cancelled:
            self.work.halt(CANCELLED)
        elif self.courier.is_forgotten:
            self.work.halt(FORGOTTEN)
        elif self.courier.refusal is not None:
            self.work.halt(Halt(f"The bot gave no work: {self.courier.refusal}", FORGOTTEN.hint))
        elif self._is_stopping:
            self.work.halt(REBOOT)

    def _is_late(self) -> bool:
        """Whether the deadline has passed. The bot may first say that our clock is wrong."""
        waited = self._clock.monotonic() - self._begin
        is_sure = self._clock.is_agreed or waited >= DOUBT
        return is_sure and self._clock.time() >= self.deadline

    def _accept(self, assignment: Assignment) -> None:
        """Take what the bot wants done; its secret stays in memory."""
        self._assignment = assignment
        if assignment.self_destruct:
            self._scrubber.add(assignment.self_destruct["token"])
        try:
            write(self._paths.spec, assignment.spec)
        except OSError as wrong:
            problem = f"The job's folder can not be written ({wrong.strerror})."
            self.work.halt(Halt(problem, FORGOTTEN.hint))

    def _leave(self) -> bool:
        """Remove the machine if nobody else seems to; True when there is nothing left to do."""
        if self.work.over and self._over_at is None:
            self._over_at = self._clock.monotonic()
        late, told = self._clock.time() - self.deadline, self.courier.is_told
        order = self._assignment.self_destruct if self._assignment else None
        wanted = is_wanted(late=late, told=told, alone=self._since(self.courier.heard_at))
        if self._self_destruct.step(order, wanted=wanted):
            return True
        if order is not None and late >= 0:
            return False
        waited = self._since(float("-inf"))
        if waited is not None and self._is_stopping:
            return told or waited >= GOODBYE
        return waited is not None and told and late >= 0

    def _since(self, moment: float) -> float | None:
        """Seconds since a moment or the end of the work, what is later; None before the end."""
        if self._over_at is None:
            return None
        return self._clock.monotonic() - max(self._over_at, moment)
