"""A model from poses that are known roughly: points are triangulated, then all is adjusted.

Poses come from parts that are merged or from a learned method; features and matches are those of
the database as ever, so that the result is as exact as structure from motion's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
from numpy.typing import NDArray

from gpu.geometry.mapping import Mapper, adjust, incremental_options
from gpu.geometry.world import scene_distance

#: How often points are triangulated anew from the adjusted poses. Three bring the synthetic
#: flight's cameras from 1 m and 3 degrees to where structure from motion puts them.
ROUNDS = 3
#: How far (pixels) a point may lie from where it is seen in the first round, and in the last.
ROUGH, FINE = 24.0, 4.0
#: Pixels from which an observation counts ever less while the poses are still rough.
ROUGHLY = 1.0
#: Two parts are one when this many points that both saw agree to this share of the distance from
#: camera to scene.
SHARED_POINTS, CLOSE = 30, 0.02

Array = NDArray[np.float64]


def from_poses(
    folder: Path, images: Path, poses: Mapping[str, pycolmap.Rigid3d], *, seed: int
) -> pycolmap.Reconstruction:
    """Return the model of the images (by name) with these cam_from_world poses.

    `folder` holds database.db with features and matches; `images` the photos.
    """
    model = without_points(folder / "database.db", poses)
    for number in range(ROUNDS):
        share = number / (ROUNDS - 1)
        _triangulate(folder, images, model, ROUGH + share * (FINE - ROUGH), seed)
        adjust(model, ROUGHLY)
    model.normalize()
    return model


def without_points(
    database: Path, poses: Mapping[str, pycolmap.Rigid3d]
) -> pycolmap.Reconstruction:
    """Build the model of the database's cameras and of the images that have a pose.

    What a 360 degree photo shows is placed as a whole, by the pose of any of its views.
    """
    model = pycolmap.Reconstruction()
    with pycolmap.Database.open(database) as opened:
        for camera in opened.read_all_cameras():
            model.add_camera(camera)
        for rig in opened.read_all_rigs():
            model.add_rig(rig)
        images = {image.image_id: image for image in opened.read_all_images()}
        for frame in opened.read_all_frames():
            seen = [images[data.id] for data in frame.data_ids]
            placed = next((image for image in seen if image.name in poses), None)
            if placed:
                frame.reset_rig_ptr()
                model.add_frame(frame)
                for image in seen:
                    points = opened.read_keypoints(image.image_id)[:, :2]
                    model.add_image(_with_points(image, points))
                pose = poses[placed.name]
                model.frame(frame.frame_id).set_cam_from_world(placed.camera_id, pose)
                model.register_frame(frame.frame_id)
    return model


def _with_points(image: pycolmap.Image, points: NDArray[np.float32]) -> pycolmap.Image:
    filled = pycolmap.Image(
        name=image.name,
        keypoints=np.array(points, np.float64, order="C"),
        camera_id=image.camera_id,
        image_id=image.image_id,
    )
    filled.frame_id = image.frame_id
    return filled


def _triangulate(
    folder: Path, images: Path, model: pycolmap.Reconstruction, error: float, seed: int
) -> None:
    options = incremental_options(Mapper(), model.num_reg_images(), seed)
    options.mapper.filter_max_reproj_error = error
    options.triangulation.merge_max_reproj_error = error
    options.triangulation.complete_max_reproj_error = error
    options.triangulation.create_max_angle_error = error / 2
    options.triangulation.continue_max_angle_error = error / 2
    output = folder / "posed"
    output.mkdir(exist_ok=True)
    pycolmap.triangulate_points(
        model, folder / "database.db", images, output, clear_points=True, options=options
    )


def merged_poses(
    models: Sequence[pycolmap.Reconstruction], *, seed: int
) -> dict[str, pycolmap.Rigid3d]:
    """Bring parts that share photos into the first one's frame; return all poses by image name.

    A part that shares too little with it is left out.
    """
    first, poses = models[0], _poses(models[0])
    for part in models[1:]:
        shift = _onto(part, first, seed)
        if shift is None:
            continue
        moved = pycolmap.Reconstruction(part)
        moved.transform(shift)
        poses = {**_poses(moved), **poses}
    return poses


def _onto(
    part: pycolmap.Reconstruction, first: pycolmap.Reconstruction, seed: int
) -> pycolmap.Sim3d | None:
    """Return the similarity that brings `part` onto `first`, by the points that both saw in the
    same photos; None when too few of them agree."""
    pairs = list(_same_points(part, first))
    if len(pairs) < SHARED_POINTS:
        return None
    ours, theirs = (np.array(points) for points in zip(*pairs, strict=True))
    options = pycolmap.RANSACOptions(max_error=CLOSE * scene_distance(first), random_seed=seed)
    found: Any = pycolmap.estimate_sim3d_robust(ours, theirs, options)
    if found is None or found["num_inliers"] < max(SHARED_POINTS, 0.5 * len(pairs)):
        return None
    shift: pycolmap.Sim3d = found["tgt_from_src"]
    return shift


def _same_points(
    part: pycolmap.Reconstruction, first: pycolmap.Reconstruction
) -> Iterator[tuple[Array, Array]]:
    """Yield where both models have a point that a photo of both sees, in each one's frame."""
    theirs = {first.image(number).name: first.image(number) for number in first.reg_image_ids()}
    for number in part.reg_image_ids():
        image = part.image(number)
        other = theirs.get(image.name)
        for one, two in zip(image.points2D, other.points2D if other else [], strict=False):
            if one.has_point3D() and two.has_point3D():
                yield part.point3D(one.point3D_id).xyz, first.point3D(two.point3D_id).xyz


def _poses(model: pycolmap.Reconstruction) -> dict[str, pycolmap.Rigid3d]:
    images = (model.image(number) for number in model.reg_image_ids())
    return {image.name: image.cam_from_world() for image in images}
