"""What people read about photos, roles and the bot itself; how names, times and sizes are written.

Texts about jobs are in job_wording.py, about machines and money in bills.py, help in help.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.core.commands import Start
from bot.core.errors import NotAllowed
from bot.core.roles import EVERYBODY
from bot.core.rounds import Finding, Report
from bot.storage.base import Dataset
from gpu.job import Pipeline, SplatError
from gpu.job.sizes import human_size

WELCOME = "Photos in, a 3D scene out that you can walk in. Type `/splat help`, or press the button."

NOT_OURS = "This bot did not make them and never touches them unless somebody says so here."

FIRST_LOOK = "I am looking for the first time. Ask again in a few seconds: `/splat doctor`."

LOOKING_AGAIN = "I am looking again right now: `/splat doctor` in a few seconds shows that."

NOTHING_STARTED = "Nothing was started: this is what would happen."

WARNING = ":warning: "

UNEXPECTED = (
    f"{WARNING}Something went wrong in the bot itself. Try again; its log says what it was."
)

#: What a bot answers that may not act, by where it stands among those on its bucket.
NOT_ACTING = {
    "waiting": "The bot has just started and takes over from the last one. Try again in a minute.",
    "acting": "The bot can not reach its bucket now. Nothing is lost; try again in a minute.",
    "retiring": "A new version of the bot is taking over; try again in a few seconds.",
    "retired": "A new version of the bot is taking over; try again in a few seconds.",
}

CHOOSE = "Choose photos: then this says how many there are, how long it takes and what it costs."

NO_PHOTOS_CHOSEN = "Choose one of the sets of photos in the list."

PIPELINES = {
    Pipeline.SPLAT: "Any capture: an object, a room, a walk around",
    Pipeline.AERIAL: "A drone flight: with the descent to the ground",
}

PIPELINE_HINT = "In a command these are called splat and aerial."

AUTOMATIC = "Automatic"

#: The options of a start that a dialog offers: label and meaning.
OPTIONS = {
    "iterations": ("Training steps", "More are sharper and take longer; by default as many as the"
                   " photos need. Press Enter to see how long."),
    "max_views": ("Photos at most", "Of more, those are taken that show together what all show; by"
                  " default all are used."),
    "image_size": ("Picture size", "Pixels of a photo's long side in training; by default as many"
                   " as the machine can take."),
}  # fmt: skip


def installed(workspace: str) -> str:
    """The page after an installation. Plain text, as are the next two."""
    return f"Splatbot is in {workspace} now. Invite it into a channel, and type /splat there."


def not_installed(reason: str) -> str:
    """The page after an installation that did not work, with Slack's word for it."""
    return f"Splatbot was not installed ({reason}). Begin anew at /slack/install."


def not_your_workspace(team: str) -> str:
    """The page for a workspace that may not have the bot, whose jobs somebody else would pay."""
    return (
        f"The workspace {team} may not have this Splatbot, so nothing was kept. Whoever runs it"
        " can add the workspace to SPLATBOT_WORKSPACES."
    )


def escape(text: str) -> str:
    """Text from outside as text: no name of a photo mentions a channel or makes a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def without_markup(text: str) -> str:
    """Text for where Slack shows mentions and code as they are written."""
    return re.sub(r"<[@#!][^>]*>", "somebody else", text).replace("`", "")


def person(user: str) -> str:
    """A mention of somebody; the name of whoever is not a person in Slack."""
    return f"<@{user}>" if re.fullmatch(r"[UW][A-Z0-9]+", user) else user


def error(wrong: SplatError) -> str:
    """What went wrong, and the remedy. Who may do it instead is named by mentions of our own."""
    text = str(wrong) if isinstance(wrong, NotAllowed) else escape(str(wrong))
    return f":warning: {text}"


def not_allowed(wrong: Mapping[str, str]) -> str:
    """What a dialog's numbers can not be, one a line; `wrong` says of each what is allowed."""
    return "\n".join(f":warning: {OPTIONS[name][0]}: {hint}" for name, hint in wrong.items())


def seconds(value: float) -> str:
    """A duration as people say it."""
    if value < 60:
        return f"{max(value, 0):.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"


