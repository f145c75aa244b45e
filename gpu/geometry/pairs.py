"""Which pairs of photos are compared: all, or those that are near by GPS, in time or in looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gpu.geometry.gps import enu_metres
from gpu.ingest.photos import Photo

#: Up to this many photos every pair is compared.
EXHAUSTIVE = 30
#: Above it, this many nearest neighbours on the ground, and as many that look alike ...
NEIGHBOURS, ALIKE = 14, 8
#: ... and this many followers in the order in which they were taken, then those 2, 4, 8, ...
#: further on, which close the loops of a walk.
FOLLOWERS = 6

Pair = tuple[int, int]


def all_pairs(count: int) -> list[Pair]:
    """Return every pair (i, j), i < j, of `count` photos."""
    return list(combinations(range(count), 2))


def choose_pairs(photos: Sequence[Photo], alike: Iterable[Pair] = ()) -> list[Pair]:
    """Return the pairs (i, j), i < j, of photos to compare, sorted; `alike` are pairs by looks."""
    count = len(photos)
    if count <= EXHAUSTIVE:
        return all_pairs(count)
    order = _order(photos)
    pairs = {_pair(order[i], order[j]) for i, j in _sequential(count)} | set(alike)
    if all(photo.gps for photo in photos):
        pairs |= _nearest(enu_metres([photo.gps for photo in photos if photo.gps])[:, :2])
    return sorted(pairs)


def _order(photos: Sequence[Photo]) -> list[int]:
    """Return the photos in the order in which they were taken: by the frame of their video, by
    the clock of the camera if all have it, else by name."""
    timed = all(photo.taken for photo in photos)

    def when(i: int) -> tuple[str, str, int]:
        return photos[i].sequence or "", (photos[i].taken or "") if timed else "", i

    return sorted(range(len(photos)), key=when)


def _pair(one: int, other: int) -> Pair:
    return (min(one, other), max(one, other))


def _sequential(count: int) -> set[Pair]:
    steps = {*range(1, FOLLOWERS + 1), *(1 << k for k in range(3, count.bit_length()))}
    return {(i, i + step) for step in steps for i in range(count - step)}


def _nearest(places: NDArray[np.float64]) -> set[Pair]:
    """Pair every place [N, 2] (metres) with its nearest ones."""
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    order = np.argsort(distances, axis=1, kind="stable")[:, 1 : NEIGHBOURS + 1]
    return {_pair(i, int(j)) for i, row in enumerate(order) for j in row if i != j}
