"""Gathers what a status message shows besides the job itself."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.core.estimates import remaining
from bot.core.jobs import Job
from bot.core.ledger import Ledger
from bot.slack.blocks import Standing


def standing_of(ledger: Ledger, job: Job, clock: Callable[[], float] = time.time) -> Standing:
    """Read queue, history and last sign of life of a job from the ledger."""
    now = clock()
    last = ledger.last_event(job)
    in_stage = now - (job.started_at or now) - sum(job.stage_seconds.values())
    return Standing(
        now=now,
        estimate=remaining(job, ledger.stage_history(job.pipeline), max(in_stage, 0.0)),
        position=ledger.queue_position(job.id),
        last_word=last.time if last else job.started_at,
    )
