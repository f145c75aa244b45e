"""The bot's clockwork: a few functions, each called every so often, never twice at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from bot.core.rush import RUSH

#: Seconds from a call of `wake` to what it wakes: of many people who press something at once, the
#: last is answered before the bot begins to act.
SOON = 0.1


class Scheduler:
    """Calls functions at intervals, in threads of its own."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            # By default a run that is late by a second is dropped. We want it late, and once.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def every(
        self, seconds: float, function: Callable[[], object], name: str, *, after: float = 0.0
    ) -> None:
        """Call a function `after` so many seconds, and then every `seconds`.

        Each call lets those go first who wait for an answer.
        """
        first = datetime.now(UTC) + timedelta(seconds=after)

        def call() -> None:
            RUSH.give_way()
            function()

        self._scheduler.add_job(call, "interval", seconds=seconds, id=name, next_run_time=first)

    def wake(self, name: str) -> None:
        """Call a function SOON instead of at its next time; once for all that wake it till then."""
        soon = datetime.now(UTC) + timedelta(seconds=SOON)
        job = self._scheduler.get_job(name)
        if job is None or (job.next_run_time and job.next_run_time <= soon):
            return
        with suppress(JobLookupError):  # not scheduled any more: the bot is stopping
            self._scheduler.modify_job(name, next_run_time=soon)

    def start(self) -> None:
        """Start calling."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop calling, after what runs now."""
        self._scheduler.shutdown(wait=True)
