"""What a drone's photos say of the flight: how large the ground, how high, how much they overlap.

A guess from where some of the photos were taken, for people who have not started a job yet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

#: Metres in a degree of latitude.
DEGREE = 111_320.0
#: The side (mm) of a square as large as a 4:3 picture on 35 mm film, for which focal lengths are.
SIDE_35MM = math.sqrt(34.6 * 26.0)
#: Fewer places than this, or a smaller ground (square metres), are no flight.
FEW, SMALL = 4, 100.0
_HEIGHT = re.compile(
    r'(?:RelativeAltitude|AboveGroundAltitude)\s*(?:=\s*["\']|>)\s*\+?([0-9]{1,4}(?:\.[0-9]+)?)'
)

Place = tuple[float, float]


@dataclass(frozen=True)
class Flight:
    """`ground` in square metres, `height` in metres above the start, `overlap` from 0 to 1."""

    ground: float
    height: float
    overlap: float


def height_of(xmp: bytes | str | None) -> float | None:
    """Return the metres above the take-off that a drone wrote into a photo's XMP."""
    text = xmp[:200_000].decode("utf-8", "replace") if isinstance(xmp, bytes) else xmp or ""
    found = _HEIGHT.search(text)
    return float(found[1]) if found else None


def flight_of(
    places: Sequence[Place], heights: Sequence[float], focals: Sequence[float], photos: int
) -> Flight | None:
    """Guess the flight of `photos` photos from some of them; None where they are none.

    `places` are latitudes and longitudes, `focals` 35 mm equivalents.
    """
    if min(len(places), len(heights), len(focals)) < FEW:
        return None
    ground, height = _area(_hull(_metres(places))), median(heights)
    if ground < SMALL or height <= 0:
        return None
    seen = height * SIDE_35MM / median(focals)
    step = math.sqrt(ground / photos)
    return Flight(ground, height, min(max(1 - step / seen, 0.0), 0.95))


def _metres(places: Sequence[Place]) -> list[Place]:
    """Return east and north of the first place."""
    latitude, longitude = places[0]
    shrink = math.cos(math.radians(latitude))
    return [((lon - longitude) * DEGREE * shrink, (lat - latitude) * DEGREE) for lat, lon in places]


def _hull(points: Sequence[Place]) -> list[Place]:
    """Return the convex hull, anticlockwise (Andrew's monotone chain, 1979)."""
    ordered = sorted(set(points))
    sides = []
    for line in (ordered, ordered[::-1]):
        side: list[Place] = []
        for point in line:
            while len(side) > 1 and _turn(side[-2], side[-1], point) <= 0:
                side.pop()
            side.append(point)
        sides += side[:-1]
    return sides


def _turn(a: Place, b: Place, c: Place) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _area(hull: Sequence[Place]) -> float:
    after = [*hull[1:], *hull[:1]]
    return 0.5 * sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(hull, after, strict=True))
