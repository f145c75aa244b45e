"""Structure from motion: incremental (Schönberger and Frahm, CVPR 2016) or global (Pan et al.,
"Global Structure-from-Motion Revisited", ECCV 2024), each run giving its models."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pycolmap

from gpu.geometry.features import Say
from gpu.geometry.rigs import exact_cameras
from gpu.job import MIN_PHOTOS

#: A model in which photos share fewer points than this on average holds together by chance: eight
#: photos of unrelated rooms reach 94, the hardest real street 193.
CREDIBLE_OBSERVATIONS = 120.0
#: Pixels from which an observation counts ever less in the last adjustment. The real sets' mean
#: errors are 0.25 to 0.65: what lies farther off is more often a wrong match than a coarse one.
PRECISE = 0.5
#: Cameras and points are adjusted again and again while photos are placed, and once more at the
#: end: what comes before need not be as exact as COLMAP's defaults make it. By how much a model
#: grows until all of it is adjusted; how often that is repeated, unless a smaller share of
#: observations changes; and the share of the cost from which a step is the last, of all and of a
#: new photo's neighbours. Half the work of placing photos, for the same cameras.
GROWTH, REPEATED, CHANGED = 1.3, 2, 0.002
ROUGH, ROUGH_NEAR = 1e-5, 1e-4
#: The last adjustment ends when a step lowers the cost by less than this share, or after so many. A
#: tenth of this share doubles the work and moves the cameras of the sets with a truth by 0.01 mm.
SETTLED, MOST_STEPS = 1e-5, 50

#: Photos up to which one thread places them. COLMAP's threads race for the first two photos, and
#: others to begin with give the same cameras but not to the last digit; and of so few photos it
#: adjusts by one thread anyway, being below 50,000 residuals.
FEW = 20

#: Pixels from which an observation is wrong: COLMAP's own limit while photos are placed.
WRONG = 4.0


@dataclass(frozen=True)
class Mapper:
    """How photos are placed. `angle` (degrees) is asked between the rays of the first pair;
    `start` and `join` are the inliers that the first pair and each further photo need.

    `depth` (degrees) is the angle from which a point's depth counts, and `ahead` how far the first
    step may lead forward (the cosine between step and view).
    """

    angle: float = 16.0
    start: int = 100
    join: int = 30
    depth: float = 1.5
    ahead: float = 0.95
    at_once: bool = False


#: COLMAP's own start and joining; then what narrow baselines and few matches allow. A walk down a
#: street steps forward, and sees what is ahead at less than a degree: with COLMAP's 1.5 one of
#: lund's 29 cameras lands a hundred metres off, with half of it the whole path is even.
USUAL_STEPS = Mapper()
SHORT_STEPS = Mapper(angle=4.0, start=50, join=15, depth=0.75, ahead=1.0)


def run_mapper(
    folder: Path, images: Path, mapper: Mapper, photos: int, seed: int, say: Say
) -> list[pycolmap.Reconstruction]:
    """Place the photos of `folder`/database.db; return the credible models, the largest first.

    The largest is adjusted once more, by a robust loss: COLMAP's own adjustments are least squares.
    """
    output = folder / "models"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    run = _globally if mapper.at_once else _one_by_one
    models = run(folder / "database.db", images, output, mapper, photos, seed, say)
    credible = [model for model in models.values() if is_credible(model)]
    credible.sort(key=lambda m: (-m.num_reg_images(), -m.num_points3D()))
    if credible:
        adjust(credible[0], PRECISE)
    return credible


def adjust(model: pycolmap.Reconstruction, scale: float) -> None:
    """Adjust all cameras and points together, in place (`adjustment`), and drop what ends wrong."""
    level = pycolmap.logging.minloglevel
    pycolmap.bundle_adjustment(model, adjustment(model, scale))
    pycolmap.logging.minloglevel = level  # which it lowers: each photo would get a line in the log
    drop_wrong(model)


def drop_wrong(model: pycolmap.Reconstruction) -> None:
    """Take observations that are more than WRONG pixels off, or behind their camera, out of `model`
    and bring the points' errors up to date.

    A robust loss hardly minds a single wrong point: it may leave it behind a camera, where its
    error is the largest number that there is, and so the model's mean.
    """
    pycolmap.ObservationManager(model).filter_all_points3D(WRONG, 0.0)


def adjustment(model: pycolmap.Reconstruction, scale: float) -> pycolmap.BundleAdjustmentOptions:
    """Return COLMAP's options for a loss that is linear, not square, for observations more than
    `scale` pixels off (soft L1).

    How views of a 360 degree photo stand to each other is known, and so are their lenses: with any
    of them all lenses stay as they are.
    """
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_sensor_from_rig = False
    if exact_cameras(model.rigs.values()):
        options.refine_focal_length = options.refine_extra_params = False
    options.ceres.loss_function_type = pycolmap.LossFunctionType.SOFT_L1
    options.ceres.loss_function_scale = scale
    options.ceres.solver_options.function_tolerance = SETTLED
    options.ceres.solver_options.max_num_iterations = MOST_STEPS
    options.print_summary = False
    return options


def is_credible(model: pycolmap.Reconstruction) -> bool:
    """Say whether a model holds together by more than chance."""
    enough = model.num_reg_images() >= MIN_PHOTOS and model.num_points3D() > 0
    return enough and model.compute_mean_observations_per_reg_image() >= CREDIBLE_OBSERVATIONS


def _one_by_one(
    database: Path, images: Path, output: Path, mapper: Mapper, photos: int, seed: int, say: Say
) -> dict[int, pycolmap.Reconstruction]:
    counter = _Counter(photos, say)
    options = incremental_options(mapper, photos, seed)
    with pycolmap.Database.open(database) as opened:
        options.constant_cameras = exact_cameras(opened.read_all_rigs())
    return pycolmap.incremental_mapping(
        database,
        images,
        output,
        options,
        initial_image_pair_callback=counter.first_pair,
        next_image_callback=counter.next_image,
    )


def incremental_options(
    mapper: Mapper, photos: int, seed: int
) -> pycolmap.IncrementalPipelineOptions:
    """Return COLMAP's options for placing photos one by one."""
    options = pycolmap.IncrementalPipelineOptions()
    options.random_seed = seed
    if photos <= FEW:
        options.num_threads = 1
    options.min_model_size = MIN_PHOTOS
    options.max_num_models = 10
    options.ba_refine_sensor_from_rig = False
    options.max_runtime_seconds = 60 + 30 * photos
    options.ba_global_frames_ratio = options.ba_global_points_ratio = GROWTH
    options.ba_global_max_refinements, options.ba_local_max_refinements = REPEATED, 1
    options.ba_global_max_refinement_change = CHANGED
    options.ba_global_function_tolerance, options.ba_local_function_tolerance = ROUGH, ROUGH_NEAR
    options.mapper.init_min_tri_angle = mapper.angle
    options.mapper.init_min_num_inliers = mapper.start
    options.mapper.init_max_forward_motion = mapper.ahead
    options.mapper.abs_pose_min_num_inliers = mapper.join
    options.mapper.filter_min_tri_angle = options.triangulation.min_angle = mapper.depth
    return options


def _globally(
    database: Path, images: Path, output: Path, mapper: Mapper, photos: int, seed: int, say: Say
) -> dict[int, pycolmap.Reconstruction]:
    """Place all photos at once. Focal lengths that no EXIF states are calibrated first."""
    calibration = pycolmap.ViewGraphCalibrationOptions()
    calibration.random_seed = seed
    pycolmap.calibrate_view_graph(database, calibration)
    options = pycolmap.GlobalPipelineOptions()
    options.random_seed = seed
    options.min_model_size = MIN_PHOTOS
    options.mapper.refine_sensor_from_rig = False
    options.mapper.rotation_averaging.refine_sensor_from_rig = False
    options.mapper.global_positioning.refine_sensor_from_rig = False
    options.mapper.bundle_adjustment.refine_sensor_from_rig = False
    say(0.1, f"Placing all {photos} photos at once")
    return pycolmap.global_mapping(database, images, output, options)


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
        self._say(part, f"Placed {self._placed} of {self._photos} photos")
