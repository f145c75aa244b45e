"""What the drone writes beside the pixels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from gpu.parcel.camera import FILM_DIAGONAL, FOCAL_35MM, SENSOR_DIAGONAL, Shot

TAKE_OFF = datetime(2025, 6, 14, 11, 20, 0, tzinfo=UTC)
SECONDS_PER_PHOTO = 4


def describe(shot: Shot, index: int) -> Image.Exif:
    """Return the EXIF of the photo number `index` of a flight."""
    time = (TAKE_OFF + timedelta(seconds=SECONDS_PER_PHOTO * index)).strftime("%Y:%m:%d %H:%M:%S")
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Splatbot", "Parcel"
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.DateTime] = 1, time
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    detail[ExifTags.Base.FocalLength] = _rational(
        FOCAL_35MM * SENSOR_DIAGONAL / FILM_DIAGONAL, 1000
    )
    detail[ExifTags.Base.FocalLengthIn35mmFilm] = FOCAL_35MM
    detail[ExifTags.Base.DateTimeOriginal] = time
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(_position(*shot.gps))
    return exif


def _position(latitude: float, longitude: float, altitude: float) -> dict[int, object]:
    return {
        ExifTags.GPS.GPSLatitudeRef: "N" if latitude >= 0 else "S",
        ExifTags.GPS.GPSLatitude: _degrees(abs(latitude)),
        ExifTags.GPS.GPSLongitudeRef: "E" if longitude >= 0 else "W",
        ExifTags.GPS.GPSLongitude: _degrees(abs(longitude)),
        ExifTags.GPS.GPSAltitudeRef: b"\x00",
        ExifTags.GPS.GPSAltitude: _rational(altitude, 1000),
    }


def _degrees(angle: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds; the seconds to 0.3 mm."""
    minutes, seconds = divmod(angle * 3600.0, 60.0)
    degrees, minutes = divmod(minutes, 60.0)
    return _rational(degrees, 1), _rational(minutes, 1), _rational(seconds, 100_000)


def _rational(value: float, denominator: int) -> IFDRational:
    return IFDRational(Fraction(round(value * denominator), denominator))
