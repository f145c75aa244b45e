"""How sharp a photo is, so that a blurred one stands out among others of its set."""

from __future__ import annotations

import io
from statistics import median

#: Pixels of the long side at which sharpness is compared.
SIDE = 640
#: Pixels of a photo that is decoded, at most: a bot host has 1 GB of memory. Of a JPEG only a part
#: of its size is decoded, unless it is a progressive one.
MOST_PIXELS, MOST_PIXELS_JPEG = 25_000_000, 80_000_000

#: A photo counts as blurred when its sharpness is below this share of the set's median. Of 278
#: photos of 13 real sets the least has 0.49; blurred by two pixels at 640 the most has 0.33.
BLURRED = 0.4


class TooLarge(Exception):
    """A photo has more pixels than are decoded here."""


def sharpness_of(photo: bytes) -> float | None:
    """Return a photo's sharpness (any unit); None when it can not be read, whatever is wrong.

    Raises TooLarge.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(photo), formats=("JPEG", "PNG", "TIFF", "WEBP", "BMP")) as image:
            in_parts = image.format == "JPEG" and not image.info.get("progressive")
            if image.width * image.height > (MOST_PIXELS_JPEG if in_parts else MOST_PIXELS):
                raise TooLarge
            image.draft("RGB", (2 * SIDE, 2 * SIDE))  # lets the JPEG decoder skip detail
            grey = image.convert("L")
            grey.thumbnail((SIDE, SIDE))
            return variance(grey)
    except TooLarge:
        raise
    except Exception:  # noqa: BLE001 - damaged files make Pillow raise anything
        return None


def variance(grey: object) -> float:
    """The variance of the Laplacian (Pech-Pacheco et al., ICPR 2000)."""
    from PIL import Image, ImageFilter, ImageStat

    assert isinstance(grey, Image.Image)
    laplacian = ImageFilter.Kernel((3, 3), [0, 1, 0, 1, -4, 1, 0, 1, 0], scale=1, offset=128)
    return float(ImageStat.Stat(grey.filter(laplacian)).var[0])


def blurred(sharpness: dict[str, float]) -> tuple[str, ...]:
    """Return the names of photos that are far less sharp than usual."""
    usual = median(sharpness.values()) if sharpness else 0.0
    return tuple(name for name, value in sharpness.items() if value < BLURRED * usual)
