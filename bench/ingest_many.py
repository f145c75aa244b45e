"""1,000 photos of 20 MP, no two alike, made ready on all cores of this machine; asked: 60 s.

`python -m bench.ingest_many [COUNT...]`; needs ../shared/datasets, or DATASETS=<folder>, and 8 GB
of disk. Parts of the real photos, turned, brightened and with grain, are written before the clock
starts, so they come from the file cache. Every run is a process of its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from bench.geometry import PHOTOS
from bench.ingest import SIZE, measure_apart
from gpu.ingest.photos import Photos
from gpu.job import JobPaths

COUNTS = (250, 1000)
#: The part of a photo that is taken, and of how much light.
PART, LIGHT = (0.55, 0.95), (0.8, 1.15)


def main(counts: Sequence[int] = COUNTS) -> None:
    """Print the wall's and the processors' seconds and the memory at every count."""
    sources = sorted(PHOTOS.glob("*/images/*"))
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / "made"
        made.mkdir()
        with ProcessPoolExecutor() as pool:
            list(pool.map(partial(write_photo, sources, made), range(max(counts)), chunksize=4))
        size = sum(file.stat().st_size for file in made.iterdir()) / max(counts) / 1e6
        print(f"{max(counts)} photos of {size:.1f} MB, {os.cpu_count()} workers\n")
        print("| photos | usable | wall s | CPU s | peak MB above the start |")
        print("|---|---|---|---|---|", flush=True)
        for count in counts:
            files = sorted(made.iterdir())[:count]
            root = Path(name) / str(count)
            run = measure_apart(root, files, os.cpu_count() or 1)
            usable = len(Photos.load(JobPaths(root / "job")).photos)
            cells = f"{usable} | {run.wall:.1f} | {run.busy:.0f} | {run.peak_mb:.0f}"
            print(f"| {count} | {cells} |", flush=True)


def write_photo(sources: Sequence[Path], folder: Path, number: int) -> None:
    """Write one photo of 20 MP: a part of a real one, turned, in another light, with grain."""
    make = np.random.default_rng(number)
    with Image.open(sources[number % len(sources)]) as opened:
        photo = opened.convert("RGB").rotate(90 * int(make.integers(4)), expand=True)
    width, height = (round(side * make.uniform(*PART)) for side in photo.size)
    left, top = make.integers(photo.width - width), make.integers(photo.height - height)
    part = photo.crop((left, top, left + width, top + height)).resize(
        SIZE, Image.Resampling.BICUBIC
    )
    lit = ImageEnhance.Brightness(part).enhance(make.uniform(*LIGHT))
    grain = np.roll(_grain(), tuple(make.integers(0, SIZE[1], 2)), (0, 1))[..., None]
    pixels = (np.asarray(lit, np.int16) + grain).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"{number:04}.jpg", quality=90)


@cache
def _grain() -> NDArray[np.int16]:
    return np.random.default_rng(0).normal(0, 6, SIZE[::-1]).astype(np.int16)


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]] or COUNTS)