def span(low: float, high: float) -> str:
    """From one duration to another, as roughly as an estimate is: "8 to 12 min"."""
    if low < 60 <= high:
        return f"{seconds(low)} to {round(high / 60)} min"
    size, unit = (1, "s") if high < 60 else (60, "min")
    first, last = round(max(low, 0) / size), round(high / size)
    return f"{first} to {last} {unit}" if first < last else f"{last} {unit}"


def dataset_lines(
    found: Sequence[Dataset], prefix: str, near: Sequence[str] = (), most: int = 30
) -> str:
    """The list of datasets; where none begins with `prefix`, the first of those `near` it."""
    if not found and prefix:
        meant = f"Did you mean `{escape(near[0])}`?" if near else ""
        hint = meant or "`/splat datasets` shows all of them."
        return f"There are no photos under `{escape(prefix)}`. {hint}"
    if not found:
        return "There are no photos yet. `/splat upload` gives you a page for them."
    more = [f"… and {len(found) - most} more"] if len(found) > most else []
    start = f"`{escape(Start(found[0].name).text)}` makes a splat of the first."
    return "\n".join([*map(_dataset_line, found[:most]), *more, start])


def _dataset_line(dataset: Dataset) -> str:
    what = f"{photo_count(dataset)}, " if dataset.is_folder else ""
    return f"`{escape(dataset.name)}` {what}{human_size(dataset.bytes)}"


def counted(dataset: Dataset) -> str:
    """A dataset in a list to choose from; no markup."""
    return f"{dataset.name} · {photo_count(dataset)}"


def photo_count(dataset: Dataset) -> str:
    """How many photos and videos there are; nobody has opened an archive yet."""
    return photos_and_videos(dataset.photos, dataset.videos) or "a .zip"


def photos_and_videos(photos: int, videos: int) -> str:
    """Both counts in words; empty for neither."""
    counts = ((photos, "photo"), (videos, "video"))
    return " and ".join(f"{n:,} {what}{'s' if n > 1 else ''}" for n, what in counts if n)


def moment(when: float) -> str:
    """A day and a time, in the reader's own time zone where Slack shows it."""
    utc = datetime.fromtimestamp(when, UTC)
    return f"<!date^{when:.0f}^{{date_short}} {{time}}|{utc:%d %b %H:%M} UTC>"


def slots(taken: int, there: int) -> str:
    """How many jobs run at once."""
    if there == 1:
        return "One job runs at a time; the others wait."
    return f"{taken} of {there} slots are taken."


def who_may_start(starters: Sequence[str]) -> str:
    """Who may start jobs; anybody may stop one."""
    if EVERYBODY in starters:
        return "Everybody may start jobs, and anybody may stop one."
    marks = {"S": "<!subteam^{}>", "C": "everybody in <#{}>", "G": "everybody in <#{}>"}
    who = ", ".join(marks.get(each[0], "<@{}>").format(each) for each in starters[:10])
    more = f" and {len(starters) - 10} more" if len(starters) > 10 else ""
    return f"These may start jobs: {who or 'nobody'}{more}. Anybody may stop one."


def audit(notes: Sequence[Mapping[str, Any]]) -> str:
    """Who did what, newest first."""
    return "\n".join(map(_audit_line, notes)) or "Nobody has done anything yet."


def _audit_line(note: Mapping[str, Any]) -> str:
    job = f" `#{note['job']}`" if note["job"] else ""
    # Whoever stops a job is noted with where it stood.
    stood = "while " if note["action"] in {"cancel", "destroy"} else ""
    detail = f" {stood}{escape(note['detail'])}" if note["detail"] else ""
    when = moment(note["time"])
    return f"{when} {person(note['actor'])}: {note['action'].replace('_', ' ')}{job}{detail}"


def diagnosis(report: Report, now: float) -> str:
    """The heading of the doctor's findings."""
    wrong = sum(not finding.ok for finding in report.findings)
    things = "1 thing" if wrong == 1 else f"{wrong} things"
    result = f"{things} to mend" if wrong else "All is well"
    age = now - report.at
    return f"{result}, as of {'now' if age < 1 else f'{seconds(age)} ago'}"


def finding(found: Finding) -> str:
    """One of the doctor's lines."""
    if found.ok:
        return f"✓ {escape(found.what)}"
    return f"✗ *{escape(found.what)}*\n      {escape(found.remedy)}".rstrip()
