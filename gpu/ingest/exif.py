"""What a camera wrote beside the pixels: focal length, position, attitude, which camera it was.

Read once, into one record. Every field may be absent, malformed or wrong: then it is None, never
an error.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from gpu.ingest.phone import up_of_phone
from gpu.ingest.sensors import sensor_width
from gpu.ingest.xmp import Triple, read_xmp
from gpu.job.exif import altitude, number, place

#: The diagonal of 24 x 36 mm film, to which FocalLengthIn35mmFilm refers (CIPA DCG-001).
FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
#: Millimetres in one unit of FocalPlaneResolutionUnit.
UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
#: A focal length outside this, in image diagonals, is a typing error of the firmware.
SENSIBLE = (0.2, 20.0)

Gps = tuple[float, float, float]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exif:
    """What one photo says of itself, from EXIF and XMP.

    `focal` in units of the image's diagonal; `gps` latitude, longitude (degrees, WGS 84), metres;
    `gps_sigma` its standard deviation east, north and up (metres), as RTK receivers state it.
    `gimbal` yaw from north, pitch (-90 is straight down) and roll, degrees; `height` metres above
    the take-off. `up` the unit vector up in the upright photo's camera (x right, y down, z ahead),
    as a phone measured it. `taken` as EXIF writes times, with fractions of a second where it has
    them. `panorama` is whether it says that it is equirectangular.
    """

    camera: str = ""
    focal: float | None = None
    gps: Gps | None = None
    gps_sigma: Triple | None = None
    gimbal: Triple | None = None
    height: float | None = None
    taken: str | None = None
    panorama: bool = False
    up: Triple | None = None


def read_exif(image: Image.Image) -> Exif:
    """Read what a photo says of its camera, before its pixels are decoded."""
    try:
        return _read(image)
    except Exception as broken:  # noqa: BLE001 - what a stranger's EXIF makes Pillow raise has no end
        log.info("EXIF that can not be read: %s", broken)
        return Exif()


def _read(image: Image.Image) -> Exif:
    tags = image.getexif()
    detail = tags.get_ifd(ExifTags.IFD.Exif)
    make, model = (
        str(tags.get(t, ""))[:64].strip("\0 ") for t in (ExifTags.Base.Make, ExifTags.Base.Model)
    )
    millimetres = number(detail.get(ExifTags.Base.FocalLength))
    camera = f"{make} {model} {millimetres:g} mm" if millimetres else f"{make} {model}"
    places = tags.get_ifd(ExifTags.IFD.GPSInfo)
    xmp = read_xmp(image.info.get("xmp"))
    return Exif(
        camera.strip(),
        focal_in_diagonals(detail) or _from_table(make, model, millimetres, image.size),
        position(places),
        xmp.sigma or _stated_error(places),
        xmp.gimbal,
        xmp.height,
        _taken(detail),
        xmp.panorama,
        _up(image, tags, detail),
    )


def _up(image: Image.Image, tags: Image.Exif, detail: Mapping[int, Any]) -> Triple | None:
    """Return what the phone says; not of its front camera, which looks the other way."""
    if "front" in str(detail.get(ExifTags.Base.LensModel, "")).lower():
        return None
    # A HEIC is turned upright as it is opened, and says how it was.
    turned = image.info.get("original_orientation") or tags.get(ExifTags.Base.Orientation, 1)
    return up_of_phone(detail.get(ExifTags.Base.MakerNote), turned)


def _from_table(
    make: str, model: str, millimetres: float | None, size: tuple[int, int]
) -> float | None:
    width = sensor_width(make, model)
    if width is None or millimetres is None:
        return None
    focal = millimetres / width * max(size) / math.hypot(*size)
    return focal if SENSIBLE[0] < focal < SENSIBLE[1] else None


def _stated_error(gps: Mapping[int, Any]) -> Triple | None:
    """Return GPSHPositioningError (EXIF 2.31); height is taken to be twice as uncertain."""
    error = number(gps.get(ExifTags.GPS.GPSHPositioningError))
    return (error, error, 2 * error) if error and error < 1_000 else None


def _taken(detail: Mapping[int, Any]) -> str | None:
    time = str(detail.get(ExifTags.Base.DateTimeOriginal, ""))[:19]
    if re.fullmatch(r"[0-9]{4}(:[0-9]{2}){2} [0-9]{2}(:[0-9]{2}){2}", time) is None:
        return None
    part = str(detail.get(ExifTags.Base.SubsecTimeOriginal, ""))[:9].strip("\0 ")
    return f"{time}.{part}" if part.isdecimal() else time


def focal_in_diagonals(detail: Mapping[int, Any]) -> float | None:
    """Return the focal length over the image's diagonal, which no resizing changes.

    From the 35 mm equivalent; else from millimetres and the sensor's size, which follows from
    FocalPlaneXResolution and PixelXDimension. Both of these describe the original photo.
    """
    film = number(detail.get(ExifTags.Base.FocalLengthIn35mmFilm))
    focal = film / FILM_DIAGONAL_MM if film else _from_sensor(detail)
    return focal if focal and SENSIBLE[0] < focal < SENSIBLE[1] else None


def _from_sensor(detail: Mapping[int, Any]) -> float | None:
    millimetres = number(detail.get(ExifTags.Base.FocalLength))
    density = number(detail.get(ExifTags.Base.FocalPlaneXResolution))
    unit = UNIT_MM.get(detail.get(ExifTags.Base.FocalPlaneResolutionUnit, 2), 25.4)
    width = number(detail.get(ExifTags.Base.ExifImageWidth))
    height = number(detail.get(ExifTags.Base.ExifImageHeight))
    if not (millimetres and density and width and height):
        return None
    return millimetres / (math.hypot(width, height) / density * unit)


def position(gps: Mapping[int, Any]) -> Gps | None:
    """Return latitude and longitude (WGS 84, degrees) and altitude (metres, 0 if unsaid)."""
    found = place(gps)
    return (*found, altitude(gps) or 0.0) if found else None
