"""What the pipeline tells the bot: numbered events, one JSON object a line.

Events of one (job, attempt) are numbered from 1 without gaps, so that a reader may receive
them twice, late or out of order and still know what happened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import UnionType
from typing import Any, NoReturn

from gpu.job.errors import InvalidValue
from gpu.job.spec import Stage

Metric = float | int | str | bool | None

#: What a `failed` event's metrics say when the same job again would end the same way (SplatError).
LASTING = "lasting"


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
    `metrics` holds measured figures, and LASTING. `pictures` names JPEG files relative to the job's
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

    @property
    def is_last(self) -> bool:
        """Whether no event comes after it: the job has failed, or has published its results."""
        published = (self.stage, self.status) == (Stage.PUBLISH, Status.DONE)
        return published or self.status is Status.FAILED

    def to_json(self) -> str:
        """Return the event as one line of JSON."""
        return json.dumps(vars(self), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Event:
        """Read one line; raises InvalidValue when it is not a whole event."""
        try:
            return cls.from_dict(parse_json(line))
        except (ValueError, RecursionError) as wrong:
            raise InvalidValue("event", line[:80], "one event as JSON") from wrong

    @classmethod
    def from_dict(cls, raw: object) -> Event:
        """Build an event from parsed JSON; raises InvalidValue when a field is wrong or missing."""
        try:
            values = dict(raw)  # type: ignore[call-overload]
            stage, status = Stage(values.pop("stage")), Status(values.pop("status"))
            pictures = tuple(values.pop("pictures", ()))
            event = cls(stage=stage, status=status, pictures=pictures, **values)
        except (ValueError, TypeError, KeyError) as wrong:
            raise InvalidValue("event", str(raw)[:80], "one event as JSON") from wrong
        _check_types(event)
        return event


def parse_json(text: bytes | str) -> Any:
    """Read JSON from outside; raises ValueError, also for NaN and the infinities."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no figure")


#: The type of every field: a machine's events come over the network, and into the ledger.
_TYPES: Mapping[str, type | UnionType] = {
    "job": str, "attempt": int, "seq": int, "fraction": int | float, "message": str,
    "time": int | float, "metrics": dict, "pictures": tuple, "hint": str,
}  # fmt: skip


def _check_types(event: Event) -> None:
    """Raise InvalidValue that names the field which is not of its type."""
    wrong = [name for name, kind in _TYPES.items() if not _is_a(getattr(event, name), kind)]
    if not wrong and not all(isinstance(value, Metric) for value in event.metrics.values()):
        wrong.append("metrics")
    if not wrong and not all(isinstance(name, str) for name in event.pictures):
        wrong.append("pictures")
    if wrong:
        raise InvalidValue(f"event.{wrong[0]}", str(getattr(event, wrong[0]))[:80], "its own type")


def _is_a(value: object, kind: type | UnionType) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
