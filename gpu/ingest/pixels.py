"""Any picture that a file holds, as upright sRGB and, where a part of it is hidden, a mask."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms

#: What is read, by Pillow's names. No EPS, for which Pillow would start a program.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP")
#: A mask's pixels from this value on count.
KEPT = 128
#: 16-bit grey is stretched between these percentiles, since few use its whole range.
DARKEST, BRIGHTEST = 0.1, 99.9
#: What turns a picture upright, by EXIF's orientation (CIPA DC-008).
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@contextmanager
def open_picture(file: Path) -> Iterator[Image.Image]:
    """Open a picture, whatever its suffix says; nothing is decoded yet.

    Raises what Pillow and libheif raise.
    """
    with file.open("rb") as raw:
        heic = raw.read(12)[4:8] == b"ftyp"
    if heic:
        _know_heic()
    with Image.open(file, formats=("HEIF",) if heic else FORMATS) as opened:
        yield opened


@cache
def _know_heic() -> None:
    """Teach Pillow HEIC: libheif and libde265 (LGPL), which can only decode."""
    import pi_heif

    pi_heif.register_heif_opener()


def decode_smaller(image: Image.Image, side: int) -> None:
    """Let the JPEG decoder leave out detail, as long as the longer side keeps `side` pixels.

    Pillow takes the smaller ratio of both sides: a square size would be that of the shorter one.
    """
    scale = side / max(image.size)
    if scale < 1:
        image.draft("RGB", (round(image.width * scale), round(image.height * scale)))


def orientation_of(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 to 8; 1 where it says nothing sensible."""
    with suppress(Exception):  # what a stranger's EXIF makes Pillow raise has no end
        value = image.getexif().get(ExifTags.Base.Orientation)
        return value if value in TURNS else 1
    return 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return a picture turned as its orientation says."""
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def to_rgb(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return a picture as RGB, and the mask ("L", 0 or 255) of what is not transparent in it.

    What is transparent becomes white; 16-bit grey is stretched.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _stretched(image), None
    if not image.has_transparency_data:
        return image.convert("RGB"), None
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    mask = binary(rgba.getchannel("A"))
    return Image.alpha_composite(white, rgba).convert("RGB"), mask if hides(mask) else None


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return an RGB picture of a colour profile (an iPhone's is Display P3) in sRGB."""
    if not profile:
        return image
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if given.profile.xcolor_space.strip() != "RGB":
            return image
        made = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return made or image


def binary(grey: Image.Image) -> Image.Image:
    """Return a mask of two values, of a grey picture."""
    return grey.point([0] * KEPT + [255] * (256 - KEPT))


def hides(mask: Image.Image) -> bool:
    """Say whether a mask hides anything at all."""
    return mask.histogram()[0] > 0


def _stretched(image: Image.Image) -> Image.Image:
    grey = np.nan_to_num(np.asarray(image, dtype=np.float64))
    low, high = np.percentile(grey, (DARKEST, BRIGHTEST))
    scaled = (grey - low) / max(float(high - low), 1e-9) * 255
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8)).convert("RGB")
