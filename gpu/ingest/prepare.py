"""One file made ready: a photo, the views of a 360 degree photo, or the frames of a video."""

from __future__ import annotations

import hashlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import hypot

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gpu.errors import is_disk_full
from gpu.ingest import panorama
from gpu.ingest.exif import Exif, read_exif
from gpu.ingest.masks import both, part_kept, read_mask
from gpu.ingest.motion import sharpness
from gpu.ingest.photos import Photo, Rig
from gpu.ingest.pixels import (
    decode_smaller,
    hides,
    open_picture,
    orientation_of,
    to_rgb,
    to_srgb,
    upright,
)
from gpu.ingest.remove import Remover
from gpu.ingest.video import BadVideo, frames_of
from gpu.job import JobPaths

MIN_SIDE = 64
MAX_PIXELS = 200_000_000
#: The JPEG decoder may leave out detail beyond this many times the size that is wanted.
DETAIL = 1.25
#: Sides of the small copies: one to compare photos, one to judge sharpness and light.
THUMBNAIL, LOOKED_AT = 32, 640
#: A photo of which a mask leaves less than this part is of no use.
LEAST_KEPT = 0.01

logger = logging.getLogger(__name__)


class Unusable(Exception):
    """Why one photo is left out."""


@dataclass(frozen=True)
class Made:
    """A photo that was read and written, and what is needed to judge it.

    `thumbnail` [32, 32] grey, 0 to 255; `pixels` a digest that is equal for equal pixels;
    `light` the mean of the linear luminance, 0 to 1; `flat` the part of it that is black or white.
    """

    photo: Photo
    thumbnail: NDArray[np.float32]
    pixels: bytes
    sharpness: float
    light: float
    flat: float


@dataclass(frozen=True)
class File:
    """A file that the user gave: `stem` begins the names of the images made of it."""

    name: str
    stem: str
    mask: str | None = None


@dataclass(frozen=True)
class Making:
    """Where photos are made, of which size (the longer side's pixels), and what is removed."""

    paths: JobPaths
    size: int
    remover: Remover | None = None


