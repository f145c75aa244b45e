"""What people read of a job that takes something over from an earlier one."""

from __future__ import annotations

from bot.core.jobs import CAMERAS, EARLIER, Job, Options
from gpu.job import Stage

#: What becomes of cameras that can not be taken over.
ELSE = "found anew if they are not kept, or the photos have changed"


def accepted(options: Options) -> str:
    """Said to who orders such a job, or one that goes on; nothing of any other."""
    if EARLIER in options and "more" not in options:
        return f"It goes on from what `#{options[EARLIER]}` has computed, if that is kept."
    if CAMERAS not in options:
        return ""
    return f"It takes over the cameras of `#{options[CAMERAS]}` ({ELSE}) and trains anew."


def awaited(job: Job) -> str:
    """Said in a job's message until it has cameras; how it came to them is in its thread."""
    if CAMERAS not in job.options or job.is_over or Stage.GEOMETRY.value in job.stage_seconds:
        return ""
    return f"to take over the cameras of `#{job.options[CAMERAS]}`"
