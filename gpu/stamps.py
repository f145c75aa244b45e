"""The record that a stage is complete, so that a second run of a job redoes nothing.

A stage's key is a hash of the fields of the specification that it depends on and of the key of
the stage before it. A stamp counts only with the same key and while what it stands for is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from gpu.job import JobPaths, JobSpec, Stage
from gpu.job.choices import PUBLISH
from gpu.job.events import Metric
from gpu.job.paths import OUTPUTS
from gpu.stage import Outcome


def _source(spec: JobSpec) -> object:
    named = spec.source.path or spec.source.address
    return named or sorted(spec.source.urls)  # a presigned URL differs every time


def _target(spec: JobSpec) -> object:
    return spec.target and (spec.target.path or sorted(spec.target.urls))


#: What each stage depends on, besides the stage before it.
DEPENDS: Mapping[Stage, Callable[[JobSpec], object]] = {
    Stage.FETCH: _source,
    Stage.PREPROCESS: lambda spec: [
        spec.max_views,
        spec.image_size,
        *([spec.remove] if spec.remove else ()),
    ],
    Stage.GEOMETRY: lambda spec: [spec.pipeline, spec.image_size, spec.seed, spec.geometry],
    Stage.TRAIN: lambda spec: [
        spec.iterations,
        spec.image_size,
        spec.holdout,
        spec.seed,
        *([spec.preset] if spec.preset else ()),
        *([spec.more, spec.earlier] if spec.earlier else ()),
        *(["all photos"] if spec.joins else ()),
        *([spec.lens] if spec.lens else ()),
    ],
    Stage.DESCEND: lambda spec: [spec.iterations, spec.seed],
    Stage.COMPRESS: lambda spec: [
        spec.dataset,
        spec.pipeline,
        *(["photos"] if spec.photos == PUBLISH else ()),
    ],
    Stage.PUBLISH: _target,
}

#: What each stage leaves behind that must still be there.
LEAVES: Mapping[Stage, Callable[[JobPaths], list[Path]]] = {
    Stage.FETCH: lambda paths: [paths.photos],
    Stage.PREPROCESS: lambda paths: [paths.images],
    Stage.GEOMETRY: lambda paths: [paths.geometry / "images.bin", paths.undistorted],
    Stage.TRAIN: lambda paths: [paths.gaussians(Stage.TRAIN)],
    Stage.DESCEND: lambda paths: [paths.gaussians(Stage.DESCEND)],
    Stage.COMPRESS: lambda paths: [paths.root / name for name in OUTPUTS],
    Stage.PUBLISH: lambda paths: [],
}


@dataclass(frozen=True)
class Stamp:
    """A stage that is complete: its key, how long it took and what it reported."""

    key: str
    seconds: float
    message: str
    metrics: Mapping[str, Metric]
    pictures: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.message, self.metrics, self.pictures)


def keys(spec: JobSpec) -> dict[Stage, str]:
    """Return the key of every stage of the job."""
    result: dict[Stage, str] = {}
    above = ""
    for stage in spec.stages:
        text = json.dumps([stage, DEPENDS[stage](spec), above])
        above = result[stage] = hashlib.sha256(text.encode()).hexdigest()
    return result


def read_stamp(paths: JobPaths, stage: Stage, key: str) -> Stamp | None:
    """Return the stage's stamp if it has this key and its results are there."""
    stamp = load_stamp(paths, stage)
    if stamp is None or stamp.key != key or not all(p.exists() for p in LEAVES[stage](paths)):
        return None
    return stamp


def load_stamp(paths: JobPaths, stage: Stage) -> Stamp | None:
    """Return the stage's stamp, whatever its key; None when there is none that can be read."""
    try:
        raw = json.loads(paths.stamp(stage).read_text(encoding="utf-8"))
        return Stamp(**{**raw, "pictures": tuple(raw["pictures"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def write_stamp(paths: JobPaths, stage: Stage, key: str, seconds: float, outcome: Outcome) -> None:
    """Write the stage's stamp, whole or not at all."""
    stamp = Stamp(key, seconds, outcome.message, dict(outcome.metrics), outcome.pictures)
    file = paths.stamp(stage)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(stamp), indent=1), encoding="utf-8")
    partial.replace(file)
