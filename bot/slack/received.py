"""What people read about photos that they sent."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.jobs import Job
from bot.slack import seen
from bot.slack.wording import escape, person, photos_and_videos
from bot.storage.found import Found
from gpu.job import SplatError
from gpu.job.captures import left_out
from gpu.job.sizes import human_size

INVITATION_IS_YOURS = "The link is yours alone, and good for two days. Nothing is overwritten."

ZIP_APART = "A .zip is a set of its own: send it without photos beside it, one .zip a message."


def fetching(done: int, files: int) -> str:
    """Said while files are fetched."""
    if not files:
        return ":hourglass: Looking at the photos."
    return f":hourglass: Fetching {files} file{'s' if files > 1 else ''}: {done} done."


def found(dataset: str, what: Found) -> str:
    """What came of a drop: how much, where from, how sharp, and under which name it is kept."""
    counts = photos_and_videos(what.photos, what.videos)
    if not counts:
        lost = f" {left_out(what.unread)}" if what.unread else ""
        return f"There are no photos in this; what came is kept as `{escape(dataset)}`.{lost}"
    kept = f"*{counts}*, {human_size(what.bytes)}, kept as `{escape(dataset)}`."
    return "\n".join([kept, *seen.lines(what)])


def taken(job: Job) -> str:
    """Said where a drop's buttons were."""
    return f"{person(job.user)} started `#{job.id}` from it."


def not_fetched(lost: Exception) -> str:
    """Said when fetching failed again and again."""
    if isinstance(lost, SplatError):
        return str(lost)
    return f"I could not fetch these ({type(lost).__name__}). Try again in a while."


def dropped(files: int, others: Sequence[str]) -> str:
    """The answer to whoever wants a splat of a message's files."""
    left = f" Left out, since nothing can be made of them: {seen.some(others)}." if others else ""
    if not files:
        return f"There are no photos, no video and no .zip in that message.{left}"
    return f"I am fetching {files} file{'s' if files > 1 else ''} and tell you what I found.{left}"


def invitation(dataset: str) -> str:
    """Said with the link to the upload page."""
    return (
        f"Upload photos as `{escape(dataset)}`: whole folders, from a computer or a phone. It goes"
        " on where it stopped, and I tell you here what I found."
    )
