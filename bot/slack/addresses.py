"""Where a job's one status message is, for those who can see it."""

from __future__ import annotations

from bot.core.jobs import Job
from bot.core.ledger import Ledger
from bot.slack import job_wording


def address(ledger: Ledger, job: Job, team: str, user: str) -> str:
    """Say where a job's message is; empty where there is none yet, or not for this person.

    Nobody but its person sees a direct message, nor another workspace what is in this one.
    """
    where = ledger.status_message(job.id)
    if where is None or team != job.team:
        return ""
    channel, _ = where
    is_direct = channel.startswith("D")
    if is_direct and user != job.user:
        return ""
    return job_wording.address(ledger.status_link(job.id), "" if is_direct else channel)
