"""Gathers what a message shows besides the job itself."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.core.estimates import overall_fraction, remaining
from bot.core.jobs import Job, State
from bot.core.ledger import Ledger
from bot.core.limits import DEADLINE, SILENCE
from bot.core.machines import Machine, Outcome
from bot.slack.blocks import Standing


def standing_of(ledger: Ledger, job: Job, clock: Callable[[], float] = time.time) -> Standing:
    """Read queue, history, machine and last sign of life of a job from the ledger."""
    now = clock()
    last = ledger.last_event(job)
    begun = job.started_at or now
    in_stage = now - begun - sum(job.stage_seconds.values())
    machine = _machine(ledger, job)
    # Jobs that end meanwhile would move the bar of this one, backwards too.
    history = ledger.history(job.pipeline, job.options, before=job.started_at)
    again = ledger.done_again(job.id) if job.state is State.FAILED else None
    return Standing(
        now=now,
        done=overall_fraction(job, history),
        estimate=remaining(job, history, max(in_stage, 0.0)),
        position=ledger.queue_position(job.id),
        last_word=last.time if last else job.started_at,
        machine=machine,
        spent=ledger.machines.spent(job=job.id),
        deadline=begun + DEADLINE,
        given_up_at=(job.heartbeat_at or begun) + SILENCE if machine else None,
        again=again,
        again_link=ledger.link_of_again(job.id) if again else "",
    )


def _machine(ledger: Ledger, job: Job) -> Machine | None:
    """Return the newest machine that was created, or may have been."""
    machines = ledger.machines.machines(job=job.id)
    there = {Outcome.SENT, Outcome.CREATED}
    return next((machine for machine in machines if machine.outcome in there), None)
