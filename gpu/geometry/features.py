"""The database of cameras, features and matches, filled a few photos at a time.

Photos and cameras enter it in a fixed order before anything runs in parallel, so that the same
photos and seed give the same geometry.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pycolmap
from numpy.typing import NDArray
from PIL import Image

from gpu.geometry.pairs import Pair
from gpu.geometry.rigs import apart, lens_of, write_rigs
from gpu.ingest.photos import Photo

#: COLMAP's guess where the EXIF says nothing: a field of view of about 45 degrees.
FOCAL_GUESS = 1.2
#: Photos and pairs that are given to COLMAP at once: enough for all cores, few enough to report.
PHOTOS_AT_ONCE, PAIRS_AT_ONCE = max(16, 2 * (os.cpu_count() or 1)), 240
#: SIFT finds its features in photos of this long side; it looks at larger ones scaled down.
SIFT_SIZE = 1600
#: Smaller photos than this (long side) are looked at enlarged: they have too few features else. Of
#: MANY photos and more only the tiny are: enough others see what one of them misses.
SMALL, TINY, MANY = 1200, 700, 60
#: How many times as large small and tiny photos are looked at. Twice, as COLMAP looks at all, is up
#: to twice the work, for the finest features, which the limit then leaves out again.
ENLARGED, TINY_ENLARGED = 1.5, 1.7

Say = Callable[[float, str], None]
Array = NDArray[np.float64]


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
    """Add the SIFT features of every photo, but none where its mask is black.

    COLMAP looks at grey pictures of the photos, in the size that suits them, in a folder and a
    database of their own.
    """
    options, scale = sift_options(effort), enlargement(photos, effort)
    for start in range(0, len(photos), PHOTOS_AT_ONCE):
        some = photos[start : start + PHOTOS_AT_ONCE]
        with TemporaryDirectory(dir=file.parent) as folder, ThreadPoolExecutor() as threads:
            looks = list(threads.map(lambda p: _look(images, p, scale, Path(folder)), some))
            found = Path(folder) / "features.db"
            pycolmap.extract_features(
                found,
                folder,
                image_names=[look.picture for look in looks],
                camera_mode=pycolmap.CameraMode.PER_IMAGE,
                extraction_options=options,
            )
            _take(found, file, looks)
        done = start + len(some)
        say(done / len(photos), f"Found features in {done} of {len(photos)} photos")


@dataclass(frozen=True)
class _Look:
    """A photo as it is looked at: the picture's name, its size over the photo's, [2], and where
    its features count ([height, width], None: everywhere)."""

    image: str
    picture: str
    scale: Array
    mask: NDArray[np.bool_] | None


def _look(images: Path, photo: Photo, scale: float, folder: Path) -> _Look:
    """Write a photo's grey picture, `scale` times as large but not larger than SIFT_SIZE."""
    scale = min(scale, SIFT_SIZE / max(photo.width, photo.height))
    size = (round(scale * photo.width), round(scale * photo.height))
    picture = f"{photo.image}.bmp"
    with Image.open(images / photo.image) as opened:
        opened.draft("L", size)
        opened.convert("L").resize(size, Image.Resampling.BICUBIC).save(folder / picture)
    mask = None
    if photo.masked:  # gpu.job.paths: <image>.png
        with Image.open(images.with_name("masks") / f"{photo.image}.png") as black_and_white:
            grey = black_and_white.convert("L").resize(size, Image.Resampling.NEAREST)
        mask = np.asarray(grey) > 0
    return _Look(photo.image, picture, np.array(size) / (photo.width, photo.height), mask)


def _take(found: Path, file: Path, looks: Sequence[_Look]) -> None:
    """Bring the features of pictures into the photos' database, in the photos' pixels."""
    with (
        pycolmap.Database.open(found) as pictures,
        pycolmap.Database.open(file) as database,
        pycolmap.DatabaseTransaction(database),
    ):
        numbers = {image.name: image.image_id for image in pictures.read_all_images()}
        photos = {image.name: image.image_id for image in database.read_all_images()}
        for look in looks:
            picture = numbers[look.picture]
            points, described = pictures.read_keypoints(picture), pictures.read_descriptors(picture)
            if look.mask is not None:
                last = np.array(look.mask.shape)[::-1] - 1
                columns, rows = np.minimum(points[:, :2].astype(int), last).T
                inside = look.mask[rows, columns]
                points, described.data = points[inside], described.data[inside]
            points /= look.scale[[0, 1, 0, 0, 1, 1]]  # x, y, and the shape row by row
            database.write_keypoints(photos[look.image], points)
            database.write_descriptors(photos[look.image], described)


def enlargement(photos: Sequence[Photo], effort: Effort) -> float:
    """Return how many times as large as they are photos are looked at."""
    if effort.enlarged:
        return 1.0  # COLMAP does it
    side = median(max(photo.width, photo.height) for photo in photos)
    if side < TINY:
        return TINY_ENLARGED
    return ENLARGED if side < SMALL and len(photos) < MANY else 1.0


def sift_options(effort: Effort) -> pycolmap.FeatureExtractionOptions:
    """Return how features are found. COLMAP's first octave -1 is a picture twice as large."""
    options = pycolmap.FeatureExtractionOptions()
    options.sift.first_octave = -1 if effort.enlarged else 0
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
