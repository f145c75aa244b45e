"""Every text that people read in Slack; machines and money are in bills.py, help in help.py."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.core.errors import NotAllowed
from bot.core.estimates import Estimate
from bot.core.jobs import Job, Options, State
from bot.core.roles import EVERYBODY
from bot.core.rounds import Finding, Report
from bot.storage.base import Dataset
from gpu.job import NON_COMMERCIAL, Pipeline, SplatError

STAGE_NAMES = {
    "prepare": "Prepare the machine",
    "fetch": "Fetch photos",
    "preprocess": "Prepare photos",
    "geometry": "Find cameras",
    "train": "Train",
    "descend": "Descend",
    "compress": "Compress",
    "publish": "Publish",
}

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


#: Jobs of the queue that are shown: Slack takes 3,000 characters.
QUEUE = 20

CHOOSE = "Choose photos: then this says how many there are, how long it takes and what it costs."

NO_PHOTOS_CHOSEN = "Choose one of the sets of photos in the list."

#: What a dialog says that can not look up what was chosen.
NO_OUTLOOK = "What this would take is not known yet."

PIPELINES = {
    Pipeline.SPLAT: "Any capture: an object, a room, a walk around",
    Pipeline.AERIAL: "A drone flight: with the descent to the ground",
}

PIPELINE_HINT = "In a command these are called splat and aerial."

AUTOMATIC = "Automatic"

#: The button that opens a scene which a running job has not finished.
PREVIEW = "Look at a preview (not finished)"

#: The options of a start that a dialog offers: label and meaning.
OPTIONS = {
    "iterations": ("Training steps", "More are sharper and take longer; by default as many as the"
                   " photos need."),
    "max_views": ("Most photos", "Of more photos some are left out, evenly; by default all are"
                  " used."),
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


def accepted(command: str, job: Job, position: int) -> str:
    """The echo of a start, for the person alone."""
    place = f" It is number {position} in the queue." if position > 1 else ""
    note = licence_note(job.options)
    return f"`{escape(command)}` is job `#{job.id}`.{place}{f' {note}' if note else ''}"


def licence_note(options: Options) -> str:
    """What has to be known of the way in which cameras are found, before its result is used."""
    name = options.get("geometry")
    return f"`{name}` is for non-commercial use alone." if name in NON_COMMERCIAL else ""


def was_over(job: Job) -> str:
    """Said when somebody stops what has ended."""
    return f"{job_line(job)}: it was over already, so nothing was stopped."


def title(job: Job) -> str:
    """The heading of a job's message."""
    return f"{job.dataset} · {job.pipeline} · #{job.id}"


def state_line(job: Job, position: int, begin: str) -> str:
    """One sentence on where a job stands; `begin` is said until the job itself says something."""
    silent = f"{STAGE_NAMES[job.stage]}." if job.stage else begin
    return {
        State.QUEUED: f"Waiting in the queue: number {max(position, 1)}.",
        State.LAUNCHING: begin,
        State.RUNNING: escape(job.message) or silent,
        State.CANCELLING: f"Being stopped, asked by {person(job.cancelled_by)}.",
        State.SUCCEEDED: ":white_check_mark: Your splat is ready.",
        State.FAILED: f":x: *{escape(job.error)}*\n{escape(job.hint)}".strip(),
        State.CANCELLED: f"Cancelled by {person(job.cancelled_by)}.",
    }[job.state]


def plan_title(job: Job, fraction: float) -> str:
    """The title of a job's list of stages."""
    if job.is_over:
        return {State.SUCCEEDED: "Done", State.FAILED: "Stopped", State.CANCELLED: "Cancelled"}[
            job.state
        ]
    return f"{fraction:.0%} done"


def seconds(value: float) -> str:
    """A duration as people say it."""
    if value < 60:
        return f"{max(value, 0):.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"


def eta(estimate: Estimate | None) -> str:
    """The time that is left, as a range; no history, no estimate."""
    if estimate is None:
        return "no estimate yet: the first job of this kind"
    if estimate.high < 1:  # "0 s left" would be wrong for as long as it is said
        return "nearly done"
    low, high = seconds(estimate.low), seconds(estimate.high)
    return f"{low} left" if low == high else f"{low} to {high} left"


def stale(age: float) -> str:
    """Said when a job has been silent for long."""
    return f":hourglass: last word from the job {seconds(age)} ago"


