"""What requests and answers hold: checked by these, and documented by these in OpenAPI.

The machine's side of the same is gpu.job.messages. Every text and every list has an end, and
every number one that the ledger can hold: a machine that was broken into can do little.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gpu.job import Event, Stage, Status
from gpu.job.choices import JOB_ID, RANGES
from gpu.job.messages import (
    EVENTS_LIMIT,
    METRICS_LIMIT,
    NAME_LIMIT,
    PICTURES_LIMIT,
    TEXT_LIMIT,
    WORD_LIMIT,
    may_upload,
)

#: Numbers of an event at most. A job that writes twice a second for its three hours has fewer.
SEQ_LIMIT = 100_000

#: Figures of a heartbeat, and names of uploads.
FIGURES_LIMIT, UPLOADS_LIMIT = 20, 50

#: The largest number in either direction: JSON's readers agree on whole ones up to 2^53.
LARGEST = 2**53

JOB_FORM = f"^{JOB_ID.pattern}$"


def _allowed(name: str) -> str:
    if not may_upload(name):
        raise ValueError("a machine may not write a file of this name")
    return name


Text = Annotated[str, Field(strict=True, max_length=TEXT_LIMIT)]
Word = Annotated[str, Field(strict=True, max_length=WORD_LIMIT)]
Name = Annotated[str, Field(strict=True, max_length=NAME_LIMIT)]
Picture = Annotated[Name, AfterValidator(_allowed)]
Truth = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True, ge=-LARGEST, le=LARGEST)]
Real = Annotated[float, Field(strict=True, ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Attempt = Annotated[int, Field(strict=True, ge=RANGES["attempt"].low, le=RANGES["attempt"].high)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(_Body):
    """An empty object: there is nothing to say but who asks."""


class ReportedEvent(_Body):
    """Something that happened in one stage of the job: gpu.job.events.Event."""

    job: Annotated[str, Field(strict=True, pattern=JOB_FORM, description="the job that signed")]
    attempt: Annotated[Attempt, Field(description="the fence that signed")]
    seq: Annotated[int, Field(strict=True, ge=1, le=SEQ_LIMIT)]
    stage: Stage
    status: Status
    fraction: Annotated[float, Field(strict=True, ge=0, le=1)]
    message: Text
    time: Annotated[Real, Field(description="Unix time in seconds")]
    metrics: Annotated[
        dict[Name, Truth | Whole | Real | Word | None], Field(max_length=METRICS_LIMIT)
    ] = {}
    pictures: Annotated[list[Picture], Field(max_length=PICTURES_LIMIT)] = []
    hint: Text = ""

    def event(self) -> Event:
        """Return it as the rest of the bot knows it."""
        return Event(**{**vars(self), "pictures": tuple(self.pictures)})


class ReportBody(_Body):
    """Events that the bot may not know yet, and how the machine is: gpu.job.messages.Report."""

    events: Annotated[list[ReportedEvent], Field(max_length=EVENTS_LIMIT)] = []
    figures: Annotated[
        dict[Name, Whole | Real | Word],
        Field(max_length=FIGURES_LIMIT, description="percent used, by name, and the GPU's name"),
    ] = {}
    leaving: Annotated[Truth, Field(description="the machine has nothing more to do")] = False


class UploadsBody(_Body):
    """The files that the machine wants to write, relative to the job's folder."""

    names: Annotated[list[Name], Field(max_length=UPLOADS_LIMIT)]


class Uploads(BaseModel):
    """A presigned PUT for every name."""

    urls: dict[str, str]


class Problem(BaseModel):
    """What is wrong, in one sentence."""

    detail: str
