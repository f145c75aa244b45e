"""What a job is: the specification that the bot writes and the pipeline reads.

It is one JSON document, `job.json`. Photos and results are named by *locations*, so that the
pipeline needs no cloud credential: a folder or zip of this machine, or presigned URLs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from gpu.job.choices import CHOICES, JOB_ID, NO, RANGES, check_choice, check_size
from gpu.job.errors import InvalidValue
from gpu.job.public import check_address


class Pipeline(StrEnum):
    """`splat` is any capture; `aerial` adds the top-down zoom descent for drone flights."""

    SPLAT = "splat"
    AERIAL = "aerial"


class Stage(StrEnum):
    """The stages of a job, in the order in which they run.

    `prepare` is the machine's own: a droplet installs, or finds, what the others need. It is no
    stage of a pipeline, so that a job on a machine that is ready has none.
    """

    PREPARE = "prepare"
    FETCH = "fetch"
    PREPROCESS = "preprocess"
    GEOMETRY = "geometry"
    TRAIN = "train"
    DESCEND = "descend"
    COMPRESS = "compress"
    PUBLISH = "publish"


def stages_of(pipeline: Pipeline) -> tuple[Stage, ...]:
    """Return the stages that a job of this pipeline runs, in order."""
    left_out = {Stage.PREPARE} if pipeline is Pipeline.AERIAL else {Stage.PREPARE, Stage.DESCEND}
    return tuple(stage for stage in Stage if stage not in left_out)


@dataclass(frozen=True)
class Source:
    """Where the photos are: a folder or a .zip on this machine (`path`), or files by URL.

    `urls` maps a file name to the (presigned) URL that it is read from; `unread` names captures
    beside them that nothing here reads, to be told. `address` is that of a .zip which a person
    named: it is read as a stranger's (gpu.job.public).
    """

    path: str | None = None
    urls: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None
    unread: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if [self.path is None, not self.urls, self.address is None].count(False) != 1:
            raise InvalidValue("source", self.path, "a path, a table of URLs, or an address")
        if self.address is not None:
            check_address(self.address)


@dataclass(frozen=True)
class Target:
    """Where the results go: a folder on this machine (`path`), or presigned PUT URLs by name."""

    path: str | None = None
    urls: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobSpec:
    """One job. Immutable; every value is checked when it is made.

    `earlier` is the job whose cameras and training this one goes on from, and `more` the steps by
    which it trains longer; `cameras` is the job whose cameras alone are taken over. `kept` is where
    that is. None of them means "from the photos".

    `geometry` is one of GEOMETRIES, `preset` one of PRESETS, `size` the kind of machine that
    somebody asked for; None means "chosen for you". `remove` is one of REMOVALS; None means that
    nothing is hidden but what masks hide. `photos` is one of PHOTOS; None means PRIVATE.
    `use_all_photos` is one of ANSWERS; None means YES. `lens` is one of LENSES; None means
    STRAIGHT.

    Raises InvalidValue that names the field and its allowed range.
    """

    job_id: str
    dataset: str
    source: Source
    pipeline: Pipeline = Pipeline.SPLAT
    target: Target | None = None
    attempt: int = 1
    iterations: int | None = None
    max_views: int | None = None
    image_size: int | None = None
    holdout: int = 8
    seed: int = 0
    geometry: str | None = None
    preset: str | None = None
    remove: str | None = None
    photos: str | None = None
    use_all_photos: str | None = None
    lens: str | None = None
    size: str | None = None
    more: int | None = None
    earlier: str | None = None
    cameras: str | None = None
    kept: Source | None = None

    def __post_init__(self) -> None:
        _check_id("job_id", self.job_id)
        if self.origin is not None:
            _check_id("earlier", self.origin)
        if self.pipeline not in tuple(Pipeline):
            raise InvalidValue("pipeline", self.pipeline, " or ".join(Pipeline))
        for name, allowed in RANGES.items():
            value = getattr(self, name)
            if value is not None:
                allowed.check(name, value)
        for name in CHOICES:
            value = getattr(self, name)
            if value is not None:
                check_choice(name, name, value)
        if self.size is not None:
            check_size("size", self.size)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that this job runs, in order."""
        return stages_of(self.pipeline)

    @property
    def origin(self) -> str | None:
        """The job of which something is taken over; None where all begins with the photos."""
        return self.earlier or self.cameras

    @property
    def joins(self) -> bool:
        """Whether every photo trains in the end (gpu.training.joining)."""
        return self.use_all_photos != NO

    def to_json(self) -> str:
        """Return the specification as a JSON document.

        What is not given is left out: a machine that an earlier bot has started reads it too.
        """
        return json.dumps(asdict(self, dict_factory=_given), indent=2, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> JobSpec:
        """Read a specification; damage, unknown fields and wrong values raise InvalidValue."""
        try:
            raw = json.loads(text)
        except ValueError:
            raise InvalidValue("job", text[:80], "a JSON document") from None
        return cls.from_dict(raw)

    @classmethod
    def from_dict(cls, raw: object) -> JobSpec:
        """Build a specification from parsed JSON; raises InvalidValue."""
        values = _known_fields(cls, "job", raw)
        values["source"] = Source(**_known_fields(Source, "source", values.get("source")))
        if values.get("target") is not None:
            values["target"] = Target(**_known_fields(Target, "target", values["target"]))
        if values.get("kept") is not None:
            values["kept"] = Source(**_known_fields(Source, "kept", values["kept"]))
        values["pipeline"] = _pipeline(values.get("pipeline", Pipeline.SPLAT))
        try:
            return cls(**values)
        except TypeError as missing:
            raise InvalidValue("job", sorted(values), f"a whole job ({missing})") from None


def _check_id(name: str, value: object) -> None:
    if not isinstance(value, str) or not JOB_ID.fullmatch(value):
        raise InvalidValue(name, value, "a-z, 0-9 and '-', 63 characters at most")


def _given(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if value is not None}


def _known_fields(kind: type, name: str, raw: object) -> dict[str, Any]:
    """Return a copy of a JSON object that has no field but those of the dataclass `kind`."""
    known = [f.name for f in fields(kind)]
    if not isinstance(raw, dict) or not set(raw) <= set(known):
        raise InvalidValue(name, raw, f"an object with {', '.join(known)}")
    return dict(raw)


def _pipeline(value: object) -> Pipeline:
    try:
        return Pipeline(str(value))
    except ValueError:
        raise InvalidValue("pipeline", value, " or ".join(Pipeline)) from None
