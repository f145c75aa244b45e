"""What people read about photos that they sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.jobs import Job
from bot.slack.wording import escape, megabytes, person, photos_and_videos
from gpu.job import SplatError

#: Below this overlap photos of a flight may not connect.
SPARSE = 0.55

INVITATION_IS_YOURS = "The link is yours alone, and good for two days. Nothing is overwritten."

ZIP_APART = "A .zip is a set of its own: send it without photos beside it, one .zip a message."


def fetching(done: int, files: int) -> str:
    """Said while files are fetched."""
    if not files:
        return ":hourglass: Looking at the photos."
    return f":hourglass: Fetching {files} file{'s' if files > 1 else ''}: {done} done."


def found(dataset: str, what: Mapping[str, Any]) -> str:
    """What came of a drop: how much, where from, how sharp, and under which name it is kept."""
    counts = photos_and_videos(what.get("photos", 0), what.get("videos", 0))
    if not counts:
        return f"There are no photos in this; what came is kept as `{escape(dataset)}`."
    lines = [f"*{counts}*, {megabytes(what['bytes'])}, kept as `{escape(dataset)}`."]
    if what.get("looked_at"):
        lines.append(" ".join(filter(None, (_gps(what), _blur(what), _damage(what)))))
    return "\n".join(lines)


def _gps(what: Mapping[str, Any]) -> str:
    if not what["gps"]:
        return "No GPS: the splat has no metres, and north is anywhere."
    readable = what["looked_at"] - len(what["unreadable"])
    if what["gps"] == readable:
        return f"With GPS: the splat will be in metres, north up.{_flight(what)}"
    return f"GPS in {what['gps']} of {readable}."


def _flight(what: Mapping[str, Any]) -> str:
    """How large, how high and how dense a flight is, by the places of some photos."""
    if not what.get("overlap"):
        return ""
    ground = what["ground"]
    size = f"{ground / 10_000:.1f} ha" if ground >= 5_000 else f"{round(ground, -2):,.0f} m²"
    return (
        f" About {size} from {what['height']:.0f} m up; neighbours overlap by some"
        f" {what['overlap']:.0%}."
    )


def _blur(what: Mapping[str, Any]) -> str:
    if not what["blurred"]:
        return "All look sharp."
    return f"{len(what['blurred'])} may be blurred ({_some(what['blurred'])})."


def _damage(what: Mapping[str, Any]) -> str:
    damaged = what["unreadable"]
    return f"{len(damaged)} can not be read here ({_some(damaged)})." if damaged else ""


def _some(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"`{escape(name)[-60:]}`" for name in names[:most]) + more


def advice(what: Mapping[str, Any], few: int) -> str:
    """What would make more of a drop; empty when nothing would."""
    lines = []
    if 0 < what.get("photos", 0) < few and not what.get("videos"):
        lines.append(f"{few} photos or more make a good splat; two thirds of each in the next one.")
    if 0 < (what.get("overlap") or 1.0) < SPARSE:
        lines.append("That is little: two thirds of each photo should be in the next one.")
    if what.get("looked_at", 0) < what.get("photos", 0) and what.get("looked_at"):
        lines.append(f"Looked at {what['looked_at']} of them.")
    if what.get("videos"):
        lines.append("Of a video the sharpest frames are taken, wherever the picture has moved on.")
    return " ".join(lines)


def taken(job: Job) -> str:
    """Said where a drop's buttons were."""
    return f"{person(job.user)} started `#{job.id}` of it."


def not_fetched(lost: Exception) -> str:
    """Said when fetching failed again and again."""
    if isinstance(lost, SplatError):
        return str(lost)
    return f"I could not fetch these ({type(lost).__name__}). Try again in a while."


def dropped(files: int, others: Sequence[str]) -> str:
    """The answer to whoever wants a splat of a message's files."""
    left = f" Left out, since nothing can be made of them: {_some(others)}." if others else ""
    if not files:
        return f"There are no photos, no video and no .zip in that message.{left}"
    return f"I am fetching {files} file{'s' if files > 1 else ''} and tell you what I found.{left}"


ZIP_APART = "A .zip is a set of its own: send it without photos beside it, one .zip a message."


def invitation(dataset: str) -> str:
    """Said with the link to the upload page."""
    return (
        f"Upload photos as `{escape(dataset)}`: whole folders, from a computer or a phone. It goes"
        " on where it stopped, and I tell you here what I found."
    )
