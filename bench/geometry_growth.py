"""How the geometry's time grows with the photos: 25, 75 and 300 of one flight, all of them used.

`python -m bench geometry_growth`, or with COUNTS=25,75 only these; needs ../shared/datasets, or
DATASETS=<folder>. 25 are a third of the flight, 75 all of it, 300 the flight four times: each time
zoomed and exposed differently, so that no photo is another's duplicate and each flight has a lens
of its own to be found. All have a long side of SIDE pixels, so that a photo is equally much work.
"""

from __future__ import annotations

import os
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from bench.geometry import PHOTOS, solve
from gpu.job import Pipeline

COUNTS = tuple(int(count) for count in os.environ.get("COUNTS", "25,75,300").split(","))
#: A flight whose photos all differ, and its photos' long side here.
FLIGHT, SIDE = "caliterra", 400
#: The part of its width and height that each flight's photo shows, and its exposure (gamma).
FLIGHTS = ((1.0, 1.0), (0.94, 0.85), (0.88, 1.15), (0.82, 0.75))


def write_photos(count: int, folder: Path) -> None:
    """Write the first `count` photos of the flights, one flight after the other."""
    folder.mkdir(parents=True)
    originals = sorted((PHOTOS / FLIGHT / "images").iterdir())
    for number in range(count):
        flight, original = divmod(number, len(originals))
        name = f"flight{flight + 1}_{originals[original].name}"
        _write_photo(originals[original], flight, folder / name)


def _write_photo(original: Path, flight: int, file: Path) -> None:
    """Write a photo as the flight's camera takes it; its EXIF says place, time and focal length."""
    part, gamma = FLIGHTS[flight]
    with Image.open(original) as photo:
        exif, (width, height) = photo.getexif(), photo.size
        left, top = (1 - part) * width / 2, (1 - part) * height / 2
        box = (left, top, width - left, height - top)
        size = (SIDE, round(SIDE * height / width))
        pixels = photo.convert("RGB").resize(size, Image.Resampling.LANCZOS, box)
    exposed = (255 * (np.arange(256) / 255) ** gamma).round().astype(int).tolist()
    exif[ExifTags.Base.Model] = f"flight {flight + 1}"
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    detail.pop(ExifTags.Base.MakerNote, None)
    for density in (ExifTags.Base.FocalPlaneXResolution, ExifTags.Base.FocalPlaneYResolution):
        detail[density] = float(detail[density]) / part  # as if the sensor were smaller
    time = str(detail[ExifTags.Base.DateTimeOriginal])
    detail[ExifTags.Base.DateTimeOriginal] = f"{time[:8]}{int(time[8:10]) + flight:02}{time[10:]}"
    pixels.point(exposed * 3).save(file, quality=95, exif=exif)


def main() -> None:
    print("| photos | used | registered | wall s | wall s a photo | CPU s | CPU s a photo | said |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    spent: list[tuple[int, float]] = []
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as root:
            write_photos(count, Path(root) / "photos")
            found = solve(Path(root) / "photos", Path(root) / "job", Pipeline.AERIAL)
        each = f"{found.seconds:.0f} | {found.seconds / count:.2f}"
        work = f"{found.work:.0f} | {found.work / count:.2f}"
        print(
            f"| {count} | {found.photos} | {len(found.centres)} | {each} | {work} | {found.said} |",
            flush=True,
        )
        spent.append((count, found.work))
    for (few, less), (many, more) in pairwise(spent):
        power = np.log(more / less) / np.log(many / few)
        print(f"\nFrom {few} to {many} CPU seconds grow as the photos to the power of {power:.2f}.")


if __name__ == "__main__":
    main()
