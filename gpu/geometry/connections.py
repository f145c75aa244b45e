"""Which photos show the same things: the match graph, read from COLMAP's database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pycolmap

from gpu.geometry.pairs import Pair
from gpu.ingest.photos import Photo

#: Verified matches from which two photos surely show the same thing: the mapper's own threshold
#: for adding a photo (COLMAP's abs_pose_min_num_inliers).
SURE = 30
#: COLMAP's kinds of pairs that a turn of the camera explains, without a step.
_TURNS = {
    pycolmap.TwoViewGeometryConfiguration.PANORAMIC,
    pycolmap.TwoViewGeometryConfiguration.PLANAR_OR_PANORAMIC,
}


@dataclass(frozen=True)
class Connections:
    """The match graph. Photos are numbers, 0 to N-1 in the order given.

    `features` found in each photo; verified matches of each pair (i, j), i < j; `turned` are the
    pairs that a turn of the camera on the spot explains.
    """

    features: tuple[int, ...]
    matches: Mapping[Pair, int]
    turned: frozenset[Pair] = frozenset()

    def sure(self, least: int = SURE) -> list[Pair]:
        """Return the pairs with enough matches, sorted."""
        return sorted(pair for pair, count in self.matches.items() if count >= least)

    def groups(self, least: int = SURE) -> list[list[int]]:
        """Return the photos that hang together by such pairs, the largest group first."""
        return groups_of(len(self.features), self.sure(least))


def read_connections(file: Path, photos: Sequence[Photo]) -> Connections:
    """Read the match graph of `photos` from the database at `file`."""
    with pycolmap.Database.open(file) as database:
        numbers = {image.name: image.image_id for image in database.read_all_images()}
        place = {numbers[photo.image]: i for i, photo in enumerate(photos)}
        features = tuple(database.num_keypoints_for_image(numbers[photo.image]) for photo in photos)
        pair_ids, pairs = database.read_two_view_geometries()
    matches, turned = {}, set()
    for pair_id, geometry in zip(pair_ids, pairs, strict=True):
        ends = sorted(place[number] for number in pycolmap.pair_id_to_image_pair(pair_id))
        pair = (ends[0], ends[1])
        if len(geometry.inlier_matches):
            matches[pair] = len(geometry.inlier_matches)
        if geometry.config in _TURNS:
            turned.add(pair)
    return Connections(features, matches, frozenset(turned & matches.keys()))


def groups_of(count: int, pairs: Iterable[Pair]) -> list[list[int]]:
    """Return the connected components of `count` photos, the largest first, each sorted."""
    leader = list(range(count))

    def find(photo: int) -> int:
        while leader[photo] != photo:
            leader[photo] = leader[leader[photo]]
            photo = leader[photo]
        return photo

    for one, other in pairs:
        leader[find(one)] = find(other)
    members: dict[int, list[int]] = {}
    for photo in range(count):
        members.setdefault(find(photo), []).append(photo)
    return sorted(members.values(), key=lambda group: (-len(group), group[0]))
