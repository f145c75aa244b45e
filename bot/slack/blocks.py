"""Pure functions from what is to be said to Block Kit. No network, no clock, no ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.estimates import Estimate, overall_fraction
from bot.core.jobs import Job, State
from bot.slack import wording
from bot.storage.base import Dataset
from gpu.job import RANGES, Pipeline, stages_of

Block = dict[str, Any]

#: Slack's limits: characters of a section, of a header, of an option's label and value.
SECTION, HEADER, LABEL, VALUE = 3000, 150, 75, 150

#: ... and the options of a select.
OPTIONS = 100

#: Seconds of silence after which we say that a job is silent.
STALE = 180.0

BAR = 20


@dataclass(frozen=True)
class Post:
    """A message: blocks, and the text that notifications and screen readers use."""

    text: str
    blocks: list[Block]


@dataclass(frozen=True)
class Standing:
    """What a status message shows besides the job itself. Times are Unix seconds."""

    now: float
    estimate: Estimate | None = None
    position: int = 0
    last_word: float | None = None


def status(job: Job, standing: Standing, *, thumbnail_url: str = "") -> Post:
    """The one message of a job, whatever state it is in."""
    line = wording.state_line(job, standing.position)
    blocks = [_header(wording.title(job)), _section(line)]
    if job.state not in {State.QUEUED, State.CANCELLED}:
        blocks.append(_section(_stages(job)))
    if job.state in {State.RUNNING, State.LAUNCHING}:
        blocks.append(_section(_progress(job, standing)))
    if job.state is State.SUCCEEDED:
        blocks.append(_result(job) | _accessory(job, thumbnail_url))
    blocks.append(_context(_facts(job, standing)))
    blocks += _buttons(job)
    return Post(_cut(f"{wording.escape(wording.title(job))}: {line}", SECTION), blocks)


def stage_done(event: Mapping[str, Any]) -> Post:
    """The thread's line for a finished stage."""
    took = event["metrics"].get("seconds", 0.0)
    text = wording.stage_done(event["stage"], event["message"], took)
    return Post(_cut(text, SECTION), [_section(text)])


def final(job: Job, thumbnail_url: str = "") -> Post:
    """The one closing reply."""
    text = wording.final(job)
    blocks = [_section(text)]
    if job.state is State.SUCCEEDED:
        blocks.append(_result(job))
        blocks += [_image(job, thumbnail_url)] if thumbnail_url else []
        blocks.append({"type": "actions", "elements": [_open_button(job)]})
    return Post(_cut(text, SECTION), blocks)


def home(active: Sequence[Job], newest: Sequence[Job]) -> dict[str, Any]:
    """The bot's App Home."""
    start = _button("Make a splat", "open_start", "start", style="primary")
    blocks = [
        _header("Splatbot"),
        _section(wording.WELCOME),
        {"type": "actions", "elements": [start]},
        _header("Now"),
        _section("\n".join(map(wording.job_line, active)) or "Nothing is running."),
        _header("Newest"),
        _section("\n".join(map(wording.job_line, newest)) or "No splats yet."),
    ]
    return {"type": "home", "blocks": blocks}


def start_dialog(channel: str) -> dict[str, Any]:
    """The dialog of `/splat` alone. The channel travels in its private metadata."""
    pipelines = [_option(p.value, p.value) for p in Pipeline]
    return {
        "type": "modal",
        "callback_id": "start",
        "private_metadata": channel,
        "title": _plain("Make a splat"),
        "submit": _plain("Start"),
        "close": _plain("Close"),
        "blocks": [
            _input("dataset", "Photos", {
                "type": "external_select", "action_id": "dataset", "min_query_length": 0,
                "placeholder": _plain("Choose photos"),
            }),
            _input("pipeline", "What for", {
                "type": "static_select", "action_id": "pipeline",
                "options": pipelines, "initial_option": pipelines[0],
            }, hint="`aerial` is for drone flights: it adds the descent to the ground."),
            *(_number_input(name) for name in ("iterations", "max_views", "image_size")),
        ],
    }  # fmt: skip


def dataset_options(found: Sequence[Dataset]) -> list[Block]:
    """The options of the dialog's dataset picker."""
    return [_option(f"{d.name} ({d.photos})" if d.photos else d.name, d.name)
            for d in found if len(d.name) <= VALUE][:OPTIONS]  # fmt: skip


