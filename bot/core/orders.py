"""Jobs that are asked for without Slack: what an order may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.core.errors import InvalidValue
from bot.core.jobs import Request
from bot.core.roles import Owner
from gpu.job import GEOMETRIES, RANGES, Pipeline
from gpu.job.choices import (
    ANSWERS,
    CHOICES,
    JOB_ID,
    LENSES,
    PHOTOS,
    PRESETS,
    REMOVALS,
    SIZE,
    choices,
)
from gpu.job.public import LONGEST

#: Fields of an order that are a job's options, by the names of JobSpec.
OPTIONS = (
    "iterations", "max_views", "image_size", "seed", "geometry", "preset", "remove", "photos",
    "use_all_photos", "lens", "size",
)  # fmt: skip


def _whole(name: str) -> Any:
    allowed = RANGES[name]
    return Field(default=None, strict=True, ge=allowed.low, le=allowed.high)


class Order(BaseModel):
    """A job as `/splat` takes it. What is left out is chosen from the photos and the machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST)]
    pipeline: Pipeline = Pipeline.SPLAT
    iterations: int | None = _whole("iterations")
    max_views: int | None = _whole("max_views")
    image_size: int | None = _whole("image_size")
    seed: int | None = _whole("seed")
    geometry: str | None = Field(default=None, pattern=f"^({'|'.join(GEOMETRIES)})$")
    preset: str | None = Field(default=None, pattern=f"^({'|'.join(PRESETS)})$")
    remove: str | None = Field(default=None, pattern=f"^({'|'.join(REMOVALS)})$")
    photos: str | None = Field(default=None, pattern=f"^({'|'.join(PHOTOS)})$")
    use_all_photos: str | None = Field(default=None, pattern=f"^({'|'.join(ANSWERS)})$")
    lens: str | None = Field(default=None, pattern=f"^({'|'.join(LENSES)})$")
    size: str | None = Field(default=None, pattern=f"^{SIZE.pattern}$")
    job_id: str | None = Field(default=None, pattern=f"^{JOB_ID.pattern}$")

    def request(self, owner: Owner, key: str) -> Request:
        """Return what the front desk takes. The same `key` again is the same order."""
        given = {name: getattr(self, name) for name in OPTIONS}
        return Request(
            team=owner.team,
            channel=owner.channel,
            user=owner.name,
            dataset=self.dataset,
            pipeline=self.pipeline,
            key=key,
            options={name: value for name, value in given.items() if value is not None},
            job_id=self.job_id,
        )


def read_order(text: bytes) -> Order:
    """Read an order; raises InvalidValue that names the field and what is wrong with it."""
    try:
        return Order.model_validate_json(text)
    except ValidationError as wrong:
        raise invalid(wrong.errors(include_url=False, include_context=False)[0]) from None


def invalid(wrong: Mapping[str, Any]) -> InvalidValue:
    """Return one of pydantic's errors about an order in the words in which Slack says it."""
    place = ".".join(map(str, wrong["loc"])) or "the order"
    value = "" if wrong["type"] == "missing" else wrong["input"]
    return InvalidValue(place, _short(value), _allowed(place, wrong))


def _allowed(place: str, wrong: Mapping[str, Any]) -> str:
    """Say what a field may be, in the words in which Slack says it."""
    if wrong["type"] == "extra_forbidden":
        return f"the fields {', '.join(Order.model_fields)}"
    if wrong["type"] == "missing":
        return "a name of photos, as `/splat datasets` lists them, or an address"
    if place in RANGES:
        return RANGES[place].allowed
    return choices(place) if place in CHOICES else str(wrong["msg"])


def _short(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text[:80]
