"""The last adjustment: what wrong matches do to the cameras, and what is left of it."""

import numpy as np
import pycolmap
import pytest

from gpu.geometry.mapping import PRECISE, adjust, drop_wrong
from gpu.geometry.world import centres_of
from tests.gpu.truth import error


def spoiled(seed: int) -> tuple[pycolmap.Reconstruction, dict[str, np.ndarray]]:
    """A model seen to 0.3 pixels, but every tenth observation 3 pixels beside it, and the truth."""
    pycolmap.set_random_seed(seed)
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_frames_per_rig, options.num_points3D = 1, 8, 150
    model = pycolmap.synthesize_dataset(options)
    true, random = centres_of(model), np.random.default_rng(seed)
    for number in sorted(model.reg_image_ids()):
        for point in model.image(number).points2D:
            wrong = random.random() < 0.1
            point.xy = point.xy + random.normal(0, 0.3, 2) + wrong * 3 * random.choice([-1, 1], 2)
    return model, true


@pytest.mark.parametrize("seed", range(3))
def test_wrong_matches_move_the_cameras_less_than_in_least_squares(seed: int) -> None:
    model, true = spoiled(seed)
    squares = pycolmap.Reconstruction(model)
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    pycolmap.bundle_adjustment(squares, options)
    adjust(model, PRECISE)
    assert model.num_reg_images() == len(true)
    assert error(model, true) < 0.75 * error(squares, true)


def test_the_log_stays_as_quiet_as_it_was() -> None:
    model, _ = spoiled(0)
    pycolmap.logging.minloglevel = pycolmap.logging.ERROR.value
    adjust(model, PRECISE)
    assert pycolmap.logging.minloglevel == pycolmap.logging.ERROR.value
    pycolmap.logging.minloglevel = pycolmap.logging.WARNING.value


def test_the_same_model_is_adjusted_to_the_same_cameras() -> None:
    one, _ = spoiled(0)
    other = pycolmap.Reconstruction(one)
    adjust(one, PRECISE)
    adjust(other, PRECISE)
    for name, centre in centres_of(one).items():
        assert np.array_equal(centre, centres_of(other)[name])


def test_a_point_behind_a_camera_is_dropped_and_does_not_spoil_the_models_error() -> None:
    model, _ = spoiled(0)
    number = min(model.point3D_ids())
    seen_by = model.image(model.point3D(number).track.elements[0].image_id)
    model.point3D(number).xyz = seen_by.projection_center() - seen_by.viewing_direction()
    model.update_point_3d_errors()
    assert model.compute_mean_reprojection_error() > 1e100
    points = model.num_points3D()
    drop_wrong(model)
    assert model.compute_mean_reprojection_error() < 2
    assert model.num_points3D() >= points - 1
