"""What people read about jobs: how one stands, what came of it, what runs and what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.estimates import Estimate
from bot.core.jobs import Job, Options, State
from bot.slack import takeover
from bot.slack.bills import DROPLET
from bot.slack.wording import escape, moment, person, seconds, span
from gpu.job import NON_COMMERCIAL
from gpu.job.sizes import human_size

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

#: Jobs of the queue that are shown: Slack takes 3,000 characters.
QUEUE = 20

#: Of held-out photos in dB. A splat with less hardly looks like its photos: even drafts of the
#: seven real sets in bench/results.md have 18.4 dB or more. Nor does one that is no closer than a
#: thumbnail 4 pixels wide (gpu.training.metrics): of flat fields from above that has 22 dB.
UNLIKE = 17.0
#: What is said of such a one, everywhere.
LOOKS_LITTLE = "It looks little like the photos"
#: Options with which people ask for less than they would get.
LESS = ("max_views", "image_size", "iterations")

#: The button that opens a scene which a running job has not finished.
PREVIEW = "Look at a preview (not finished)"

#: The button of a failed job, and where its photos, options or machine have to change first.
AGAIN, AGAIN_ONCE_MENDED = "Run again", "Run again, once that is mended"


def accepted(command: str, job: Job, position: int) -> str:
    """The echo of a start, for the person alone."""
    place = f" It is number {position} in the queue." if position > 1 else ""
    notes = (takeover.accepted(job.options), licence_note(job.options))
    said = "".join(f" {note}" for note in notes if note)
    return f"`{escape(command)}` is job `#{job.id}`.{place}{said}"


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
        State.CANCELLING: f"Being stopped, as {person(job.cancelled_by)} asked.",
        State.SUCCEEDED: _ready(job),
        State.FAILED: f":x: *{escape(job.error)}*\n{escape(job.hint)}".strip(),
        State.CANCELLED: f"Cancelled by {person(job.cancelled_by)}.",
    }[job.state]


def _ready(job: Job) -> str:
    unlike, said = _unlike_photos(job), "Your splat is ready."
    return f":warning: {said} {unlike}" if unlike else f":white_check_mark: {said}"


def is_unlike(job: Job) -> bool:
    """Whether a splat hardly looks like its photos; False where that was not measured."""
    likeness, thumbnail = job.metrics.get("psnr"), job.metrics.get("thumbnail_psnr")
    return likeness is not None and bool(likeness < max(UNLIKE, thumbnail or 0.0))


def _unlike_photos(job: Job) -> str:
    """Say that a splat hardly looks like its photos, and what helps; nothing of any other."""
    if not is_unlike(job):
        return ""
    likeness, thumbnail = job.metrics["psnr"], job.metrics.get("thumbnail_psnr")
    beside = "20 is recognisable"
    if likeness >= UNLIKE:
        beside = f"thumbnails of them, 4 pixels wide, have {thumbnail:.1f}"
    return (
        f"{LOOKS_LITTLE}: {likeness:.1f} dB, where {beside}."
        f"{_less_asked(job.options)}"
        " More photos help, taken closer together, of things that stand still."
    )


def _less_asked(options: Options) -> str:
    """Name the options that may be why a splat looks little like its photos."""
    asked = [f"--{name.replace('_', '-')} {options[name]}" for name in LESS if name in options]
    asked += ["--preset draft"] if options.get("preset") == "draft" else []
    return f" Without `{' '.join(asked)}` it may look better." if asked else ""


def address(link: str, channel: str) -> str:
    """Where a job's status message is: its link, or the channel where that is not known."""
    if link:
        return f"<{link}|the job's message>"
    return f"the job's message in <#{channel}>" if channel else ""


def as_of(job: Job, now: float, message: str) -> str:
    """Of when an answer is that is not kept up to date, and which `message` of the job is."""
    if job.is_over:
        return f"See {message}." if message else ""
    keeps = f"{message} goes on" if message else "ask again for what is new"
    return f"As of {moment(now)}. This stays as it is: {keeps}."


def plan_title(job: Job, fraction: float) -> str:
    """The title of a job's list of stages."""
    if job.is_over:
        return {State.SUCCEEDED: "Done", State.FAILED: "Stopped", State.CANCELLED: "Cancelled"}[
            job.state
        ]
    return f"{fraction:.0%} done"


def eta(estimate: Estimate | None) -> str:
    """The time that is left, as a range; no history, no estimate."""
    if estimate is None:
        return "no estimate yet: there was no job like it"
    if estimate.high < 1:  # "0 s left" would be wrong for as long as it is said
        return "nearly done"
    return f"{span(estimate.low, estimate.high)} left"