def photo(making: Making, file: File) -> list[Made]:
    """Make one photo upright, sRGB and of its size; raises Unusable with the reason."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_picture(making.paths.photos / file.name) as opened:
                return list(_of_picture(making, opened, file))
    except (Unusable, MemoryError):
        raise
    except Exception as damaged:  # damaged files make decoders raise anything
        if is_disk_full(damaged):
            raise
        if not (making.paths.photos / file.name).stat().st_size:
            raise Unusable("the file is empty") from damaged
        logger.warning("left out %s: %s", file.name, damaged)
        raise Unusable("the file is damaged") from damaged


def video(making: Making, file: File, most: int, say: Callable[[float], None]) -> list[Made]:
    """Make photos of at most `most` frames of a video; raises Unusable with the reason."""
    made, given = [], making.paths.photos / file.name
    try:
        for number, (seconds, picture) in enumerate(frames_of(given, most, say)):
            picture.thumbnail((making.size, making.size), Image.Resampling.LANCZOS)
            frame = Photo(
                name=f"{file.name} at {seconds // 60:02.0f}:{seconds % 60:06.3f}",
                image=f"{file.stem}-{number:04}.jpg",
                width=picture.width,
                height=picture.height,
                camera=f"{picture.width}x{picture.height} {file.name}",
                sequence=file.name,
            )
            made.append(_write(making, picture, None, frame))
    except BadVideo as bad:
        raise Unusable(str(bad)) from bad
    return made


def _of_picture(making: Making, opened: Image.Image, file: File) -> Iterator[Made]:
    size = making.size
    if min(opened.size) < MIN_SIDE:
        raise Unusable(f"{opened.width}x{opened.height} pixels are too few")
    if opened.width * opened.height > MAX_PIXELS:
        raise Unusable(f"{opened.width}x{opened.height} pixels are too many")
    exif, turn = read_exif(opened), orientation_of(opened)
    round_view = abs(max(opened.size) / min(opened.size) - 2) < 0.01
    most = round(DETAIL * size)
    if not round_view:
        decode_smaller(opened, most)
    image, mask = to_rgb(opened)
    profile = opened.info.get("icc_profile")
    image = upright(image, turn)
    if round_view and panorama.is_panorama(image, exif):
        yield from _views(making, image, file, exif)
        return
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    image = to_srgb(image, profile)
    mask = upright(mask, turn).resize(image.size) if mask else None
    if file.mask:
        mask = both(mask, _mask(making.paths, file.mask, image.size, turn))
    yield _write(making, image, mask, _record(file, image, exif))


def _mask(paths: JobPaths, name: str, size: tuple[int, int], turn: int) -> Image.Image:
    try:
        return read_mask(paths.photos / name, size, turn)
    except Exception as damaged:
        raise Unusable("its mask is damaged") from damaged


def _record(file: File, image: Image.Image, exif: Exif) -> Photo:
    return Photo(
        name=file.name,
        image=f"{file.stem}.jpg",
        width=image.width,
        height=image.height,
        camera=f"{image.width}x{image.height} {exif.camera}".strip(),
        focal=exif.focal * hypot(*image.size) if exif.focal else None,
        gps=exif.gps,
        gps_sigma=exif.gps_sigma,
        gimbal=exif.gimbal,
        up=exif.up,
        above_start=exif.height,
        taken=exif.taken,
    )


def _views(making: Making, image: Image.Image, file: File, exif: Exif) -> Iterator[Made]:
    """Cut a panorama, and its mask with it."""
    masks, size = dict[str, Image.Image](), making.size
    if file.mask:
        whole = _mask(making.paths, file.mask, image.size, 1).convert("RGB")
        masks = {name: view.convert("L") for name, view, _, _ in panorama.views(whole, size)}
    for direction, view, rotation, focal in panorama.views(image, size):
        part = Photo(
            name=f"{file.name} at {direction}",
            image=f"{file.stem}-{direction.replace(' ', '')}.jpg",
            width=view.width,
            height=view.height,
            camera=f"{view.width}x{view.height} 360",
            focal=focal,
            gps=exif.gps,
            gps_sigma=exif.gps_sigma,
            taken=exif.taken,
            rig=Rig(file.name, rotation),
        )
        yield _write(making, view, masks.get(direction), part)


def _write(making: Making, image: Image.Image, mask: Image.Image | None, photo: Photo) -> Made:
    """Write a photo, and its mask where that hides something."""
    paths = making.paths
    if making.remover:
        found = making.remover(image)
        if part_kept(found) < LEAST_KEPT:
            raise Unusable("nothing is left of it without what was to be removed")
        mask = both(mask, found)
    masked = mask is not None and hides(mask)
    if mask is not None and masked:
        if part_kept(mask) < LEAST_KEPT:
            raise Unusable("its mask hides all of it")
        paths.masks.mkdir(exist_ok=True)
        mask.save(paths.masks / f"{photo.image}.png")
    written = io.BytesIO()
    image.save(written, "JPEG", quality=95, subsampling=0, icc_profile=None, exif=b"")
    (paths.images / photo.image).write_bytes(written.getbuffer())
    grey = image.convert("L")
    thumbnail = grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    small = grey.copy()
    small.thumbnail((LOOKED_AT, LOOKED_AT), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float32)
    return Made(
        photo=replace(photo, masked=masked),
        thumbnail=np.asarray(thumbnail, dtype=np.float32),
        pixels=hashlib.blake2b(written.getbuffer(), digest_size=16).digest(),
        sharpness=sharpness(pixels),
        light=float(((pixels / 255) ** 2.2).mean()),
        flat=float(((pixels < 5) | (pixels > 250)).mean()),
    )
