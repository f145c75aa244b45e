"""The geometry stage on real photos, beside plain pycolmap on the same photos in the same run.

`python -m bench geometry`, or with SETS=fox,lund only these, with PLAIN=no ours alone. Ours is the
stage as a job runs it, straightened photos and pictures included; plain is pycolmap's own defaults:
features, exhaustive matching, incremental mapping. Centres are compared with the truth after the
best similarity; up with the truth's; GPS with the centres where the stage believes it. Needs
../shared/datasets, or DATASETS=<folder>.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pycolmap
from numpy.typing import NDArray

from gpu.geometry.record import Geometry
from gpu.geometry.stage import run_geometry
from gpu.geometry.world import centres_of
from gpu.ingest.fetch import run_fetch
from gpu.ingest.photos import Photos
from gpu.ingest.preprocess import run_preprocess
from gpu.job import JobPaths, JobSpec, Pipeline, Source, SplatError
from gpu.stage import Context
from tests.gpu.truth import fitted

Array = NDArray[np.float64]

REPOSITORY = Path(__file__).resolve().parent.parent
PHOTOS = Path(os.environ.get("DATASETS", REPOSITORY.parent / "shared" / "datasets"))
#: What is left to be looked at: the pictures of each set.
KEPT = REPOSITORY / "data" / "bench" / "geometry"
SETS = (
    "kermit", "fountain_p11", "herz_jesus_p25", "banana", "flower25", "brighton_beach",
    "boruszyn_kap", "great_wall_video", "monstree", "fox", "lund", "room8", "caliterra",
)  # fmt: skip
AERIAL = ("brighton_beach", "boruszyn_kap", "caliterra")

HEADER = """\
| set | registered | components | error px | centres RMSE | up | GPS | seconds | CPU s | said |
|---|---|---|---|---|---|---|---|---|---|"""


class Clock:
    """Measures the wall, and the processor time of the programs that ended meanwhile."""

    def __init__(self) -> None:
        self._wall, self._work = time.monotonic(), self._used()

    def since(self) -> tuple[float, float]:
        """Return both since this was made, seconds."""
        return time.monotonic() - self._wall, self._used() - self._work

    @staticmethod
    def _used() -> float:
        used = os.times()
        return used.children_user + used.children_system


@dataclass(frozen=True)
class Solved:
    """One way's result. `seconds` of the wall, and `work`: of all processors together, which other
    work beside changes little. Centres by photo name; `up` the unit vector that it takes for up."""

    seconds: float
    work: float
    photos: int = 0
    components: tuple[int, ...] = ()
    error: float = float("nan")
    centres: Mapping[str, Array] = field(default_factory=dict)
    up: Array | None = None
    gps: str = ""
    said: str = ""


def photos_of(name: str) -> Path:
    """Return what people would send: the video where there is one, else the photos."""
    videos = sorted((PHOTOS / name / "video").glob("*"))
    return videos[0] if videos else PHOTOS / name / "images"


def solve(photos: Path, root: Path, pipeline: Pipeline = Pipeline.SPLAT) -> Solved:
    """Run the stage in a job's folder."""
    spec = JobSpec("bench", "photos", Source(path=str(photos)), pipeline=pipeline)
    ctx = Context(spec, JobPaths(root), lambda *_, **__: None)
    run_fetch(ctx)
    run_preprocess(ctx)
    photos_given, begin = len(Photos.load(ctx.paths).photos), Clock()
    try:
        outcome = run_geometry(ctx)
    except SplatError as failed:
        return Solved(*begin.since(), photos_given, said=f"{failed.user_message} {failed.hint}")
    seconds, work = begin.since()
    record = Geometry.load(ctx.paths)
    model = pycolmap.Reconstruction(ctx.paths.geometry)
    names = dict(zip(record.images, record.registered, strict=True))
    centres = {names[image]: centre for image, centre in centres_of(model).items()}
    return Solved(
        seconds,
        work,
        photos_given,
        record.parts,
        record.reprojection_error,
        centres,
        np.array([0.0, 0.0, 1.0]),
        residuals(ctx.paths, record, centres),
        outcome.message,
    )


def plain(name: str, work: Path) -> Solved:
    """Run pycolmap's defaults in a process of their own."""
    photos = PHOTOS / name / "images"
    command = [sys.executable, "-m", "bench.plain_sfm", str(photos), str(work)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    parts, given = found["components"], len(list(photos.iterdir()))
    if not parts:
        return Solved(found["seconds"], found["work"], given)
    centres = {photo: np.array(centre) for photo, centre in parts[0]["centres"].items()}
    sizes = tuple(len(part["centres"]) for part in parts)
    said = f"{found['straightening']:.1f} s more with straightened photos"
    return Solved(
        found["seconds"], found["work"], given, sizes, parts[0]["error"], centres, said=said
    )


def residuals(paths: JobPaths, record: Geometry, centres: Mapping[str, Array]) -> str:
    """Say how far GPS and centres are apart, root mean square over the photos that agree."""
    gps = {photo.name: photo.gps for photo in Photos.load(paths).photos if photo.gps}
    both = sorted(gps.keys() & centres.keys())
    if not both:
        return "none"
    if not record.metric or record.origin is None:
        return "not believed"
    of = f"{record.gps_agreeing} of {len(both)}"
    return f"{record.gps_across:.2f} m across, {record.gps_up:.2f} m up ({of})"


def truth(name: str) -> dict[str, Array]:
    """Read the true camera centres by photo name, metres; Z points down in these two sets."""
    files = sorted((PHOTOS / name / "gt_dense_cameras").glob("*.camera"))
    return {f.stem: np.array(f.read_text().split()[21:24], float) for f in files}


def against(true: Mapping[str, Array], found: Solved) -> tuple[str, str]:
    """Return the centres' root mean square error and the error of up, as text."""
    best = fitted(found.centres, true)
    if best is None:
        return "", ""
    fit, off = best
    rmse = f"{1000 * off:.1f} mm"
    if found.up is None:
        return rmse, ""
    tilt = np.degrees(np.arccos(np.clip(-(fit.rotation.matrix() @ found.up)[2], -1, 1)))
    return rmse, f"{tilt:.1f}°"


def row(label: str, photos: int, true: Mapping[str, Array], solved: Solved) -> str:
    rmse, up = against(true, solved)
    sizes = " + ".join(map(str, solved.components[:4])) or "0"
    cells = (
        label, f"{len(solved.centres)}/{photos}", sizes, f"{solved.error:.2f}", rmse, up,
        solved.gps, f"{solved.seconds:.0f}", f"{solved.work:.0f}", solved.said,
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    wanted = os.environ.get("SETS")
    print(HEADER)
    for name in wanted.split(",") if wanted else SETS:
        photos = len(list((PHOTOS / name / "images").iterdir()))
        true = truth(name)
        with tempfile.TemporaryDirectory() as folder:
            pipeline = Pipeline.AERIAL if name in AERIAL else Pipeline.SPLAT
            found = solve(photos_of(name), Path(folder) / "job", pipeline)
            print(row(name, found.photos or photos, true, found), flush=True)
            keep_pictures(name, Path(folder) / "job")
            if os.environ.get("PLAIN") != "no":
                found = plain(name, Path(folder) / "plain")
                print(row("  plain", photos, true, found), flush=True)


def keep_pictures(name: str, job: Path) -> None:
    """Keep the pictures of the geometry under the set's name."""
    KEPT.mkdir(parents=True, exist_ok=True)
    for picture in (job / "previews").glob("*.jpg"):
        (KEPT / f"{name}-{picture.name}").write_bytes(picture.read_bytes())


if __name__ == "__main__":
    main()
