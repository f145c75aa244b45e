"""Where GPS says that the cameras were, as one more thing that the last adjustment holds to.

Photos alone leave a long flight free to bend: seen from above, a lens a little wrong and a valley
are the same (James and Robson, "Mitigating systematic error in topographic models", ESPL 2014).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pycolmap
from numpy.typing import NDArray

from gpu.geometry.gps import enu_metres
from gpu.geometry.mapping import PRECISE, adjustment, drop_wrong
from gpu.geometry.world import World
from gpu.ingest.photos import Photo

Array = NDArray[np.float64]

#: GPS is not taken to be better than this (metres), whatever its receiver says: antennas sit beside
#: cameras.
BEST = 0.03
#: The mean length of an error in the picture over its standard deviation in x and in y (Rayleigh).
RAYLEIGH = np.sqrt(np.pi / 2)
#: Standard deviations from which a place counts ever less (Cauchy): 95 % of normal errors in space
#: are nearer (chi-square with three degrees of freedom, as in COLMAP's mapper).
FAR = 2.7955
#: The model may fit the photos worse by this share, and lose this share of observations, no more.
WORSE = 0.01


def hold_to_gps(
    model: pycolmap.Reconstruction, photos: Sequence[Photo], world: World
) -> pycolmap.Reconstruction | None:
    """Return `model`, which is in the frame of `world`, adjusted to the photos and to GPS together.

    GPS counts as its receiver says that it is good, else as it agrees with the model. None without
    GPS that is believed, or where what comes out fits the photos worse.
    """
    if world.origin is None or world.gps_across is None or world.gps_up is None:
        return None
    held, config = pycolmap.Reconstruction(model), pycolmap.BundleAdjustmentConfig()
    agreed = (*[world.gps_across / np.sqrt(2)] * 2, world.gps_up)
    before = model.compute_mean_reprojection_error()
    located = {photo.image: photo for photo in photos if photo.gps}
    priors = []
    for number in sorted(held.reg_image_ids()):
        image = held.image(number)
        config.add_image(number)
        photo = located.get(image.name)
        if photo and photo.gps:
            place = enu_metres([photo.gps], world.origin)[0]
            priors.append(_prior(image, place, _sigma(photo.gps_sigma or agreed, before)))
    trust = pycolmap.PosePriorBundleAdjustmentOptions()
    trust.ceres.prior_position_loss_function_type = pycolmap.LossFunctionType.CAUCHY
    trust.ceres.prior_position_loss_scale = FAR
    options = adjustment(held, PRECISE)
    pycolmap.create_pose_prior_bundle_adjuster(options, trust, config, priors, held).solve()
    drop_wrong(held)
    worse = held.compute_mean_reprojection_error() > (1 + WORSE) * before
    fewer = held.compute_num_observations() < (1 - WORSE) * model.compute_num_observations()
    return None if worse or fewer else held


def _sigma(metres: Sequence[float], error: float) -> Array:
    """Return a place's standard deviation in units of those of the photos: the adjustment takes
    these for 1 pixel, but they are what the mean `error` says."""
    sigma: Array = np.maximum(metres, BEST) * RAYLEIGH / error
    return sigma


def _prior(image: pycolmap.Image, place: Array, sigma: Array) -> pycolmap.PosePrior:
    prior = pycolmap.PosePrior()
    prior.corr_data_id = image.data_id
    prior.coordinate_system = pycolmap.PosePriorCoordinateSystem.CARTESIAN
    prior.position, prior.position_covariance = place, np.diag(sigma**2)
    return prior
