"""What the pipeline tells the bot: numbered events, one JSON object a line.

Events of one (job, attempt) are numbered from 1 without gaps, so that a reader may receive
them twice, late or out of order and still know what happened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from gpu.job.errors import InvalidValue
from gpu.job.spec import Stage

Metric = float | int | str | bool | None


class Status(StrEnum):
    """The state of a stage. `failed` ends the job; `done` of the last stage completes it."""

    STARTED = "started"
    PROGRESS = "progress"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Event:
    """Something that happened in one stage of one job.

    `fraction` is how much of this stage is done, 0 to 1. `message` is one sentence for people.
    `metrics` holds measured figures only. `pictures` names JPEG files relative to the job's
    folder (previews for the thread). `hint` is the remedy, only with `failed`. `time` is Unix
    time in seconds.
    """

    job: str
    attempt: int
    seq: int
    stage: Stage
    status: Status
    fraction: float
    message: str
    time: float
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    hint: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.fraction <= 1.0:
            raise InvalidValue("fraction", self.fraction, "0 to 1")
        if self.seq < 1:
            raise InvalidValue("seq", self.seq, "1 or more")

    def to_json(self) -> str:
        """Return the event as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Event:
        """Read one line; raises InvalidValue when it is not a whole event."""
        try:
            raw = json.loads(line)
            stage, status = Stage(raw.pop("stage")), Status(raw.pop("status"))
            pictures = tuple(raw.pop("pictures", ()))
            return cls(stage=stage, status=status, pictures=pictures, **raw)
        except (ValueError, TypeError, KeyError, AttributeError) as wrong:
            raise InvalidValue("event", line[:80], "one event as JSON") from wrong
