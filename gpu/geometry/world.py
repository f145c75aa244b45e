"""The frame of the results: Z up, metres where GPS allows it, the ground at height 0.

With trustworthy GPS the axes are East, North, Up. Without, up comes from how people hold
cameras, and the unit makes the median distance from camera to scene 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pycolmap
from numpy.typing import NDArray

from gpu.geometry.georeference import NotBelieved, georeference
from gpu.geometry.gravity import up_of_gravity, up_of_level_flight
from gpu.ingest.exif import Gps

Array = NDArray[np.float64]

#: The median distance from camera to scene without GPS, in units of the results.
SCENE_DISTANCE = 10.0
#: Points below this percentile of height are taken for errors; the ground starts here.
GROUND_PERCENTILE = 10.0


@dataclass(frozen=True)
class World:
    """How the frame was found. `origin` is the GPS place of (0, 0, 0).

    `gps_rmse` and its parts `gps_across` (on the ground) and `gps_up` (in height) are in metres;
    `gps_note` says why GPS was not used, `up_from` what told up.
    """

    metric: bool
    gps_rmse: float | None = None
    gps_agreeing: int = 0
    origin: Gps | None = None
    gps_across: float | None = None
    gps_up: float | None = None
    gps_note: str = ""
    up_from: str = "cameras"


def to_world(
    model: pycolmap.Reconstruction,
    gps: Mapping[str, Gps],
    *,
    aerial: bool,
    seed: int,
    ups: Mapping[str, Array] = MappingProxyType({}),
) -> World:
    """Move `model` into the world frame, in place; `gps` and `ups` (gpu.geometry.gravity) are by
    image name.

    `aerial` decides the one ambiguous case: photos that all look the same way, upright, show a
    wall from the front, or the ground from a drone that never turned.
    """
    up, sure = up_of_cameras(*_camera_axes(model), aerial=aerial)
    level, up_from = up_of_gravity(_rotations(model), ups), "cameras"
    if level is not None:
        up, sure, up_from = level, True, "gravity"
    elif aerial and (level := up_of_level_flight(_centres(model), up)) is not None:
        up, sure, up_from = level, True, "flight"
    try:
        fit = georeference(centres_of(model), gps, up if sure else None, seed)
    except NotBelieved as why:
        model.transform(_upright(model, up))
        world = World(metric=False, gps_note=str(why), up_from=up_from)
    else:
        model.transform(fit.transform)
        world = World(
            True, fit.rmse, fit.agreeing, fit.origin, fit.across, fit.upward, up_from="GPS"
        )
    ground = ground_height(points_of(model))
    middle_xy = np.zeros(2) if world.metric else np.median(points_of(model)[:, :2], axis=0)
    shift = -np.array([*middle_xy, ground])
    model.transform(pycolmap.Sim3d(1.0, pycolmap.Rotation3d(), shift))
    return _lifted(world, ground)


def _lifted(world: World, ground: float) -> World:
    if world.origin is None:
        return world
    latitude, longitude, altitude = world.origin
    return replace(world, origin=(latitude, longitude, altitude + ground))


def up_of_cameras(right: Array, down: Array, forward: Array, *, aerial: bool) -> tuple[Array, bool]:
    """Return the unit vector up and whether it is sure, from cameras' axes, each [N, 3].

    People and gimbals keep the horizon level, so up is perpendicular to every camera's right
    axis: the right axes' smallest singular vector, once the cameras face different ways.
    """
    _, sizes, axes = np.linalg.svd(right, full_matrices=False)
    if sizes[1] > 0.2 * sizes[0]:
        by_down, by_forward = -down.mean(axis=0) @ axes[2], -forward.mean(axis=0) @ axes[2]
        return axes[2] * np.sign(by_down if abs(by_down) > 0.2 else by_forward), True
    # A drone that flies to and fro turns its pictures upside down; people do not.
    straight_down = aerial or bool((down @ down[0] < -0.5).any())
    return _unit(-forward.mean(axis=0) if straight_down else -down.mean(axis=0)), False


def ground_height(points: Array) -> float:
    """Return the height of the ground below points [N, 3]: a low percentile, not the lowest."""
    return float(np.percentile(points[:, 2], GROUND_PERCENTILE))


def points_of(model: pycolmap.Reconstruction) -> Array:
    """Return the model's points [N, 3], without those seen twice only where others suffice."""
    points = list(model.points3D.values())
    steady = [p.xyz for p in points if p.track.length() > 2]
    return np.array(steady if len(steady) > 100 else [p.xyz for p in points])


def centres_of(model: pycolmap.Reconstruction) -> dict[str, Array]:
    """Return the registered cameras' centres by image name."""
    images = (model.image(i) for i in model.reg_image_ids())
    return {image.name: image.projection_center() for image in images}


def scene_distance(model: pycolmap.Reconstruction) -> float:
    """Return the median over cameras of the median depth of the points that they see."""
    depths = []
    for number in model.reg_image_ids():
        image = model.image(number)
        seen = [model.point3D(p.point3D_id).xyz for p in image.get_observation_points2D()]
        depths.append(
            np.median((np.array(seen) - image.projection_center()) @ image.viewing_direction())
        )
    return float(np.median(depths))


def _rotations(model: pycolmap.Reconstruction) -> dict[str, Array]:
    """Return the registered images' rotations, world to camera, in the order of their numbers."""
    images = (model.image(number) for number in sorted(model.reg_image_ids()))
    return {image.name: image.cam_from_world().rotation.matrix() for image in images}


def _centres(model: pycolmap.Reconstruction) -> Array:
    """Return the registered cameras' centres [N, 3]."""
    return np.array(list(centres_of(model).values()))


def _camera_axes(model: pycolmap.Reconstruction) -> tuple[Array, Array, Array]:
    """Return the right, down and forward axes of the registered cameras, each [N, 3]."""
    rotations = np.stack(list(_rotations(model).values()))
    return rotations[:, 0], rotations[:, 1], rotations[:, 2]


def _upright(model: pycolmap.Reconstruction, up: Array) -> pycolmap.Sim3d:
    """Return the similarity that turns `up` to +Z and scales the scene's distance to 10.

    The first camera looks, as far as it looks sideways at all, along +Y.
    """
    _, _, forward = _camera_axes(model)
    ahead = forward[0] - (forward[0] @ up) * up
    if np.linalg.norm(ahead) < 0.1:
        ahead = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    ahead = _unit(ahead)
    rotation = np.stack([np.cross(ahead, up), ahead, up])
    scale = SCENE_DISTANCE / max(scene_distance(model), 1e-9)
    return pycolmap.Sim3d(scale, pycolmap.Rotation3d(rotation), np.zeros(3))


def _unit(vector: Array) -> Array:
    unit: Array = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit
