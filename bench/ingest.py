"""How fast photos are made ready, for each core, and whether memory grows with their count."""

from __future__ import annotations

import io
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from gpu.ingest.fetch import run_fetch
from gpu.ingest.preprocess import run_preprocess
from gpu.job import JobPaths, JobSpec, Source
from gpu.stage import Context

SIZE = (5472, 3648)  # 20 MP, as a Phantom 4 Pro takes them
COUNTS = (12, 36)
ASKED_PHOTOS, ASKED_CORES, ASKED_SECONDS = 1000, 16, 60.0


def main() -> None:
    """Print seconds of wall and processor a photo, and the memory at both counts."""
    print("| photos | wall s | processor s/photo | photos/s/core | peak MB above the start |")
    print("|---|---|---|---|---|")
    busy = 0.0
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            _photos(Path(folder) / "given", count)
            wall, busy, peak = _measured(Path(folder), count)
        cells = (count, f"{wall:.1f}", f"{busy:.3f}", f"{1 / busy:.2f}", f"{peak:.0f}")
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    needed = ASKED_PHOTOS * busy / ASKED_CORES
    print(
        f"\n{ASKED_PHOTOS} photos need {ASKED_PHOTOS * busy:.0f} s of processor: {needed:.0f} s on"
        f" {ASKED_CORES} cores if they share it evenly (asked: {ASKED_SECONDS:.0f} s)."
    )


def _photos(folder: Path, count: int) -> None:
    """Write photos of 20 MP with the detail, and the bytes (8 MB), of a real one."""
    folder.mkdir()
    make = np.random.default_rng(0)
    coarse = make.integers(0, 256, (SIZE[1] // 16, SIZE[0] // 16, 3), dtype=np.uint8)
    whole = np.asarray(Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC))
    for i in range(count):
        shifted = np.roll(whole, (37 * i, 91 * i), (0, 1)).astype(np.int16)
        grain = make.normal(0, 6, SIZE[::-1]).astype(np.int16)
        out = io.BytesIO()
        pixels = (shifted + grain[..., None]).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(out, "JPEG", quality=90)
        (folder / f"{i:04}.jpg").write_bytes(out.getvalue())


def _measured(folder: Path, count: int) -> tuple[float, float, float]:
    spec = JobSpec("ingest", "photos", Source(path=str(folder / "given")))
    ctx = Context(spec, JobPaths(folder / "job"), lambda *_, **__: None)
    ctx.paths.root.mkdir()
    run_fetch(ctx)
    start, watch = _resident(), _Peak()
    wall, busy = time.monotonic(), time.process_time()
    with watch:
        run_preprocess(ctx)
    return time.monotonic() - wall, (time.process_time() - busy) / count, watch.peak - start


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
    main()
