"""Photos and job folders for the tests of the pipeline's stages."""

import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from gpu.job import JobPaths, JobSpec, Pipeline, Source
from gpu.stage import Context


class Said(list[tuple[float, str]]):
    """A Progress that remembers what it was told."""

    def __call__(self, fraction: float, message: str, **_: object) -> None:
        self.append((fraction, message))


def context(root: Path, source: Path | Source, **fields: object) -> Context:
    """A stage's context for a job in `root` on photos at `source`."""
    place = source if isinstance(source, Source) else Source(path=str(source))
    spec = JobSpec(job_id="test", dataset="photos", source=place, **fields)  # type: ignore[arg-type]
    root.mkdir(parents=True, exist_ok=True)
    return Context(spec, JobPaths(root), Said())


def picture(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A picture of coloured blocks; another one for every seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.NEAREST)


def unrelated_photos(folder: Path, count: int = 6, size: tuple[int, int] = (320, 240)) -> Path:
    """A folder of photos, each of something else."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        picture(i, size).save(folder / f"photo_{i:02}.jpg", quality=92)
    return folder


def zipped(file: Path, members: Mapping[str, bytes]) -> Path:
    """A .zip with these members, compressed."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def jpeg(seed: int, file: Path) -> bytes:
    """The bytes of a JPEG."""
    picture(seed).save(file, "JPEG")
    return file.read_bytes()


def fingerprint(place: Path) -> dict[str, str]:
    """Names and contents of all files below a place (or of the one file that it is)."""
    files = [place] if place.is_file() else sorted(f for f in place.rglob("*") if f.is_file())
    return {str(f): f"{sha256(f.read_bytes()).hexdigest()} {f.stat().st_mtime_ns}" for f in files}


AERIAL = Pipeline.AERIAL
