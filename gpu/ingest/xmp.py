"""What drones write into XMP: how the gimbal pointed, how high it flew, how good its GPS was.

The tags are those of DJI, Autel (`drone`), Parrot, Skydio and of Pix4D's `Camera` schema, which
senseFly and older Autels use. Read by their names, wherever they stand: drones write XML that
no parser takes, and a stranger's XML is nothing to parse.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

#: Bytes of XMP that are looked at; a drone writes 2 to 20 kB.
MOST = 1 << 20
#: A value follows its name as an attribute (name="1.5") or as an element (<name>1.5</name>). A
#: rational (1500/10) is one of Pix4D's.
_VALUE = r'\s*(?:=\s*"|=\s*\'|>)\s*([+-]?[0-9.]{1,24}(?:[eE][+-]?[0-9]{1,3})?)(?:/([0-9]{1,12}))?'

#: The names of yaw, pitch and roll, which follow these, and what makes pitch -90 straight down.
ANGLES: Sequence[tuple[str, str, float]] = (
    ("drone-dji:Gimbal", "Degree", 0.0),
    ("drone:Gimbal", "Degree", 0.0),
    ("drone-parrot:Camera", "Degree", 0.0),
    ("drone-skydio:CameraOrientationNED:", "", 0.0),
    ("Camera:", "", -90.0),
)
HEIGHTS = ("drone-dji:RelativeAltitude", "drone:RelativeAltitude", "Camera:AboveGroundAltitude")
#: East, north and up (metres, one standard deviation).
RTK = tuple(f"drone-dji:RtkStd{axis}" for axis in ("Lon", "Lat", "Hgt"))
ACCURACY = ("Camera:GPSXYAccuracy", "Camera:GPSXYAccuracy", "Camera:GPSZAccuracy")

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Xmp:
    """`gimbal` yaw (from north, clockwise), pitch (-90 is straight down), roll, in degrees.

    `height` metres above where the drone took off; `sigma` metres east, north and up.
    `panorama` is whether the photo says that it shows everything around it.
    """

    gimbal: Triple | None = None
    height: float | None = None
    sigma: Triple | None = None
    panorama: bool = False


def read_xmp(raw: bytes | str | None) -> Xmp:
    """Read a photo's XMP; whatever is absent, malformed or out of range is None."""
    if not raw:
        return Xmp()
    text = raw[:MOST].decode("utf-8", "replace") if isinstance(raw, bytes) else raw[:MOST]
    heights = (_value(text, name, 10_000.0) for name in HEIGHTS)
    sigma = _triple(text, RTK, 1_000.0) or _triple(text, ACCURACY, 1_000.0)
    return Xmp(
        _gimbal(text),
        next((height for height in heights if height is not None), None),
        sigma if sigma and min(sigma) > 0 else None,
        re.search(r"ProjectionType\s*(?:=\s*[\"']|>)\s*equirectangular", text) is not None,
    )


def _gimbal(text: str) -> Triple | None:
    for before, after, down in ANGLES:
        names = [f"{before}{angle}{after}" for angle in ("Yaw", "Pitch", "Roll")]
        angles = _triple(text, names, 360.0)
        if angles is not None:
            yaw, pitch, roll = angles
            return yaw, pitch + down, roll
    return None


def _triple(text: str, names: Sequence[str], most: float) -> Triple | None:
    values = [_value(text, name, most) for name in names]
    first, second, third = values
    if first is None or second is None or third is None:
        return None
    return first, second, third


def _value(text: str, name: str, most: float) -> float | None:
    found = re.search(rf"\b{re.escape(name)}{_VALUE}", text)
    if found is None:
        return None
    try:
        value = float(found[1]) / float(found[2] or 1)
    except (ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) and abs(value) <= most else None
