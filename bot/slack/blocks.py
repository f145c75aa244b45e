"""Pure functions from what is to be said to Block Kit. No network, no clock, no ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.core.estimates import Estimate
from bot.core.jobs import Job, State
from bot.core.machines import Machine
from bot.slack import bills, job_wording, takeover, wording
from bot.slack.parts import (
    SECTION,
    Block,
    Post,
    actions,
    button,
    confirm,
    context,
    cut,
    header,
    image,
    plan,
    said,
    section,
)
from gpu.job import Stage, stages_of

__all__ = ["Post", "Standing", "facts", "final", "progress", "stage_done", "status"]

#: Seconds of silence after which we say that a job is silent.
STALE = 180.0

BAR = 20


@dataclass(frozen=True)
class Standing:
    """What a message shows besides the job itself. Times are Unix seconds, money dollars.

    `done` is how much of the whole job is done, 0 to 1.
    `machine` is the newest that was created for the job, or may have been; `spent` is what all
    of its machines cost until now. At `deadline` the job is ended. `given_up_at` is when it is
    ended for its machine's silence, if that goes on. `again` is the job as which a failed one was
    run again, `again_link` the address of that one's message, once there is one.
    """

    now: float
    done: float = 0.0
    estimate: Estimate | None = None
    position: int = 0
    last_word: float | None = None
    machine: Machine | None = None
    spent: float = 0.0
    deadline: float = 0.0
    given_up_at: float | None = None
    again: Job | None = None
    again_link: str = ""


def status(
    job: Job,
    standing: Standing,
    *,
    thumbnail_url: str = "",
    preview_url: str = "",
    with_plan: bool = False,
) -> Post:
    """The one message of a job, whatever state it is in.

    `preview_url` is where its scene can be seen that is not finished, if it can.
    `with_plan` shows the stages as Slack's own list of tasks, which not every client may draw.
    """
    begin = bills.starting(job, standing.machine)
    line = job_wording.state_line(job, standing.position, begin)
    blocks = [header(job_wording.title(job)), section(line)]
    if job.state not in {State.QUEUED, State.CANCELLED}:
        blocks.append(_plan(job, standing) if with_plan else section(_stages(job)))
    if job.state in {State.RUNNING, State.LAUNCHING}:
        blocks.append(section(progress(job, standing)))
        blocks += _silence(job, standing)
    if job.state is State.SUCCEEDED:
        blocks.append(_result(job) | _accessory(job, thumbnail_url))
    blocks.append(context(facts(job, standing)))
    blocks += _again(job, standing) if job.state is State.FAILED else _buttons(job, preview_url)
    return Post(cut(f"{wording.escape(job_wording.title(job))}: {line}", SECTION), blocks)


def stage_done(event: Mapping[str, Any]) -> Post:
    """The thread's line for a finished stage."""
    took = event["metrics"].get("seconds", 0.0)
    text = job_wording.stage_done(event["stage"], event["message"], took)
    return said(text)


def final(job: Job, standing: Standing, *, thumbnail_url: str = "") -> Post:
    """The one closing reply, with what the job has cost as far as that is known."""
    is_paid = job.backend == bills.DROPLET
    text = job_wording.final(job, _bill(job, standing) if is_paid else "")
    blocks = [section(text)]
    if job.state is State.SUCCEEDED:
        blocks.append(_result(job))
        blocks += [_image(job, thumbnail_url)] if thumbnail_url else []
        blocks.append(actions(_open_button(job)))
    if job.state is State.FAILED:
        blocks += _again(job, standing)
    return Post(cut(text, SECTION), blocks)


def _plan(job: Job, standing: Standing) -> Block:
    title = job_wording.plan_title(job, standing.done)
    return plan(title, [(stage, f"{name} {note}".strip(), progress.value)
                        for stage, name, note, progress in _progress_of(job)])  # fmt: skip


def _stages(job: Job) -> str:
    lines = {
        Progress.DONE: "✓ {name} ({note})",
        Progress.FAILED: "✗ *{name}*",
        Progress.NOW: "▸ *{name}* {note}",
        Progress.OPEN: "· {name}",
    }
    return "\n".join(
        lines[progress].format(name=name, note=note)
        for _, name, note, progress in _progress_of(job)
    )


class Progress(StrEnum):
    """How far a stage is, in the words of Slack's plan block."""

    OPEN = "pending"
    NOW = "in_progress"
    DONE = "complete"
    FAILED = "error"


