"""What a photo says of itself in its first bytes: where and when it was taken, how high, how wide.

EXIF and XMP lie at a JPEG's beginning, before its pixels: so little of it is read that a set of
hundreds is looked at in seconds. Other files may have them anywhere: then nothing is known of
them. Pillow parses EXIF; whatever is absent or malformed is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gpu.job.exif import altitude, number, place

#: Bytes of a file that are looked at: EXIF (64 kB at most in a JPEG) with its small picture, XMP.
HEAD = 1 << 16
JPEG, EXIF = b"\xff\xd8", b"Exif\0\0"
#: What comes before EXIF in a PNG, and what every TIFF begins with, which EXIF is.
CHUNK, TIFF = b"eXIf", (b"II*\0", b"MM\0*")
#: EXIF's directories, and tags in them (CIPA DC-008).
GPS, DETAIL, TAKEN, FOCAL_35MM = 0x8825, 0x8769, 0x9003, 0xA405
ERROR = 31
_NUMBER = rb"\s*(?:=\s*[\"']|>)\s*([+-]?[0-9]{1,5}(?:\.[0-9]{1,9})?)"
_HEIGHT = re.compile(rb"(?:RelativeAltitude|AboveGroundAltitude)" + _NUMBER)
#: Pitch of the camera: -90 is straight down (DJI, Autel, Parrot).
_PITCH = re.compile(rb"(?:GimbalPitchDegree|drone:GimbalPitch|CameraPitchDegree)" + _NUMBER)

Place = tuple[float, float]


@dataclass(frozen=True)
class Head:
    """One photo. `place` latitude and longitude (degrees, WGS 84), `altitude` metres, `error` the
    metres by which the camera says that its GPS may be off.

    `height` metres above the take-off, `pitch` degrees (-90: straight down), `focal` on 35 mm
    film, `taken` in seconds from any moment that is the same for all.
    """

    place: Place | None = None
    altitude: float | None = None
    error: float | None = None
    height: float | None = None
    pitch: float | None = None
    focal: float | None = None
    taken: float | None = None


def read_head(raw: bytes) -> Head | None:
    """Read a file's first HEAD bytes; None where what it says may come after these.

    Raises ImportError without Pillow, and nothing else.
    """
    from PIL import Image

    told = raw.startswith(JPEG) or EXIF in raw or CHUNK in raw
    if not told and len(raw) >= HEAD:
        return None
    height, pitch = _first(_HEIGHT, raw), _first(_PITCH, raw)
    exif = Image.Exif()
    try:
        exif.load(_exif(raw))
        gps, detail = exif.get_ifd(GPS), exif.get_ifd(DETAIL)
        return Head(
            place(gps),
            altitude(gps),
            number(gps.get(ERROR)),
            height,
            pitch,
            number(detail.get(FOCAL_35MM)),
            _seconds(detail.get(TAKEN)),
        )
    except Exception:  # noqa: BLE001 - what a stranger's EXIF makes Pillow raise has no end
        return Head(height=height, pitch=pitch)


def _exif(raw: bytes) -> bytes:
    """Return the EXIF in a file's first bytes, whatever the file is; empty for none."""
    at = raw.find(EXIF)
    if at >= 0:
        return raw[at:]
    starts = [found for mark in TIFF if (found := raw.find(mark, max(raw.find(CHUNK), 0))) >= 0]
    return EXIF + raw[min(starts) :] if starts else b""


def _seconds(taken: Any) -> float | None:
    try:
        return (
            datetime.strptime(str(taken)[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        )
    except ValueError:
        return None


def _first(pattern: re.Pattern[bytes], raw: bytes) -> float | None:
    found = pattern.search(raw)
    return float(found[1]) if found else None
