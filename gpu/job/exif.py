"""What EXIF's GPS says (CIPA DC-008, 4.6.6), for the bot's quick look and for the pipeline alike.

They take Pillow's dictionary of that directory; whatever is absent or malformed is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

LATITUDE, LONGITUDE, BELOW, ALTITUDE = 2, 4, 5, 6


def number(value: Any) -> float | None:
    """Return a tag's positive finite value, else None."""
    try:
        found = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return found if math.isfinite(found) and found > 0 else None


def place(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    """Return latitude and longitude (degrees, WGS 84); None also for the middle of the ocean,
    where nobody is, and off the globe."""
    latitude, longitude = _degrees(gps, LATITUDE), _degrees(gps, LONGITUDE)
    if latitude is None or longitude is None or (latitude, longitude) == (0.0, 0.0):
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def altitude(gps: Mapping[int, Any]) -> float | None:
    """Return metres above the sea."""
    metres = number(gps.get(ALTITUDE))
    return -metres if metres and gps.get(BELOW) in (1, b"\x01") else metres


def _degrees(gps: Mapping[int, Any], tag: int) -> float | None:
    """Return what a tag of degrees, minutes and seconds says; the tag before it is N, S, E or W."""
    try:
        degrees, minutes, seconds = (float(part) for part in gps[tag])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value):
        return None
    return -value if str(gps.get(tag - 1)).upper().startswith(("S", "W")) else value
