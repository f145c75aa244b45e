"""What photos say of the way they were taken: whether their GPS can be believed, and of a drone's
flight how large the ground is, how high it flew, how much neighbours overlap.

Guesses from the first bytes of some of the photos, for people who have not started a job yet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from bot.storage.heads import Head, Place

#: Metres in a degree of latitude.
DEGREE = 111_320.0
#: A 4:3 picture on 35 mm film (mm), for which focal lengths are: its diagonal is that of 36 x 24.
WIDE_35MM, HIGH_35MM = 34.6, 26.0
#: Fewer places than this, or a smaller ground (square metres), are no flight.
FEW, SMALL = 4, 100.0
#: A camera that looks down by less than this (degrees) does not look at the ground below it.
DOWN = -70.0
#: Metres apart below which a receiver only tells of its noise (geometry wants a deviation of 5),
#: and times the usual distance beyond which a place is wild.
NEAR, WILD = 15.0, 20.0
#: GPS altitudes may differ from the barometer's heights by so many metres. Without a barometer,
#: altitudes that vary by this and by half as much as the ground is wide are drift, or a hillside.
DRIFT, CLIMB = 20.0, 50.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Flight:
    """`ground` in square metres, `height` in metres above the start.

    `along` and `across` are the parts, 0 to 1, that a photo shares with the next one of its line
    and with those of the next line; `across` is None of a single line.
    """

    ground: float
    height: float
    along: float
    across: float | None


@dataclass(frozen=True)
class Doubt:
    """Why GPS does not look believable: "one place", "close", "wild" or "drift".

    `metres` says by how much, `photos` how many are concerned.
    """

    kind: str
    metres: float = 0.0
    photos: int = 0


def doubt_of(heads: Sequence[Head]) -> Doubt | None:
    """Return what speaks against the places of photos that have one; None for nothing."""
    known = [head for head in heads if head.place]
    places = metres([head.place for head in known if head.place])
    if len(places) < FEW:
        return None
    if len(set(places)) == 1:
        return Doubt("one place")
    middle = median(x for x, _ in places), median(y for _, y in places)
    away = [math.dist(place, middle) for place in places]
    limit = max(WILD * median(away), 1_000.0)
    if max(away) > limit:
        return Doubt("wild", max(away), sum(far > limit for far in away))
    wide = 2 * max(away)
    stated = [head.error for head in known if head.error]
    if wide < max(NEAR, 2 * median(stated) if stated else 0.0):
        return Doubt("close", wide)
    return _drift(known, wide)


def _drift(known: Sequence[Head], wide: float) -> Doubt | None:
    apart = [h.altitude - h.height for h in known if h.altitude and h.height is not None]
    if len(apart) >= FEW:
        drift = max(apart) - min(apart)
        return Doubt("drift", drift) if drift > DRIFT else None
    altitudes = [head.altitude for head in known if head.altitude]
    drift = max(altitudes) - min(altitudes) if len(altitudes) >= FEW else 0.0
    return Doubt("drift", drift) if drift > max(CLIMB, wide / 2) else None


def flight_of(runs: Sequence[Sequence[Head]], photos: int) -> Flight | None:
    """Guess the flight of `photos` photos from runs of photos taken one after the other.

    None where they are none, or do not say enough: places, heights, focal lengths, looking down.
    """
    heads = [head for run in runs for head in run]
    places = [head.place for head in heads if head.place]
    heights = [head.height for head in heads if head.height and head.height > 0]
    focals = [head.focal for head in heads if head.focal]
    pitches = [head.pitch for head in heads if head.pitch is not None]
    if min(len(places), len(heights), len(focals)) < FEW or (pitches and median(pitches) > DOWN):
        return None
    points = metres(places)
    ground, steps = _area(_hull(points)), _steps(runs)
    if ground < SMALL or not steps:
        return None
    step, seen = median(math.hypot(*each) for each in steps), median(heights) / median(focals)
    spacing = _spacing(points, steps, step, photos)
    across = None if spacing is None else _part(spacing, seen * WIDE_35MM)
    return Flight(ground, median(heights), _part(step, seen * HIGH_35MM), across)


def _part(step: float, seen: float) -> float:
    return min(max(1 - step / seen, 0.0), 0.95)


def _steps(runs: Sequence[Sequence[Head]]) -> list[Point]:
    """Return how far (metres east and north) each photo is from the one before it."""
    steps = []
    for run in runs:
        places = metres([head.place for head in run if head.place])
        steps += [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(places)]
    return [step for step in steps if any(step)]


def _spacing(
    points: Sequence[Point], steps: Sequence[Point], step: float, photos: int
) -> float | None:
    """Return the metres between the lines of a flight; None when there is only one.

    Lines run along the usual direction of the steps, whichever way; all together they are as
    long as the photos are many.
    """
    turn = sum(math.hypot(*s) * math.sin(2 * math.atan2(*s)) for s in steps)
    same = sum(math.hypot(*s) * math.cos(2 * math.atan2(*s)) for s in steps)
    east, north = math.sin(math.atan2(turn, same) / 2), math.cos(math.atan2(turn, same) / 2)
    ahead = [x * east + y * north for x, y in points]
    aside = [x * north - y * east for x, y in points]
    lines = round(photos * step / (max(ahead) - min(ahead) + step))
    return (max(aside) - min(aside)) / (lines - 1) if lines > 1 else None


def metres(places: Sequence[Place]) -> list[Point]:
    """Return how far (metres east and north) each place is from the first."""
    if not places:
        return []
    latitude, longitude = places[0]
    shrink = math.cos(math.radians(latitude))
    return [((lon - longitude) * DEGREE * shrink, (lat - latitude) * DEGREE) for lat, lon in places]


def _hull(points: Sequence[Point]) -> list[Point]:
    """Return the convex hull, anticlockwise (Andrew's monotone chain, 1979)."""
    ordered = sorted(set(points))
    sides = []
    for line in (ordered, ordered[::-1]):
        side: list[Point] = []
        for point in line:
            while len(side) > 1 and _turn(side[-2], side[-1], point) <= 0:
                side.pop()
            side.append(point)
        sides += side[:-1]
    return sides


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _area(hull: Sequence[Point]) -> float:
    after = [*hull[1:], *hull[:1]]
    return 0.5 * sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(hull, after, strict=True))
