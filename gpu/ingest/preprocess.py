"""Stage `preprocess`: upright RGB photos of a size that geometry and training can use."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import hypot
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from gpu.errors import is_disk_full
from gpu.ingest.contact_sheet import draw_contact_sheet
from gpu.ingest.errors import MIN_PHOTOS, PhotosAlike, TooFewPhotos, because
from gpu.ingest.exif import read_exif
from gpu.ingest.names import is_photo
from gpu.ingest.photos import Photo, Photos
from gpu.job import JobPaths
from gpu.stage import Context, Outcome

#: Photos keep at least this long side, where they have it: what training on a GPU uses.
WORKING_SIZE = 1600
MIN_SIDE = 64
MAX_PIXELS = 200_000_000
#: Photos are alike when the mean difference of their thumbnails (0 to 255) is below this: sensor
#: noise and JPEG leave less than 1, one step of walking leaves more than 5 on the real sets.
ALIKE = 2.0
THUMBNAIL = 32

logger = logging.getLogger(__name__)


class Unusable(Exception):
    """Why one photo is left out."""


@dataclass(frozen=True)
class _Read:
    """A photo that was read and written: its record and a tiny grey copy."""

    photo: Photo
    thumbnail: NDArray[np.float32]
    pixels: bytes


def run_preprocess(ctx: Context) -> Outcome:
    """Fill `work/images` and write `work/photos.json`.

    Raises TooFewPhotos or PhotosAlike. Photos that can not be used are left out by name.
    """
    shutil.rmtree(ctx.paths.images, ignore_errors=True)
    ctx.paths.images.mkdir(parents=True)
    names = _pick(_names(ctx.paths), ctx.spec.max_views)
    size = max(WORKING_SIZE, ctx.spec.image_size or 0)
    reads, dropped = _read_all(ctx, names, size)
    reads = _without_copies(reads, dropped)
    photos = Photos(tuple(r.photo for r in reads), dropped)
    pictures = _picture(ctx.paths, photos)
    _check_enough(reads, photos)
    photos.save(ctx.paths)
    return Outcome(_message(photos), metrics=_metrics(photos), pictures=pictures)


def _names(paths: JobPaths) -> list[str]:
    files = (f.relative_to(paths.photos).as_posix() for f in paths.photos.rglob("*") if f.is_file())
    return sorted(name for name in files if is_photo(name))


def _pick(names: Sequence[str], most: int | None) -> list[str]:
    """Pick `most` names, evenly spread over the order in which the photos were taken."""
    if most is None or len(names) <= most:
        return list(names)
    return [names[round(i * (len(names) - 1) / (most - 1))] for i in range(most)]


def _read_all(ctx: Context, names: list[str], size: int) -> tuple[list[_Read], dict[str, str]]:
    """Read and write all photos, several at a time (Pillow works outside the interpreter lock)."""
    reads, dropped = [], {}
    files = _image_names(names)
    pool = ThreadPoolExecutor(os.cpu_count())
    jobs = [pool.submit(_prepare, ctx.paths, n, files[n], size) for n in names]
    try:
        for number, (name, job) in enumerate(zip(names, jobs, strict=True), start=1):
            try:
                reads.append(job.result())
            except Unusable as reason:
                dropped[name] = str(reason)
            ctx.progress(number / len(names), f"Prepared {number} of {len(names)} photos")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # who stops a job does not wait for it
    return reads, dropped


def _image_names(names: Sequence[str]) -> dict[str, str]:
    """Give every photo a flat file name; keep its own where no other photo has the same."""
    taken: set[str] = set()
    result = {}
    for name in names:
        stem = Path(name).with_suffix("").as_posix().replace("/", "_")
        image, number = f"{stem}.jpg", 1
        while image.lower() in taken:
            image, number = f"{stem}-{number}.jpg", number + 1
        taken.add(image.lower())
        result[name] = image
    return result


def _prepare(paths: JobPaths, name: str, image_name: str, size: int) -> _Read:
    """Turn one photo upright, to RGB and to `size`; raises Unusable with the reason."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(paths.photos / name) as opened:
                return _write(paths, opened, name, image_name, size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as damaged:
        if is_disk_full(damaged):
            raise
        logger.warning("left out %s: %s", name, damaged)
        raise Unusable("the file is damaged") from damaged


def _write(paths: JobPaths, opened: Image.Image, name: str, image_name: str, size: int) -> _Read:
    if min(opened.size) < MIN_SIDE:
        raise Unusable(f"{opened.width}x{opened.height} pixels are too few")
    if opened.width * opened.height > MAX_PIXELS:
        raise Unusable(f"{opened.width}x{opened.height} pixels are too many")
    exif = read_exif(opened)
    opened.draft("RGB", (2 * size, 2 * size))  # lets the JPEG decoder skip detail not needed
    image = _rgb(ImageOps.exif_transpose(opened))
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    image.save(paths.images / image_name, quality=95, subsampling=0)
    focal = exif.focal * hypot(*image.size) if exif.focal else None
    camera = f"{image.width}x{image.height} {exif.camera}".strip()
    photo = Photo(name, image_name, image.width, image.height, camera, focal, exif.gps)
    thumbnail = image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return _Read(photo, np.asarray(thumbnail, dtype=np.float32), _digest(image))


def _digest(image: Image.Image) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB; what is transparent becomes white, 16-bit grey keeps its range."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        grey = np.asarray(image, dtype=np.float64)
        scale = 255.0 / max(grey.max(), 1.0)
        return Image.fromarray((grey * scale).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _without_copies(reads: list[_Read], dropped: dict[str, str]) -> list[_Read]:
    """Leave out photos that show the very same pixels as one before them."""
    first: dict[bytes, str] = {}
    kept = []
    for read in reads:
        original = first.setdefault(read.pixels, read.photo.name)
        if original == read.photo.name:
            kept.append(read)
        else:
            dropped[read.photo.name] = f"the same photo as {original}"
    return kept


def _check_enough(reads: list[_Read], photos: Photos) -> None:
    copies = sum(reason.startswith("the same photo") for reason in photos.dropped.values())
    if len(reads) + copies >= MIN_PHOTOS and (len(reads) == 1 or _alike(reads)):
        raise PhotosAlike(len(reads) + copies)
    if len(reads) < MIN_PHOTOS:
        raise TooFewPhotos(len(reads), photos.dropped)


def _alike(reads: list[_Read]) -> bool:
    """Say whether every photo looks like the first one."""
    return all(np.abs(r.thumbnail - reads[0].thumbnail).mean() < ALIKE for r in reads)


def _picture(paths: JobPaths, photos: Photos) -> tuple[str, ...]:
    try:
        return (draw_contact_sheet(paths, photos),)
    except (OSError, ValueError) as failed:  # a preview never fails a job
        if is_disk_full(failed):
            raise
        logger.warning("no contact sheet: %s", failed)
        return ()


def _message(photos: Photos) -> str:
    left_out = because(photos.dropped)
    return f"{len(photos.photos)} of {photos.given} photos are usable{left_out}."


def _metrics(photos: Photos) -> dict[str, int | str]:
    return {
        "photos_usable": len(photos.photos),
        "photos_dropped": len(photos.dropped),
        "photos_with_gps": sum(p.gps is not None for p in photos.photos),
        "cameras": len({p.camera for p in photos.photos}),
    }
