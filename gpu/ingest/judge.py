"""Which photos are left out, each with its reason: blur, light, the same view once more.

Careful: a photo that is missing costs more than one that is poor. Of the 319 photos of the
12 real sets these rules drop none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gpu.geometry.gps import enu_metres
from gpu.ingest.prepare import THUMBNAIL, Made

#: Blurred: less sharp than this part of the set's median and of its neighbours'. Of the photos of
#: 12 real sets the least has 0.35 of its set's median.
BLURRED, NEIGHBOURS = 0.25, 5
#: Of a set smaller than this no photo is left out for its looks; of others not more than a part.
FEW, MOST_PART = 12, 0.25
#: Light is off when it differs from the set's median by so many stops, and most is black or white.
STOPS, FLAT = 1.5, 0.6
#: Photos are alike when the mean difference of their thumbnails (0 to 255) is below this: sensor
#: noise and JPEG leave less than 1, one step of walking leaves more than 5 on the real sets.
ALIKE = 2.0
#: Photos taken this far apart (metres by GPS) are two, however alike: lawns look like lawns.
APART = 2.0
#: Why a good photo is left out.
SPARE = "not needed: others show it"

Array = NDArray[np.float64]
Reasons = dict[str, str]


def judge(made: Sequence[Made]) -> tuple[list[Made], Reasons]:
    """Return the photos to use, in their order, and why each other one is left out."""
    reasons = _copies(made)
    kept = [m for m in made if m.photo.name not in reasons]
    reasons |= _alike(kept)
    kept = [m for m in kept if m.photo.name not in reasons]
    for poor in (_light, _blur):
        found = poor(kept) if len(kept) >= FEW else {}
        if len(found) <= MOST_PART * len(kept):
            reasons |= found
            kept = [m for m in kept if m.photo.name not in found]
    return kept, reasons


def _copies(made: Sequence[Made]) -> Reasons:
    """Find photos of the very same pixels as one before them."""
    first: dict[bytes, str] = {}
    originals = [(m.photo.name, first.setdefault(m.pixels, m.photo.name)) for m in made]
    return {name: f"the same photo as {other}" for name, other in originals if name != other}


def _alike(made: Sequence[Made]) -> Reasons:
    """Find photos of nearly the same view as one that is kept; the first one stays."""
    thumbnails = np.array([m.thumbnail for m in made], np.float32).reshape(len(made), THUMBNAIL**2)
    means = thumbnails.mean(axis=1)
    reasons: Reasons = {}
    kept: list[int] = []
    for i, m in enumerate(made):
        others = np.array(kept, dtype=int)
        # Their means differ by no more than their pixels do in the mean: most need no closer look.
        others = others[np.abs(means[others] - means[i]) < ALIKE]
        differences = np.abs(thumbnails[others] - thumbnails[i]).mean(axis=1)
        same = [int(j) for j in others[differences < ALIKE] if not _apart(m, made[int(j)])]
        if same:
            reasons[m.photo.name] = f"the same view as {made[same[0]].photo.name}"
        else:
            kept.append(i)
    return reasons


def _apart(one: Made, other: Made) -> bool:
    places = [m.photo.gps for m in (one, other) if m.photo.gps]
    if one.photo.rig or other.photo.rig:
        return True  # the views of a panorama look different ways
    return len(places) == 2 and bool(np.linalg.norm(enu_metres(places)[0]) * 2 > APART)


def _light(made: Sequence[Made]) -> Reasons:
    light = np.log2(np.maximum([m.light for m in made], 1e-4))
    off = light - np.median(light)
    return {
        m.photo.name: "too dark" if stops < 0 else "too bright"
        for m, stops in zip(made, off, strict=True)
        if abs(stops) > STOPS and m.flat > FLAT
    }


def _blur(made: Sequence[Made]) -> Reasons:
    """Find photos far less sharp than all and than those taken before and after them."""
    sharp = np.array([m.sharpness for m in made])
    usual = np.minimum(np.median(sharp), _running_median(sharp))
    return {
        m.photo.name: "blurred"
        for m, blurred in zip(made, sharp < BLURRED * usual, strict=True)
        if blurred
    }


def _running_median(values: Array) -> Array:
    reach = range(len(values))
    near = (values[max(i - NEIGHBOURS, 0) : i + NEIGHBOURS + 1] for i in reach)
    return np.array([np.median(some) for some in near])


def cover(made: Sequence[Made], most: int | None) -> tuple[list[Made], Reasons]:
    """Pick at most `most` photos that cover what all of them cover."""
    if most is None or len(made) <= most:
        return list(made), {}
    pick: Callable[[Sequence[Made], int], list[int]]
    pick = _by_place if all(m.photo.gps for m in made) else _by_looks
    chosen = sorted(pick(made, most))
    taken = set(chosen)
    reasons = {m.photo.name: SPARE for i, m in enumerate(made) if i not in taken}
    return [made[i] for i in chosen], reasons


def _by_place(made: Sequence[Made], most: int) -> list[int]:
    """Take the photo farthest from all taken, again and again (Gonzalez, 1985).

    A photo that looks elsewhere counts as farther away: half a turn as half of the extent.
    """
    places = enu_metres([m.photo.gps for m in made if m.photo.gps])
    places[:, 2] = [m.photo.above_start or 0.0 for m in made]  # GPS heights drift by 100 metres
    places = places - places.mean(axis=0)
    extent = float(np.linalg.norm(places, axis=1).max())
    ahead = np.array([_ahead(m.photo.gimbal) for m in made])
    points = np.hstack([places, ahead * max(extent, 1.0) / 4])
    chosen = [int(np.linalg.norm(points, axis=1).argmin())]
    far = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < most:
        chosen.append(int(far.argmax()))
        far = np.minimum(far, np.linalg.norm(points - points[chosen[-1]], axis=1))
        far[chosen] = -1
    return chosen


def _ahead(gimbal: tuple[float, float, float] | None) -> Array:
    """Return the unit vector (east, north, up) that a gimbal looks along; zeros if unknown."""
    if gimbal is None:
        return np.zeros(3)
    yaw, pitch = np.radians(gimbal[0]), np.radians(gimbal[1])
    level = np.cos(pitch)
    return np.array([np.sin(yaw) * level, np.cos(yaw) * level, np.sin(pitch)])


def _by_looks(made: Sequence[Made], most: int) -> list[int]:
    """Take photos at even steps of change along the order in which they were taken.

    Where many show nearly the same, few are taken; of those near a step, the sharpest.
    """
    thumbnails = np.array([m.thumbnail for m in made], np.float32)
    steps = np.abs(np.diff(thumbnails, axis=0)).mean(axis=(1, 2))
    path = np.concatenate([[0.0], np.cumsum(np.minimum(steps, 3 * steps.mean()) + 1e-6)])
    sharp = np.array([m.sharpness for m in made])
    left = np.ones(len(made), bool)
    chosen = []
    spacing = path[-1] / (most - 1)
    for wanted in np.linspace(0, path[-1], most):
        away = np.where(left, np.abs(path - wanted), np.inf)
        near = np.flatnonzero(away <= 0.25 * spacing)
        best = int(near[sharp[near].argmax()]) if len(near) else int(away.argmin())
        left[best] = False
        chosen.append(best)
    return chosen
