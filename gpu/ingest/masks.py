"""Masks that people give: `masks/` beside their photos, white where a photo counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from PIL import Image, ImageChops

from gpu.ingest.names import MASKS
from gpu.ingest.pixels import binary, open_picture, upright


def masks_of(photos: Iterable[str], masks: Iterable[str]) -> Mapping[str, str]:
    """Return the mask's name for each photo that has one.

    `masks/a.jpg.png` (as COLMAP has it) and `masks/a.png` (as nerfstudio has it) are the mask of
    `a.jpg` and of `images/a.jpg`.
    """
    known = {_inner(PurePosixPath(name).with_suffix("")): name for name in masks}
    found = {}
    for photo in photos:
        path = PurePosixPath(photo)
        mask = known.get(_inner(path)) or known.get(_inner(path.with_suffix("")))
        if mask is not None:
            found[photo] = mask
    return found


def _inner(path: PurePosixPath) -> str:
    """Return a path without the folders that hold the masks or the photos."""
    return "/".join(p for p in path.parts if p.lower() not in {*MASKS, "images"}).lower()


def read_mask(file: Path, size: tuple[int, int], orientation: int) -> Image.Image:
    """Return the mask in `file` for an upright photo of `size`, "L", 0 or 255.

    A mask as the sensor lay is turned as the photo was (`orientation`, EXIF's). Raises what
    reading a picture raises.
    """
    with open_picture(file) as opened:
        given = opened.convert("L")
    if (given.width > given.height) != (size[0] > size[1]):
        given = upright(given, orientation)
    return binary(given.resize(size, Image.Resampling.NEAREST))


def both(first: Image.Image | None, second: Image.Image | None) -> Image.Image | None:
    """Return the mask of what counts in both; None where neither hides anything."""
    return ImageChops.darker(first, second) if first and second else first or second


def part_kept(mask: Image.Image) -> float:
    """Return the part of a mask that is white, 0 to 1."""
    return mask.histogram()[255] / (mask.width * mask.height)
