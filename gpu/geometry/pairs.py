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
#: Of more photos each is compared with this many that look like it ...
ALIKE = 8
#: ... with these of its neighbours, counted from the nearest, where GPS says where all were taken:
#: of dense photos the nearest see everything from one place, and lenses need wide angles ...
NEIGHBOURS = (*range(1, 9), 10, 12, 16, 24, 32)
#: ... and with this many followers in the order in which they were taken. Without GPS with more of
#: them, and those 8, 16, 32, ... further on, which close the loops of a walk.
FOLLOWERS, FOLLOWERS_ALONE = 3, 6

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
    places = [photo.gps for photo in photos if photo.gps]
    near = _near(enu_metres(places)[:, :2]) if len(places) == count else set()
    steps = range(1, FOLLOWERS + 1) if near else _steps_alone(count)
    followers = {_pair(order[i], order[i + step]) for step in steps for i in range(count - step)}
    return sorted(near | followers | set(alike))


def _order(photos: Sequence[Photo]) -> list[int]:
    """Return the photos in the order in which they were taken: by the frame of their video, by
    the clock of the camera if all have it, else by name."""
    timed = all(photo.taken for photo in photos)

    def when(i: int) -> tuple[str, str, int]:
        return photos[i].sequence or "", (photos[i].taken or "") if timed else "", i

    return sorted(range(len(photos)), key=when)


def _pair(one: int, other: int) -> Pair:
    return (min(one, other), max(one, other))


def _steps_alone(count: int) -> tuple[int, ...]:
    """Return how far on photos are compared of whose places nothing is known."""
    return (*range(1, FOLLOWERS_ALONE + 1), *(1 << k for k in range(3, count.bit_length())))


def _near(places: NDArray[np.float64]) -> set[Pair]:
    """Pair every place [N, 2] (metres) with its NEIGHBOURS, as far as there are so many."""
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(distances, -1.0)  # each is its own nearest, also among others at its place
    order = np.argsort(distances, axis=1, kind="stable")
    wanted = [rank for rank in NEIGHBOURS if rank < len(places)]
    return {_pair(i, int(j)) for i, row in enumerate(order[:, wanted]) for j in row}