def plain_text(text: str) -> list[Block]:
    """Any text as blocks, cut to what Slack takes."""
    return [_section(text)]


def _stages(job: Job) -> str:
    lines = []
    for stage in stages_of(job.pipeline):
        name = wording.STAGE_NAMES[stage.value]
        if stage.value in job.stage_seconds:
            lines.append(f"✓ {name} `{wording.seconds(job.stage_seconds[stage.value])}`")
        elif stage is job.stage and job.state is State.FAILED:
            lines.append(f"✗ *{name}*")
        elif stage is job.stage and not job.is_over:
            lines.append(f"▸ *{name}* {job.fraction:.0%}")
        else:
            lines.append(f"· {name}")
    return "\n".join(lines)


def _progress(job: Job, standing: Standing) -> str:
    fraction = overall_fraction(job)
    full = round(fraction * BAR)
    bar = "▰" * full + "▱" * (BAR - full)
    return f"{bar} {fraction:.0%} · {wording.eta(standing.estimate)}"


def _facts(job: Job, standing: Standing) -> str:
    end = job.finished_at or standing.now
    hours = max(end - (job.started_at or end), 0.0) / 3600
    parts = [f"for {wording.person(job.user)}", wording.cost(job, hours)]
    silent = standing.now - (standing.last_word or standing.now)
    if job.state is State.RUNNING and silent > STALE:
        parts.append(wording.stale(silent))
    return " · ".join(parts)


def _buttons(job: Job) -> list[Block]:
    if job.state is State.SUCCEEDED:
        return [{"type": "actions", "elements": [_open_button(job)]}]
    if job.is_over:
        return []
    cancel = _button("Cancel", "cancel_job", job.id)
    cancel["confirm"] = _confirm("Cancel this job?", wording.confirm_cancel(job), "Cancel the job")
    destroy = _button("Destroy", "destroy_job", job.id, style="danger")
    text = wording.confirm_destroy(job)
    destroy["confirm"] = _confirm("Destroy this job's machine?", text, "Destroy")
    # A job that waits has no machine; one that is being stopped is past asking.
    live = {State.QUEUED: [cancel], State.CANCELLING: [destroy]}.get(job.state, [cancel, destroy])
    return [{"type": "actions", "elements": live}]


def _result(job: Job) -> Block:
    return _section(wording.figures(job) or "No figures.")


def _accessory(job: Job, thumbnail_url: str) -> Block:
    return {"accessory": _image(job, thumbnail_url)} if thumbnail_url else {}


def _image(job: Job, url: str) -> Block:
    alt = _cut(f"The splat of {job.dataset}", HEADER)
    return {"type": "image", "image_url": url, "alt_text": alt}


def _open_button(job: Job) -> Block:
    button = _button("Open viewer", "open_viewer", job.id, style="primary")
    return button | {"url": job.viewer_url}


def _number_input(name: str) -> Block:
    allowed = RANGES[name]
    element = {"type": "plain_text_input", "action_id": name}
    label = name.replace("_", " ").capitalize()
    hint = f"{allowed.low} to {allowed.high}; leave it empty to have it chosen from the photos."
    return _input(name, label, element, hint=hint) | {"optional": True}


def _input(block_id: str, label: str, element: Block, *, hint: str = "") -> Block:
    block = {"type": "input", "block_id": block_id, "label": _plain(label), "element": element}
    return block | ({"hint": _plain(hint)} if hint else {})


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def _option(text: str, value: str) -> Block:
    return {"text": _plain(_cut(text, LABEL)), "value": value}


def _header(text: str) -> Block:
    return {"type": "header", "text": _plain(_cut(text, HEADER))}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, SECTION)}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(text, SECTION)}]}


def _button(text: str, action: str, value: str, *, style: str = "") -> Block:
    button = {"type": "button", "text": _plain(text), "action_id": action, "value": value}
    return button | ({"style": style} if style else {})


def _confirm(title: str, text: str, yes: str) -> Block:
    return {
        "title": _plain(title),
        "text": _plain(text),
        "confirm": _plain(yes),
        "deny": _plain("Keep it"),
        "style": "danger",
    }


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