def _progress_of(job: Job) -> Iterator[tuple[str, str, str, Progress]]:
    """Yield every stage: its id and name, its seconds or percent, and how far it is."""
    for stage in _stages_of(job):
        name = job_wording.STAGE_NAMES[stage.value]
        if stage.value in job.stage_seconds:
            took = wording.seconds(job.stage_seconds[stage.value])
            yield stage.value, name, took, Progress.DONE
        elif stage is job.stage and job.state is State.FAILED:
            yield stage.value, name, "", Progress.FAILED
        elif stage is job.stage and not job.is_over:
            yield stage.value, name, f"{job.fraction:.0%}", Progress.NOW
        else:
            yield stage.value, name, "", Progress.OPEN


def _stages_of(job: Job) -> Sequence[Stage]:
    """The stages of a job; that of its machine only where there is one to prepare."""
    prepares = job.stage is Stage.PREPARE or Stage.PREPARE.value in job.stage_seconds
    return [*([Stage.PREPARE] if prepares else []), *stages_of(job.pipeline)]


def progress(job: Job, standing: Standing) -> str:
    """A bar, and the time that is left."""
    full = round(standing.done * BAR)
    bar = "▰" * full + "▱" * (BAR - full)
    return f"{bar} {standing.done:.0%} · {job_wording.eta(standing.estimate)}"


def _silence(job: Job, standing: Standing) -> list[Block]:
    """A warning that a droplet is silent, with what the bot will do and when."""
    heard = job.heartbeat_at or job.started_at
    if standing.given_up_at is None or heard is None or standing.now - heard <= STALE:
        return []
    return [section(bills.silence(standing.now, heard, standing.given_up_at))]


def facts(job: Job, standing: Standing) -> str:
    """Whose job it is, what it costs, how busy its machine is, and whether it is silent."""
    parts = [f"for {wording.person(job.user)}", takeover.awaited(job), _bill(job, standing)]
    silent = standing.now - (standing.last_word or standing.now)
    if job.state is State.RUNNING:
        parts.append("" if _silence(job, standing) else bills.load(job.heartbeat))
        if silent > STALE and standing.given_up_at is None:
            parts.append(job_wording.stale(silent))
    return " · ".join(filter(None, parts))


def _bill(job: Job, standing: Standing) -> str:
    return bills.bill(job, standing.machine, standing.spent, standing.deadline)


def _buttons(job: Job, preview_url: str) -> list[Block]:
    if job.state is State.SUCCEEDED:
        return [actions(_open_button(job))]
    if job.is_over:
        return []
    cancel = button("Cancel", "cancel_job", job.id)
    text = job_wording.confirm_cancel(job)
    cancel["confirm"] = confirm("Cancel this job?", text, "Cancel the job")
    destroy = button("Destroy", "destroy_job", job.id, style="danger")
    text = job_wording.confirm_destroy(job)
    destroy["confirm"] = confirm("Destroy this job?", text, "Destroy the job")
    # A job that waits has no machine; one that is being stopped is past asking.
    live = {State.QUEUED: [cancel], State.CANCELLING: [destroy]}.get(job.state, [cancel, destroy])
    if preview_url and job.state is State.RUNNING:
        look = button(job_wording.PREVIEW, "open_viewer", job.id) | {"url": preview_url}
        return [actions(look, *live)]
    return [actions(*live)]


def _again(job: Job, standing: Standing) -> list[Block]:
    """The button that runs a failed job again, or as what somebody has done so."""
    if standing.again is not None:
        return [context(job_wording.was_run_again(standing.again, standing.again_link))]
    # Where the same would most likely end the same way, nothing invites to it.
    style = "" if job.would_fail_again else "primary"
    pressed = button(job_wording.again(job), "run_again", job.id, style=style)
    pressed["confirm"] = confirm(
        "Run this job again?", job_wording.confirm_again(job), job_wording.AGAIN,
        no="Not now", style="primary",
    )  # fmt: skip
    return [actions(pressed)]


def _result(job: Job) -> Block:
    return section(job_wording.figures(job) or "No figures.")


def _accessory(job: Job, thumbnail_url: str) -> Block:
    return {"accessory": _image(job, thumbnail_url)} if thumbnail_url else {}


def _image(job: Job, url: str) -> Block:
    return image(url, f"The splat of {job.dataset}")


def _open_button(job: Job) -> Block:
    opens = button("Open viewer", "open_viewer", job.id, style="primary")
    return opens | {"url": job.viewer_url}
