"""The database of cameras, features and matches, filled a few photos at a time.

Photos and cameras enter it in a fixed order before anything runs in parallel, so that the same
photos and seed give the same geometry.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from statistics import median

import pycolmap

from gpu.geometry.pairs import Pair
from gpu.geometry.rigs import apart, lens_of, write_rigs
from gpu.ingest.photos import Photo

#: COLMAP's guess where the EXIF says nothing: a field of view of about 45 degrees.
FOCAL_GUESS = 1.2
#: Photos and pairs that are given to COLMAP at once: enough for all cores, few enough to report.
PHOTOS_AT_ONCE, PAIRS_AT_ONCE = max(16, 2 * (os.cpu_count() or 1)), 120
#: SIFT finds its features in photos of this long side; it looks at larger ones scaled down.
SIFT_SIZE = 1600
#: A smaller photo than this (long side) is looked at twice as large: it has too few features else.
#: Of MANY photos and more only the tiny are: enough others see what one of them misses, and it is
#: four times the work.
SMALL, TINY, MANY = 1200, 700, 60

Say = Callable[[float, str], None]


@dataclass(frozen=True)
class Effort:
    """How hard to look: features a photo, the contrast from which something is one, whether photos
    are first enlarged (four times the work), and whether a pair's geometry guides a second look for
    matches."""

    features: int
    contrast: float
    enlarged: bool = False
    guided: bool = False

    def finds_as(self, other: Effort | None) -> bool:
        """Say whether it finds the very features that `other` finds."""
        return other is not None and replace(self, guided=other.guided) == other


def new_database(file: Path, photos: Sequence[Photo]) -> None:
    """Make a database at `file` with one camera for each group of photos that shares one, and the
    rigs of 360 degree photos.

    COLMAP's own import opens every picture for its size, which is known here.
    """
    file.unlink(missing_ok=True)
    with pycolmap.Database.open(file) as database, pycolmap.DatabaseTransaction(database):
        for _, group in groupby(sorted(photos, key=lens_of), key=lens_of):
            members = list(group)
            number = database.write_camera(_camera(members))
            for photo in members:
                database.write_image(pycolmap.Image(name=photo.image, camera_id=number))
        write_rigs(database, photos)


def _camera(photos: Sequence[Photo]) -> pycolmap.Camera:
    """Make the camera of one group, with the EXIF's focal length as a prior where there is one."""
    first = photos[0]
    known = [photo.focal for photo in photos if photo.focal]
    focal = median(known) if known else FOCAL_GUESS * max(first.width, first.height)
    model = "SIMPLE_PINHOLE" if first.rig else "SIMPLE_RADIAL"
    camera = pycolmap.Camera.create_from_model_name(
        pycolmap.INVALID_CAMERA_ID, model, focal, first.width, first.height
    )
    camera.has_prior_focal_length = bool(known)
    return camera


def find_features(
    file: Path, images: Path, photos: Sequence[Photo], effort: Effort, say: Say
) -> None:
    """Add the SIFT features of every photo, but none where its mask is black."""
    options = sift_options(photos, effort)
    for start in range(0, len(photos), PHOTOS_AT_ONCE):
        some = photos[start : start + PHOTOS_AT_ONCE]
        for masked in (False, True):
            names = [photo.image for photo in some if photo.masked is masked]
            if names:
                pycolmap.extract_features(
                    file,
                    images,
                    image_names=names,
                    reader_options=_reader(images, masked=masked),
                    extraction_options=options,
                )
        done = start + len(some)
        say(done / len(photos), f"Found features in {done} of {len(photos)} photos")


def _reader(images: Path, *, masked: bool) -> pycolmap.ImageReaderOptions:
    """Say where masks are (gpu.job.paths: <image>.png): photos without one would not be read."""
    reader = pycolmap.ImageReaderOptions()
    if masked:
        reader.mask_path = images.with_name("masks")
    return reader


def sift_options(photos: Sequence[Photo], effort: Effort) -> pycolmap.FeatureExtractionOptions:
    """Return how features are found in these photos."""
    side = median(max(photo.width, photo.height) for photo in photos)
    small = side < (SMALL if len(photos) < MANY else TINY)
    options = pycolmap.FeatureExtractionOptions()
    options.max_image_size = SIFT_SIZE
    options.sift.first_octave = -1 if effort.enlarged or small else 0
    options.sift.max_num_features = effort.features
    options.sift.peak_threshold = effort.contrast
    return options


def forget_matches(file: Path) -> None:
    """Take all matches out of the database; its features stay."""
    with pycolmap.Database.open(file) as database:
        database.clear_two_view_geometries()
        database.clear_matches()


def match(
    file: Path, photos: Sequence[Photo], pairs: Sequence[Pair], effort: Effort, seed: int, say: Say
) -> None:
    """Add the matches of `pairs`, verified by the geometry of two views.

    Views of one 360 degree photo are not compared: they have no depth, and one place anyway.
    """
    pairs = apart(photos, pairs)
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = file.with_suffix(".pairs")
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = seed
    matching = pycolmap.FeatureMatchingOptions()
    matching.guided_matching = effort.guided
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        some = pairs[start : start + PAIRS_AT_ONCE]
        lines = [f"{photos[i].image} {photos[j].image}" for i, j in some]
        pairing.match_list_path.write_text("\n".join(lines), encoding="utf-8")
        pycolmap.match_image_pairs(
            file,
            matching_options=matching,
            pairing_options=pairing,
            verification_options=verification,
        )
        done = start + len(some)
        say(done / len(pairs), f"Compared {done} of {len(pairs)} pairs of photos")
