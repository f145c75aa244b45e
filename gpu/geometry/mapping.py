"""Incremental structure from motion (Schönberger and Frahm, CVPR 2016), tried harder if needed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pycolmap

from gpu.geometry.features import Effort, Say, build_database
from gpu.geometry.pairs import choose_pairs
from gpu.ingest.errors import MIN_PHOTOS
from gpu.ingest.photos import Photo

#: A model in which photos share fewer points than this on average holds together by chance: eight
#: photos of unrelated rooms reach 57, the hardest real street 170.
CREDIBLE_OBSERVATIONS = 90.0
#: With this share of the photos placed, no harder attempt follows.
ENOUGH = 0.95


@dataclass(frozen=True)
class Attempt:
    """One way to run the mapper.

    `angle` (degrees) between the rays of the first pair; `start` and `join` are the inliers that
    the first pair and each further photo need.
    """

    effort: Effort
    angle: float
    start: int
    join: int


USUAL, HARD = Effort(3000, 0.0067), Effort(8192, 0.003)
#: COLMAP's defaults; then short baselines and few matches; then the same with more features.
LADDER = (
    Attempt(USUAL, angle=16.0, start=100, join=30),
    Attempt(USUAL, angle=4.0, start=50, join=15),
    Attempt(HARD, angle=4.0, start=50, join=15),
)
#: Which part of the progress each attempt has: most jobs need only the first.
STRETCHES = ((0.0, 0.8), (0.8, 0.85), (0.85, 1.0))


@dataclass(frozen=True)
class Model:
    """The best model found, and which rung of the ladder (from 1) found it."""

    reconstruction: pycolmap.Reconstruction
    rung: int

    @property
    def registered(self) -> int:
        return int(self.reconstruction.num_reg_images())


def needed(photos: int) -> int:
    """Return how many photos must be placed: half of them, but 12 are enough for a scene."""
    return max(MIN_PHOTOS, min(-(-photos // 2), 12))


def find_model(
    folder: Path, images: Path, photos: Sequence[Photo], *, seed: int, say: Say
) -> Model | None:
    """Climb the ladder until enough photos are placed; return the best model, None without any.

    `folder` is for the database and COLMAP's own files.
    """
    best: Model | None = None
    effort: Effort | None = None
    pairs = choose_pairs(photos)
    for rung, attempt in enumerate(LADDER, start=1):
        tell = _part_of(say, *STRETCHES[rung - 1])
        if attempt.effort != effort:
            effort = attempt.effort
            file = folder / "database.db"
            matching = _part_of(tell, 0.0, 0.6)
            build_database(file, images, photos, pairs, effort=effort, seed=seed, say=matching)
        found = _map(folder, images, attempt, len(photos), seed, tell)
        if found and (best is None or found.num_reg_images() > best.registered):
            best = Model(found, rung)
        if best and best.registered >= ENOUGH * len(photos):
            break
    return best


def _part_of(say: Say, low: float, high: float) -> Say:
    """Return a `say` for a part of the work, of which `say` tells the whole."""

    def tell(fraction: float, text: str) -> None:
        say(low + (high - low) * min(fraction, 1.0), text)

    return tell


def _map(
    folder: Path, images: Path, attempt: Attempt, photos: int, seed: int, say: Say
) -> pycolmap.Reconstruction | None:
    """Run the mapper once; return its largest credible model."""
    output = folder / "models"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    counter = _Counter(photos, say)
    models = pycolmap.incremental_mapping(
        folder / "database.db",
        images,
        output,
        _options(attempt, photos, seed),
        initial_image_pair_callback=counter.first_pair,
        next_image_callback=counter.next_image,
    )
    credible = [m for m in models.values() if _observations(m) >= CREDIBLE_OBSERVATIONS]
    return max(credible, key=lambda m: (m.num_reg_images(), m.num_points3D()), default=None)


def _observations(model: pycolmap.Reconstruction) -> float:
    return float(model.compute_mean_observations_per_reg_image())


def _options(attempt: Attempt, photos: int, seed: int) -> pycolmap.IncrementalPipelineOptions:
    options = pycolmap.IncrementalPipelineOptions()
    options.random_seed = seed
    options.min_model_size = MIN_PHOTOS
    options.max_num_models = 10
    options.max_runtime_seconds = 60 + 30 * photos
    options.mapper.init_min_tri_angle = attempt.angle
    options.mapper.init_min_num_inliers = attempt.start
    options.mapper.abs_pose_min_num_inliers = attempt.join
    return options


class _Counter:
    """Counts the photos of the model that is growing."""

    def __init__(self, photos: int, say: Say) -> None:
        self._photos, self._say, self._placed = photos, say, 0

    def first_pair(self) -> None:
        self._placed = 1
        self.next_image()

    def next_image(self) -> None:
        self._placed = min(self._placed + 1, self._photos)
        part = self._placed / self._photos
        self._say(0.6 + 0.4 * part, f"Placed {self._placed} of {self._photos} photos")
