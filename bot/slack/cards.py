"""What a card of a job that is over says: in the App Home, and below a link to its splat."""

from __future__ import annotations

from bot.core.jobs import Job, State
from bot.slack import job_wording
from bot.slack.parts import cut
from bot.slack.wording import escape, moment, person

#: Characters of the reason why a job failed: its message says it all.
REASON = 200


def title(job: Job) -> str:
    """The first line of a card."""
    ended = {State.SUCCEEDED: "", State.FAILED: ":x: ", State.CANCELLED: ""}.get(job.state, "")
    how = "" if job.viewer_url else f" · {job.state}"
    return f"{ended}*{escape(job.dataset)}* · {job.pipeline}{how}"


def figures(job: Job) -> str:
    """What was measured of a splat, with a mark where that hardly looks like its photos."""
    mark = f":warning: {job_wording.LOOKS_LITTLE}." if job_wording.is_unlike(job) else ""
    return "\n".join(filter(None, (job_wording.figures(job), mark)))


def reason(job: Job) -> str:
    """Why a job failed, in short; empty for any other."""
    return escape(cut(job.error, REASON)) if job.state is State.FAILED else ""


def onward(job: Job, message: str) -> str:
    """Where a failed job is run again: not here, where nobody has read what helps."""
    return f"What helps, and *{job_wording.again(job)}*: {message}." if message else ""


def by(job: Job) -> str:
    """Whose a job is, when it ended, and its number."""
    when = f" · {moment(job.finished_at)}" if job.finished_at else ""
    return f"`#{job.id}` for {person(job.user)}{when}"