def megabytes(count: float) -> str:
    """A number of bytes; small ones are not called 0.0 MB."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{math.ceil(count / 1e3)} kB"


def figures(job: Job) -> str:
    """The measured figures of a finished job; only those that were measured."""
    m = job.metrics
    parts = []
    if "photos_registered" in m:
        given = f" of {m['photos']}" if "photos" in m else ""
        parts.append(f"{m['photos_registered']}{given} photos")
    if "gaussians" in m:
        parts.append(f"{m['gaussians']:,} Gaussians")
    if m.get("psnr") is not None:
        joined = ", before they joined" if m.get("joined") else ""
        parts.append(f"{m['psnr']:.1f} dB on {m.get('held_out', 'the')} held-out photos{joined}")
    if job.shown_bytes is not None:
        parts.append(megabytes(job.shown_bytes))
    if job.started_at and job.finished_at:
        parts.append(seconds(job.finished_at - job.started_at))
    return " · ".join(parts)


def final(job: Job, bill: str) -> str:
    """The one closing reply, which mentions the person; `bill` is empty where nothing is billed."""
    name = f"*{escape(job.dataset)}*"
    if job.state is State.SUCCEEDED:
        said = f"Your splat of {name} is ready: <{job.viewer_url}|open it>"
    elif job.state is State.FAILED:
        said = f"{name} did not work. {escape(job.error)} {escape(job.hint)}".strip()
    else:
        said = f"{name} was cancelled by {person(job.cancelled_by)}."
    paid = f"\n{bill[0].upper()}{bill[1:]}." if bill else ""
    return f"{person(job.user)} {said}{paid}"


def stage_done(name: str, message: str, took: float) -> str:
    """A line in the thread."""
    return f":white_check_mark: *{STAGE_NAMES[name]}* ({seconds(took)}) {escape(message)}"


def picture_title(name: str, metrics: Mapping[str, Any]) -> str:
    """What a picture of the thread shows; one that we do not know by its file's name."""
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    known = {
        "photos": _usable(metrics),
        "geometry": "Cameras and points, from above",
        "matches": "Which photos show the same things, and which do not",
        "descend": "The descent to the ground",
        "turntable": "The splat",
        "thumbnail": "The splat",
    }
    if stem.startswith("train"):
        likeness = metrics.get("preview_psnr", metrics.get("psnr"))
        return "A held-out photo, and its render" + (f": {likeness:.1f} dB" if likeness else "")
    return known.get(stem, stem.replace("_", " ").capitalize())


def _usable(metrics: Mapping[str, Any]) -> str:
    usable, dropped = metrics.get("photos_usable"), metrics.get("photos_dropped", 0)
    if usable is None:
        return "Your photos, and which were left out"
    return f"{usable} of {usable + dropped} photos are usable"


def dataset_lines(found: Sequence[Dataset], prefix: str, most: int = 30) -> str:
    """The list of datasets."""
    if not found and prefix:
        return f"There are no photos under `{escape(prefix)}`. `/splat datasets` shows all of them."
    if not found:
        return "There are no photos yet. `/splat upload` gives you a page for them."
    more = [f"… and {len(found) - most} more"] if len(found) > most else []
    return "\n".join([*map(_dataset_line, found[:most]), *more])


def _dataset_line(dataset: Dataset) -> str:
    what = f"{photo_count(dataset)}, " if dataset.is_folder else ""
    return f"`{escape(dataset.name)}` {what}{megabytes(dataset.bytes)}"


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


def job_line(job: Job) -> str:
    """One job in a list."""
    link = f" <{job.viewer_url}|open>" if job.viewer_url else ""
    return f"`#{job.id}` {escape(job.dataset)} · {job.pipeline} · *{job.state}*{link}"


def card_title(job: Job) -> str:
    """The first line of a job among those that are over."""
    ended = {State.SUCCEEDED: "", State.FAILED: ":x: ", State.CANCELLED: ""}.get(job.state, "")
    how = "" if job.viewer_url else f" · {job.state}"
    return f"{ended}*{escape(job.dataset)}* · {job.pipeline}{how}"


def by(job: Job) -> str:
    """Whose a job is, when it ended, and its number."""
    when = f" · {moment(job.finished_at)}" if job.finished_at else ""
    return f"`#{job.id}` for {person(job.user)}{when}"


def moment(when: float) -> str:
    """A day and a time, in the reader's own time zone where Slack shows it."""
    utc = datetime.fromtimestamp(when, UTC)
    return f"<!date^{when:.0f}^{{date_short}} {{time}}|{utc:%d %b %H:%M} UTC>"


def no_splat(job: Job) -> str:
    """Said when somebody wants to see what is not there."""
    return f"{job_line(job)}: there is no splat of it{'' if job.is_over else ' yet'}."


def log(job: Job, text: str) -> str:
    """The end of a job's log, as it is."""
    if not text:
        return f"{job_line(job)}: there is no log of it{'' if job.is_over else ' yet'}."
    plain = escape(text).replace("`" * 3, "…")
    return f"{job_line(job)}\n```{plain[-2_700:]}```"


def queue(active: Sequence[Job], count: int) -> str:
    """What runs and what waits, in the order in which it comes; of `count` jobs the first."""
    shown = active[:QUEUE]
    waiting = [job for job in shown if job.state is State.QUEUED]
    lines = [f"▸ {job_line(job)}" for job in shown if job.state is not State.QUEUED]
    lines += [f"{n}. {job_line(job)} for {person(job.user)}" for n, job in enumerate(waiting, 1)]
    lines += [f"… and {count - len(shown)} more"] if count > len(shown) else []
    return "\n".join(lines) or "Nothing runs, and nothing waits."


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


def confirm_cancel(job: Job) -> str:
    """What cancelling means."""
    return f"Job #{job.id} stops and its slot is free again. Your photos stay as they are."


def confirm_destroy(job: Job) -> str:
    """What destroying means."""
    return (
        f"Job #{job.id} is ended at once, its machine is removed, and what it has computed so far"
        " is lost."
    )


def diagnosis(report: Report, now: float) -> str:
    """The heading of the doctor's findings."""
    wrong = sum(not finding.ok for finding in report.findings)
    things = "1 thing" if wrong == 1 else f"{wrong} things"
    result = f"{things} to mend" if wrong else "All is well"
    return f"{result}, as of {seconds(now - report.at)} ago"


def finding(found: Finding) -> str:
    """One of the doctor's lines."""
    if found.ok:
        return f"✓ {escape(found.what)}"
    return f"✗ *{escape(found.what)}*\n      {escape(found.remedy)}".rstrip()
