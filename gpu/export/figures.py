"""metrics.json: what was measured of a job, and how."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gpu.gaussians import Gaussians
from gpu.geometry.record import Geometry
from gpu.ingest.photos import Photos
from gpu.job import JobPaths, JobSpec, Stage
from gpu.job.sizes import human_size
from gpu.stamps import load_stamp
from gpu.training.dataset import View
from gpu.training.lpips import Lpips
from gpu.training.metrics import PhotoMetric, Score, evaluate

PACKAGES = ("splatbot", "torch", "gsplat", "numba", "numpy", "pillow", "pycolmap")


@dataclass(frozen=True)
class Measured:
    """One published file, and how its scene looks beside the held-out photos."""

    file: Path
    gaussians: int
    photos: Sequence[PhotoMetric]

    @property
    def score(self) -> Score:
        return Score.of(self.photos)


def measure(
    file: Path, gaussians: Gaussians, held_out: Sequence[View], lpips: Lpips | None = None
) -> Measured:
    """Measure what was read back from `file`."""
    return Measured(file, len(gaussians), evaluate(gaussians, held_out, lpips))


def figures_of(
    spec: JobSpec,
    paths: JobPaths,
    photos: Photos,
    geometry: Geometry,
    held_out: Sequence[View],
    splat: Measured,
    ply: Measured,
    sog: Measured,
) -> dict[str, object]:
    """Return the contents of metrics.json. PSNR in dB; sizes in pixels and bytes.

    The job's own figures are those of scene.sog: that is what the viewer shows.
    """
    names = photos.names
    return {
        "job": spec.job_id,
        "pipeline": str(spec.pipeline),
        "photos": photos.given,
        "photos_registered": len(geometry.registered),
        "registered": list(geometry.registered),
        "left_out": {**photos.dropped, **dict.fromkeys(geometry.left_out, "does not connect")},
        "holdout": spec.holdout,
        "held_out": [names[view.name] for view in held_out],
        "image_size": max((view.long_side for view in held_out), default=None),
        "gaussians": splat.gaussians,
        **_likeness(sog.score),
        "splat": _measured(splat, names),
        "ply": _measured(ply, names),
        "sog": _measured(sog, names),
        "geometry": _geometry(geometry),
        "seconds": seconds_of(spec, paths),
        "seed": spec.seed,
        "versions": _versions(),
    }


def seconds_of(spec: JobSpec, paths: JobPaths) -> dict[str, float]:
    """Return how long each stage took that is complete."""
    stamps = {stage: load_stamp(paths, stage) for stage in spec.stages}
    return {str(stage): round(stamp.seconds, 3) for stage, stamp in stamps.items() if stamp}


def summary(
    stage: Stage, shown: Measured, pruned: Mapping[str, int], *, joined: bool = False
) -> str:
    """Return what `compress` says in one sentence."""
    size = human_size(shown.file.stat().st_size)
    alike = f", {shown.score.psnr:.1f} dB on held-out photos" if shown.score.psnr else ""
    alike += " before they joined" if alike and joined else ""
    left_out = sum(pruned.values())
    said = f"{shown.file.name} has {shown.gaussians:,} Gaussians in {size}{alike}"
    return f"{said}; {left_out:,} of those of `{stage}` were left out."


def _measured(measured: Measured, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "bytes": measured.file.stat().st_size,
        **_likeness(measured.score),
        "photos": {names[photo.name]: _photo(photo) for photo in measured.photos},
    }


def _photo(photo: PhotoMetric) -> dict[str, float | None]:
    return {"psnr": rounded(photo.psnr), "ssim": rounded(photo.ssim)} | perceived(photo.lpips)


def _likeness(score: Score) -> dict[str, float | None]:
    """Return the figures of likeness, rounded."""
    return {
        "psnr": rounded(score.psnr),
        "psnr_corrected": rounded(score.psnr_corrected),
        "ssim": rounded(score.ssim),
        **perceived(score.lpips),
    }


def perceived(lpips: float | None) -> dict[str, float | None]:
    """Return LPIPS under its name, or nothing where it was not measured."""
    return {} if lpips is None else {"lpips": rounded(lpips)}


def _geometry(geometry: Geometry) -> dict[str, object]:
    return {
        "points": geometry.points,
        "reprojection_error_px": rounded(geometry.reprojection_error),
        "track_length": rounded(geometry.track_length),
        "metric": geometry.metric,
        "coverage": rounded(geometry.coverage),
        "parts": list(geometry.parts),
        "quality": geometry.quality,
        "tries": list(geometry.tries),
        "gps_rmse_m": rounded(geometry.gps_rmse),
        "gps_across_m": rounded(geometry.gps_across),
        "gps_up_m": rounded(geometry.gps_up),
        "gps_photos": geometry.gps_agreeing,
        "gps_note": geometry.gps_note,
        "up_from": geometry.up_from,
    }


def rounded(value: float | None) -> float | None:
    """Round a figure to what it means; None stays None."""
    return None if value is None else round(value, 4)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
