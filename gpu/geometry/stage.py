"""Stage `geometry`: where every photo was taken from, and what the scene roughly looks like."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gpu
from gpu.errors import DiskFull, OutOfMemory, no_room_left
from gpu.geometry.errors import GeometryCrashed, PhotosDoNotConnect
from gpu.geometry.installed import check_installed
from gpu.geometry.record import Geometry
from gpu.ingest.earlier import bring_earlier
from gpu.ingest.errors import named
from gpu.job import GEOMETRIES, JobPaths, JobSpec
from gpu.job.choices import DEFAULT_GEOMETRY
from gpu.job.events import Metric
from gpu.stage import Context, Outcome
from gpu.training.ahead import compiling

#: How cameras are found: a program of its own, which is told the job on its standard input and
#: climbs the ladder that the job's geometry names (gpu.geometry.ladder).
WORKERS: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    GEOMETRIES, (sys.executable, "-m", "gpu.geometry.worker")
)


def run_geometry(ctx: Context, *, worker: tuple[str, ...] | None = None) -> Outcome:
    """Fill `geometry/` and `work/undistorted`, in the way that the job names.

    Raises PhotosDoNotConnect with the names left out, MethodNotInstalled for a learned geometry
    that this machine does not have, GeometryCrashed when the native library
    ends its process, OutOfMemory and DiskFull when that was the machine's fault.
    """
    bring_earlier(ctx)
    if worker is None and ctx.spec.geometry is not None:
        check_installed(ctx.spec.geometry)
    # Training's kernels: unless a network finds the cameras, the GPU idles here.
    with compiling(ctx.paths.log, _environment()):
        answer = _work(ctx, worker or WORKERS[ctx.spec.geometry or DEFAULT_GEOMETRY])
    if not answer["connected"]:
        raise PhotosDoNotConnect(
            len(answer["registered"]),
            answer["left_out"],
            tries=answer.get("tries", 1),
            why=answer.get("why", ""),
            hint=answer.get("hint", ""),
        )
    geometry, taken = Geometry.load(ctx.paths), bool(answer.get("taken"))
    message = f"{_origin(ctx.spec, taken)} {_message(geometry, taken)}".strip()
    return Outcome(message, _metrics(geometry), _pictures(ctx.paths))


def _work(ctx: Context, worker: tuple[str, ...]) -> Mapping[str, Any]:
    """Run the child, pass its progress on and return its last line."""
    with (
        ctx.paths.log.open("ab") as log,
        subprocess.Popen(
            [*worker, str(ctx.paths.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=_environment(),
        ) as child,
    ):
        try:
            answer = _listen(ctx, child)
        except BaseException:
            child.kill()  # a job that is stopped leaves nothing running behind it
            raise
    if child.returncode == -signal.SIGTERM:
        raise SystemExit(128 + signal.SIGTERM)  # whoever stopped it stops this process too
    if answer is None or child.returncode != 0:
        raise _failure(ctx.paths, child.returncode)
    if answer.get("disk_full"):
        raise DiskFull
    return answer


def _listen(ctx: Context, child: subprocess.Popen[str]) -> Mapping[str, Any] | None:
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin as request:
        request.write(ctx.spec.to_json())
    answer = None
    for line in child.stdout:
        said = json.loads(line)
        if "fraction" in said:
            pictures = tuple(said.get("pictures", ()))
            ctx.progress(said["fraction"], said["message"], pictures=pictures)
        else:
            answer = said
    return answer


#: What must start no threads of its own in the child.
SINGLE = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def _environment() -> dict[str, str]:
    """Let the child find this very package, installed or not, and the same matches every time.

    COLMAP compares photos on all cores at once, and each of its threads has faiss group the
    features, by OpenBLAS and OpenMP. With threads of OpenBLAS's own besides, 1 of 281 runs matched
    the same photos differently; without them none of 203 did, but once more one in a busy machine's
    tests, so OpenMP starts none either. COLMAP's own keep all cores busy anyway.
    """
    package = str(Path(gpu.__file__).resolve().parent.parent)
    known = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([package, known] if known else [package])
    return {**os.environ, "PYTHONPATH": path, **dict.fromkeys(SINGLE, "1")}


def _failure(paths: JobPaths, exit_code: int) -> Exception:
    if no_room_left(paths.root):
        return DiskFull()
    return OutOfMemory() if exit_code == -signal.SIGKILL else GeometryCrashed(exit_code)


def _origin(spec: JobSpec, taken: bool) -> str:
    """Say whose cameras they are, where an earlier job's were to be taken over."""
    if taken:
        return f"The cameras are those of job {spec.origin}."
    if spec.cameras:
        return f"Found anew: those of job {spec.cameras} are not kept, or of other photos."
    return ""


def _message(geometry: Geometry, taken: bool) -> str:
    """Say how many photos are placed, how well, how it was tried and what GPS is worth."""
    total = len(geometry.registered) + len(geometry.left_out)
    placed = f"Placed {len(geometry.registered)} of {total} photos and {geometry.points:,} points"
    frame = f", to {geometry.gps_rmse:.1f} m by GPS" if geometry.gps_rmse is not None else ""
    left_out = f" (left out: {named(geometry.left_out)})" if geometry.left_out else ""
    return " ".join(
        f"{sentence}."
        for sentence in (
            f"{placed}{frame}{left_out}",
            geometry.quality,
            "" if taken else _tried(geometry.tries),
            geometry.gps_note,
        )
        if sentence
    )


def _tried(tries: tuple[str, ...]) -> str:
    """Say what came of each try, where there was more than one."""
    return f"It took {len(tries)} tries ({'; '.join(tries)})" if len(tries) > 1 else ""


def _metrics(geometry: Geometry) -> dict[str, Metric]:
    return {
        "photos_registered": len(geometry.registered),
        "photos_left_out": named(geometry.left_out),
        "parts": len(geometry.parts),
        "points": geometry.points,
        "reprojection_error_px": round(geometry.reprojection_error, 3),
        "track_length": round(geometry.track_length, 2),
        "coverage": _rounded(geometry.coverage, 3),
        "metric": geometry.metric,
        "gps_rmse_m": _rounded(geometry.gps_rmse, 3),
        "gps_across_m": _rounded(geometry.gps_across, 3),
        "gps_up_m": _rounded(geometry.gps_up, 3),
        "drone_agl_m": round(geometry.camera_height, 1) if geometry.metric else None,
        "matching_rung": geometry.rung,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _pictures(paths: JobPaths) -> tuple[str, ...]:
    picture = paths.previews / "geometry.jpg"
    return (picture.relative_to(paths.root).as_posix(),) if picture.exists() else ()
