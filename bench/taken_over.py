"""What it saves to take over an earlier job's cameras, and what that asks of the store.

Photos: `DATASETS=FOLDER PHOTOS="fox kermit" python -m bench taken_over`.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path

from gpu.geometry.earlier import digest_of
from gpu.geometry.stage import run_geometry
from gpu.ingest.fetch import run_fetch
from gpu.ingest.photos import Photos
from gpu.ingest.preprocess import run_preprocess
from gpu.job import JobPaths, JobSpec, Source
from gpu.job.paths import FOUND
from gpu.stage import Context

SETS = "kermit brighton_beach fox"


def main() -> None:
    """Print seconds of the stage `geometry`, wall and processor, anew and taken over; and MB."""
    print("| photos | anew s | taken over s | digest s | cameras MB | straightened photos MB |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in os.environ.get("PHOTOS", SETS).split():
        with tempfile.TemporaryDirectory() as folder:
            print(f"| {name} | {_row(Path(folder), Path(os.environ['DATASETS']) / name)} |")


def _row(root: Path, photos: Path) -> str:
    first, found = _run(root / "a", photos)
    second, taken = _run(root / "b", photos, Source(path=str(first.root)))
    assert second.checkpoint.exists() is False
    begun = time.monotonic()
    digest_of(second, Photos.load(second).photos)
    took = time.monotonic() - begun
    cameras = sum((first.root / name).stat().st_size for name in FOUND)
    straight = sum(f.stat().st_size for f in first.undistorted.rglob("*") if f.is_file())
    return f"{found} | {taken} | {took:.2f} | {cameras / 1e6:.1f} | {straight / 1e6:.1f}"


def _run(root: Path, photos: Path, kept: Source | None = None) -> tuple[JobPaths, str]:
    """Bring a job to its cameras; return its folder, and the seconds in words."""
    root.mkdir()
    source, cameras = Source(path=str(photos)), "a" if kept else None
    spec = JobSpec("job", photos.name, source, cameras=cameras, kept=kept)
    ctx = Context(spec, JobPaths(root), lambda *_, **__: None)
    run_fetch(ctx)
    run_preprocess(ctx)
    wall, busy = time.monotonic(), _busy()
    outcome = run_geometry(ctx)
    assert outcome.message.startswith("The cameras are those") is (kept is not None)
    return ctx.paths, f"{time.monotonic() - wall:.1f} ({_busy() - busy:.1f})"


def _busy() -> float:
    """Seconds of processor of this process and its children."""
    each = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in each)
