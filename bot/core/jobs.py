"""A job as the bot sees it: who asked for what, where it stands, and the moves that are legal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.core.errors import UnknownCommand
from gpu.job import Pipeline, Stage
from gpu.job.events import LASTING

#: What a job has been given besides its photos and pipeline: fields of JobSpec.
Options = Mapping[str, int | str]


class State(StrEnum):
    """The life of a job. The last three are terminal: once there, a job never moves again."""

    QUEUED = "queued"
    LAUNCHING = "launching"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def told(self) -> str:
        """What is said of a job in this state: it "is running", it "has failed"."""
        return _TOLD.get(self, f"is {self}")


_TOLD = {
    State.SUCCEEDED: "has succeeded",
    State.FAILED: "has failed",
    State.CANCELLED: "was cancelled",
}

TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})

LEGAL_MOVES: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.LAUNCHING, State.CANCELLED, State.FAILED}),
    # A job may turn out to have succeeded when its machine's handle was lost with the ledger.
    State.LAUNCHING: frozenset({State.RUNNING, State.CANCELLING, State.SUCCEEDED, State.FAILED}),
    State.RUNNING: frozenset({State.CANCELLING, State.SUCCEEDED, State.FAILED}),
    # A job may finish in the moment in which somebody cancels it: what happened is what counts.
    State.CANCELLING: frozenset({State.CANCELLED, State.SUCCEEDED, State.FAILED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}


@dataclass(frozen=True)
class Request:
    """What somebody asked for in a channel, after parsing and validation.

    `options` holds the JobSpec fields that were given (iterations, max_views, image_size, seed,
    geometry, preset, remove, photos, use_all_photos, lens, size).
    `key` identifies the request, so that a repeated delivery does not start a second job.
    """

    team: str
    channel: str
    user: str
    dataset: str
    pipeline: Pipeline
    key: str
    options: Options = field(default_factory=dict)
    job_id: str | None = None


@dataclass(frozen=True)
class Job:
    """One row of the ledger, as of the moment it was read. Times are Unix seconds.

    `stage`, `fraction` (of that stage, 0 to 1) and `message` come from the newest event.
    `stage_seconds` has the seconds of every stage that is done. `metrics` merges all events'.
    `error` and `hint` are set when failed. `viewer_url` and `manifest_url` when succeeded.
    `heartbeat_at` is when the job's machine last said that it lives, `heartbeat` its figures.
    `version` grows with every change: whoever shows the job shows the newest version.
    """

    id: str
    team: str
    channel: str
    user: str
    dataset: str
    pipeline: Pipeline
    options: Options
    state: State
    attempt: int
    created_at: float
    version: int
    started_at: float | None = None
    finished_at: float | None = None
    stage: Stage | None = None
    fraction: float = 0.0
    message: str = ""
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    hint: str = ""
    cancelled_by: str = ""
    backend: str = ""
    handle: Mapping[str, Any] | None = None
    price_per_hour: float = 0.0
    viewer_url: str = ""
    manifest_url: str = ""
    heartbeat_at: float | None = None
    heartbeat: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown_bytes(self) -> float | None:
        """The size of what the viewer shows; jobs of earlier versions have a .splat alone."""
        size = self.metrics.get("sog_bytes", self.metrics.get("splat_bytes"))
        return size if isinstance(size, int | float) else None

    @property
    def is_over(self) -> bool:
        """Whether the job has reached its one terminal state."""
        return self.state in TERMINAL

    @property
    def has_cameras(self) -> bool:
        """Whether the job has come to cameras of its own, which are kept."""
        return self.state is State.SUCCEEDED or Stage.GEOMETRY.value in self.stage_seconds

    @property
    def would_fail_again(self) -> bool:
        """Whether it has failed for a reason that the same again would meet, as far as it said."""
        return self.metrics.get(LASTING) is True


#: What only doing a job again sets: the job whose cameras and training it goes on from, or the one
#: whose cameras alone it takes over.
EARLIER, CAMERAS = ORIGINS = "earlier", "cameras"

#: What a job's cameras depend on besides its photos, and what its training's state does besides.
CAMERAS_BY = ("max_views", "image_size", "seed", "geometry", "remove")
STATE_BY = (*CAMERAS_BY, "iterations", "preset", "lens")


def again(job: Job, changed: Options) -> Options:
    """Return the options with which a job is done again.

    It goes on from what the job has left when `more` steps are asked for, or when the job did not
    succeed and nothing that its state depends on changes: one that ended before it had cameras of
    its own goes on from what it was to go on from itself, and so does one that was to train longer.
    Where something else changes, but nothing that its cameras depend on, these are taken over and
    the training begins anew. A job that has succeeded is, without a change, all done anew.
    Raises UnknownCommand when both is asked, and for `more` of a job without a splat, whose
    training never came to its end.
    """
    if "more" in changed and job.state is not State.SUCCEEDED:
        raise UnknownCommand(
            f"`--more` goes on with a job that has succeeded, and `#{job.id}` {job.state.told}.",
            hint="`/splat list` shows which have.",
        )
    before = {name: v for name, v in job.options.items() if name not in (*ORIGINS, "more")}
    options = {**before, **changed}

    def are_same(names: Sequence[str]) -> bool:
        return all(before.get(name) == options.get(name) for name in names)

    if "more" in changed and not are_same(STATE_BY):
        raise UnknownCommand(
            "`--more` goes on with a job as it was.", hint="Beside it only `--size` may change."
        )
    if "more" in changed:
        return {**options, EARLIER: job.id}
    if job.state is not State.SUCCEEDED and are_same(STATE_BY):
        return _going_on(job, options, changed)
    if options == before or not are_same(CAMERAS_BY):
        return options
    cameras = job.options.get(EARLIER) or job.options.get(CAMERAS)
    cameras = job.id if job.has_cameras else cameras
    return {**options, CAMERAS: cameras} if cameras else options


def _going_on(job: Job, options: Options, changed: Options) -> Options:
    """Return the options of what goes on from a job that did not succeed."""
    if "more" in job.options or (CAMERAS in job.options and not job.has_cameras):
        return {**job.options, **changed}
    return {**options, EARLIER: job.id if job.has_cameras else job.options.get(EARLIER, job.id)}


def goes_on_alike(one: Options, other: Options) -> bool:
    """Whether jobs with these options take over the same, to make the same of it."""
    return all(one.get(name) == other.get(name) for name in (*ORIGINS, "more", *STATE_BY))


#: Before a job's id, the key of the request that runs it again: whoever presses, it is one.
AGAIN = "again:"
