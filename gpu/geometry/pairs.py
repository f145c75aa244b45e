"""Which pairs of photos are compared: all of them, near ones by GPS, or near ones in time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gpu.geometry.gps import enu_metres
from gpu.ingest.photos import Photo

#: Up to this many photos every pair is compared: 1770 pairs take under a minute on two cores.
EXHAUSTIVE = 60
#: Above it, this many nearest neighbours on the ground ...
NEIGHBOURS = 20
#: ... and this many followers in the order of the names, then those 2, 4, 8, ... further on, which
#: close the loops of a walk.
FOLLOWERS = 8

Pair = tuple[int, int]


def choose_pairs(photos: Sequence[Photo]) -> list[Pair]:
    """Return the pairs (i, j), i < j, of photos to compare, sorted."""
    count = len(photos)
    if count <= EXHAUSTIVE:
        return list(combinations(range(count), 2))
    pairs = _sequential(count)
    if all(photo.gps for photo in photos):
        pairs |= _nearest(enu_metres([photo.gps for photo in photos if photo.gps])[:, :2])
    return sorted(pairs)


def _sequential(count: int) -> set[Pair]:
    steps = {*range(1, FOLLOWERS + 1), *(1 << k for k in range(3, count.bit_length()))}
    return {(i, i + step) for step in steps for i in range(count - step)}


def _nearest(places: NDArray[np.float64]) -> set[Pair]:
    """Pair every place [N, 2] (metres) with its nearest ones."""
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    order = np.argsort(distances, axis=1, kind="stable")[:, 1 : NEIGHBOURS + 1]
    return {(min(i, int(j)), max(i, int(j))) for i, row in enumerate(order) for j in row if i != j}