def stale(age: float) -> str:
    """Said when a job has been silent for long."""
    return f":hourglass: last word from the job {seconds(age)} ago"


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
        parts.append(f"{m['psnr']:.1f} dB on {_held_out(m)}")
    if job.shown_bytes is not None:
        parts.append(human_size(job.shown_bytes))
    if job.started_at and job.finished_at:
        parts.append(seconds(job.finished_at - job.started_at))
    return " · ".join(parts)


def _held_out(metrics: Mapping[str, Any]) -> str:
    one = metrics.get("held_out") == 1
    photos = f"{metrics.get('held_out', 'the')} held-out photo{'' if one else 's'}"
    return f"{photos}, before {'it' if one else 'they'} joined" if metrics.get("joined") else photos


def final(job: Job, bill: str) -> str:
    """The one closing reply, which mentions the person; `bill` is empty where nothing is billed."""
    name = f"*{escape(job.dataset)}*"
    if job.state is State.SUCCEEDED:
        said = f"Your splat of {name} is ready: <{job.viewer_url}|open it>"
        said += f"\n:warning: {unlike}" if (unlike := _unlike_photos(job)) else ""
    elif job.state is State.FAILED:
        said = f"{name} did not work. {escape(job.error)} {escape(job.hint)}".strip()
    else:
        # No button: somebody wanted it to stop, and where Cancel just was nothing may start.
        again = f"`@splat rerun {job.id}` runs it again."
        said = f"{name} was cancelled by {person(job.cancelled_by)}. {again}"
    paid = f"\n{bill[0].upper()}{bill[1:]}." if bill else ""
    return f"{person(job.user)} {said}{paid}"


def stage_done(name: str, message: str, took: float) -> str:
    """A line in the thread."""
    return f":white_check_mark: *{STAGE_NAMES[name]}* ({seconds(took)}) {escape(message)}"


def picture_title(name: str, metrics: Mapping[str, Any]) -> str:
    """What a picture of the thread shows; one that we do not know by its file's name."""
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    known = {
        "photos": _used(metrics),
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


def _used(metrics: Mapping[str, Any]) -> str:
    used, dropped = metrics.get("photos_usable"), metrics.get("photos_dropped", 0)
    if used is None:
        return "Your photos, and which were left out"
    return f"{used} of {used + dropped} photos are used"  # `--max-views` leaves out good ones


def job_line(job: Job) -> str:
    """One job in a list."""
    link = f" <{job.viewer_url}|open>" if job.viewer_url else ""
    return f"`#{job.id}` {escape(job.dataset)} · {job.pipeline} · *{job.state}*{link}"


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


def again(job: Job) -> str:
    """The words of the button that runs a failed job again, wherever it is named."""
    return AGAIN_ONCE_MENDED if job.would_fail_again else AGAIN


def runs_again(job: Job, failed: str, position: int) -> str:
    """Said to who has just had a failed job run again, alone."""
    place = f" It is number {position} in the queue." if position > 1 else ""
    return f"`#{failed}` runs again as job `#{job.id}`, with a message of its own.{place}"


def runs_already(job: Job, failed: str) -> str:
    """Said to who wants a failed job run again that was, alone."""
    asked = f"`#{failed}` was run again already, as {person(job.user)} asked"
    return f"{asked}; nothing more was started: {job_line(job)}."


def was_run_again(job: Job, link: str) -> str:
    """What came of a failed job: who had it run again, and as which."""
    return f"Run again by {person(job.user)} as " + (
        f"<{link}|#{job.id}>" if link else f"#{job.id}"
    )


def confirm_again(job: Job) -> str:
    """What running a failed job again means."""
    same = "The same photos and options, as a new job."
    if job.would_fail_again:
        return (
            f"{same} As long as the reason is there, it ends the same way. With other options:"
            f" /splat rerun {job.id} --…"
        )
    kept = "" if "more" in job.options else " What it had computed, if kept, is not computed again."
    paid = " It gets a droplet of its own, which costs money." if job.backend == DROPLET else ""
    return f"{same}{kept}{paid}"


def confirm_cancel(job: Job) -> str:
    """What cancelling means."""
    if job.state is State.QUEUED:
        return f"Job #{job.id} leaves the queue. Your photos stay as they are."
    return f"Job #{job.id} stops and its slot is free again. Your photos stay as they are."


def confirm_destroy(job: Job) -> str:
    """What destroying means: of the bot's own machine nothing is removed."""
    machine = "its droplet is removed, " if job.backend == DROPLET else ""
    return f"Job #{job.id} is ended at once, {machine}and what it has computed so far is lost."
