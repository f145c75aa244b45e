"""How fast photos are made ready, for each core, and whether memory grows with their count.

12 photos are made, and the others are links to them. `python -m bench.ingest COUNT...` for others
than the usual counts.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from gpu.ingest.fetch import run_fetch
from gpu.ingest.judge import cover, judge
from gpu.ingest.photos import Photo
from gpu.ingest.prepare import THUMBNAIL, Made
from gpu.ingest.preprocess import run_preprocess
from gpu.job import JobPaths, JobSpec, Source
from gpu.stage import Context

SIZE = (5472, 3648)  # 20 MP, as a Phantom 4 Pro takes them
MADE, COUNTS = 12, (100, 300, 1000)
ASKED_PHOTOS, ASKED_CORES, ASKED_SECONDS = 1000, 16, 60.0


@dataclass(frozen=True)
class Measured:
    """One run, seconds; `alone` is the processor time of the thread that no other can share."""

    wall: float
    busy: float
    alone: float
    peak_mb: float


def main(counts: Sequence[int] = COUNTS) -> None:
    """Print seconds of wall and processor a photo, and the memory, at every count."""
    runs = [(counts[0], 1), *((count, 2) for count in counts)]
    print("| photos | workers | wall s | processor s/photo | alone s | peak MB above the start |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        _photos(Path(folder) / "made")
        for count, workers in runs:
            run = _in_a_process(Path(folder), count, workers)
            cells = f"{run.wall:.1f} | {run.busy / count:.3f} | {run.alone:.2f} | {run.peak_mb:.0f}"
            print(f"| {count} | {workers} | {cells} |", flush=True)
    judged = _judged(ASKED_PHOTOS)
    alone = run.alone / count * ASKED_PHOTOS + judged
    shared = (run.busy - run.alone) / count * ASKED_PHOTOS
    print(
        f"\nJudging {ASKED_PHOTOS} photos of different views takes {judged:.2f} s. {ASKED_PHOTOS}"
        f" photos need {shared:.0f} s of processor that cores can share, and {alone:.1f} s that"
        f" they can not: {shared / ASKED_CORES + alone:.0f} s on {ASKED_CORES} cores (asked:"
        f" {ASKED_SECONDS:.0f} s), by Amdahl's law."
    )


def _photos(folder: Path) -> None:
    """Write photos of 20 MP with the detail, and the bytes (7 MB), of a real one."""
    folder.mkdir()
    make = np.random.default_rng(0)
    coarse = make.integers(0, 256, (SIZE[1] // 16, SIZE[0] // 16, 3), dtype=np.uint8)
    whole = np.asarray(Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC))
    for i in range(MADE):
        shifted = np.roll(whole, (37 * i, 91 * i), (0, 1)).astype(np.int16)
        grain = make.normal(0, 6, SIZE[::-1]).astype(np.int16)
        out = io.BytesIO()
        pixels = (shifted + grain[..., None]).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(out, "JPEG", quality=90)
        (folder / f"{i:04}.jpg").write_bytes(out.getvalue())


def _in_a_process(folder: Path, count: int, workers: int) -> Measured:
    """Measure with so many links to the photos made."""
    files = [folder / "made" / f"{i % MADE:04}.jpg" for i in range(count)]
    with tempfile.TemporaryDirectory(dir=folder) as name:
        return measure_apart(Path(name), files, workers)


def measure_apart(root: Path, files: Sequence[Path], workers: int) -> Measured:
    """Measure with links to `files` in `root`, which then holds the `job`.

    In a process of its own: what an earlier run left in memory would hide growth.
    """
    given = root / "given"
    given.mkdir(parents=True)
    for i, file in enumerate(files):
        os.link(file, given / f"{i:05}.jpg")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_measured, root, workers).result()


def _measured(root: Path, workers: int) -> Measured:
    with mock.patch("os.cpu_count") as cores:
        cores.return_value = workers
        spec = JobSpec("ingest", "photos", Source(path=str(root / "given")))
        ctx = Context(spec, JobPaths(root / "job"), lambda *_, **__: None)
        ctx.paths.root.mkdir()
        run_fetch(ctx)
        start, watch = _resident(), _Peak()
        wall, busy, alone = time.monotonic(), time.process_time(), time.thread_time()
        with watch:
            run_preprocess(ctx)
        alone, busy = time.thread_time() - alone, time.process_time() - busy
        return Measured(time.monotonic() - wall, busy, alone, watch.peak - start)


def _judged(count: int) -> float:
    """Return the processor's seconds for judging photos of which no two are alike."""
    make = np.random.default_rng(0)
    shape = count, THUMBNAIL, THUMBNAIL
    thumbnails = make.uniform(0, 255, shape).astype(np.float32)
    photo = Photo("", "", 1600, 1067, "camera")
    made = [
        Made(replace(photo, name=str(i)), small, str(i).encode(), 100.0, 0.3, 0.0)
        for i, small in enumerate(thumbnails)
    ]
    begin = time.thread_time()
    kept, _ = judge(made)
    cover(kept, count // 2)
    return time.thread_time() - begin


class _Peak:
    """Watches this process' memory, MB."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.peak = max(self.peak, _resident())


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]] or COUNTS)
