"""What a camera wrote beside the pixels: focal length, position, which camera it was.

Every field may be absent, malformed or wrong: then it is None, never an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

#: The diagonal of 24 x 36 mm film, to which FocalLengthIn35mmFilm refers (CIPA DCG-001).
FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
#: Millimetres in one unit of FocalPlaneResolutionUnit.
UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
#: A focal length outside this, in image diagonals, is a typing error of the firmware.
SENSIBLE = (0.2, 20.0)

Gps = tuple[float, float, float]


@dataclass(frozen=True)
class Exif:
    """`focal` in units of the image's diagonal; `gps` latitude, longitude (degrees), metres."""

    camera: str
    focal: float | None
    gps: Gps | None


def read_exif(image: Image.Image) -> Exif:
    """Read what a photo says of its camera."""
    tags = image.getexif()
    detail = tags.get_ifd(ExifTags.IFD.Exif)
    make, model = (
        str(tags.get(t, "")).strip("\0 ") for t in (ExifTags.Base.Make, ExifTags.Base.Model)
    )
    millimetres = _number(detail.get(ExifTags.Base.FocalLength))
    camera = f"{make} {model} {millimetres:g} mm" if millimetres else f"{make} {model}"
    focal = focal_in_diagonals(detail)
    return Exif(camera.strip(), focal, position(tags.get_ifd(ExifTags.IFD.GPSInfo)))


def focal_in_diagonals(detail: Mapping[int, Any]) -> float | None:
    """Return the focal length over the image's diagonal, which no resizing changes.

    From the 35 mm equivalent; else from millimetres and the sensor's size, which follows from
    FocalPlaneXResolution and PixelXDimension. Both of these describe the original photo.
    """
    film = _number(detail.get(ExifTags.Base.FocalLengthIn35mmFilm))
    focal = film / FILM_DIAGONAL_MM if film else _from_sensor(detail)
    return focal if focal and SENSIBLE[0] < focal < SENSIBLE[1] else None


def _from_sensor(detail: Mapping[int, Any]) -> float | None:
    millimetres = _number(detail.get(ExifTags.Base.FocalLength))
    density = _number(detail.get(ExifTags.Base.FocalPlaneXResolution))
    unit = UNIT_MM.get(detail.get(ExifTags.Base.FocalPlaneResolutionUnit, 2), 25.4)
    width = _number(detail.get(ExifTags.Base.ExifImageWidth))
    height = _number(detail.get(ExifTags.Base.ExifImageHeight))
    if not (millimetres and density and width and height):
        return None
    return millimetres / (math.hypot(width, height) / density * unit)


def position(gps: Mapping[int, Any]) -> Gps | None:
    """Return latitude and longitude (WGS 84, degrees) and altitude (metres, 0 if unsaid)."""
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef))
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef))
    if latitude is None or longitude is None or (latitude, longitude) == (0.0, 0.0):
        return None
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    altitude = _number(gps.get(ExifTags.GPS.GPSAltitude)) or 0.0
    below = gps.get(ExifTags.GPS.GPSAltitudeRef) in (1, b"\x01")
    return latitude, longitude, -altitude if below else altitude


def _degrees(parts: Any, hemisphere: Any) -> float | None:
    try:
        degrees, minutes, seconds = (float(p) for p in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value):
        return None
    return -value if str(hemisphere).upper().startswith(("S", "W")) else value


def _number(value: Any) -> float | None:
    """Return a tag's positive finite value, else None."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
