"""Cameras that came with the photos: taken as they are, and points found where there are none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pycolmap

from gpu.geometry.connections import Connections
from gpu.geometry.features import find_features, match, new_database
from gpu.geometry.ladder import USUAL, Model, Search, needed, part_of
from gpu.geometry.mapping import Mapper, incremental_options, is_credible
from gpu.geometry.pairs import EXHAUSTIVE, all_pairs, choose_pairs
from gpu.geometry.posed import without_points
from gpu.geometry.quality import measure
from gpu.ingest.photos import Photo
from gpu.ingest.poses import Given, given_cameras, matched

#: A model that came with fewer points than this is a model of cameras alone.
POINTS = 100
#: A camera moves what is seen by no more than this (pixels), or it is not this photo's.
MOST_ERROR = 4.0

log = logging.getLogger(__name__)
Say = Callable[[float, str], None]


def take_given(
    folder: Path, given: Path, images: Path, photos: Sequence[Photo], *, seed: int, say: Say
) -> Search | None:
    """Return the cameras that lie in `given` beside the photos; None when there are none.

    `folder` is for COLMAP's own files. Cameras that do not fit what the photos show are not
    taken: then they are found anew.
    """
    model = _colmap_model(given, photos)
    if model is None or model.num_points3D() < POINTS:
        cameras = _cameras_of(model, photos) if model else given_cameras(given, photos)
        if len(cameras) < needed(len(photos)):
            return None
        model = _triangulated(folder, images, photos, cameras, seed, say)
    if model is None or not is_credible(model):
        log.warning("the cameras beside the photos do not fit what the photos show")
        return None
    parts = (int(model.num_reg_images()),)
    nothing = Connections(tuple(0 for _ in photos), {})
    return Search(Model(model, 0, measure(model, len(photos), parts)), (), nothing)


def _colmap_model(given: Path, photos: Sequence[Photo]) -> pycolmap.Reconstruction | None:
    """Read a COLMAP model, with our images' names and sizes; None without one of these photos."""
    for file in sorted([*given.rglob("images.bin"), *given.rglob("images.txt")]):
        try:
            model = pycolmap.Reconstruction(file.parent)
        except (ValueError, RuntimeError, OSError, MemoryError, IndexError) as damaged:
            log.warning("%s is not used: %s", file.name, damaged)
            continue
        if len(_renamed(model, photos)) >= needed(len(photos)):
            return model
    return None


def _renamed(model: pycolmap.Reconstruction, photos: Sequence[Photo]) -> set[str]:
    """Give the model our names and sizes, and take the photos that are not ours out of it."""
    ours = {camera.name: image for image, camera in _matched(model, photos).items()}
    sizes = {photo.image: (photo.width, photo.height) for photo in photos}
    rescaled: dict[int, tuple[float, float]] = {}
    for number in list(model.reg_image_ids()):
        image = model.image(number)
        if image.name not in ours:
            model.deregister_frame(image.frame_id)
            continue
        image.name = ours[image.name]
        camera, size = model.camera(image.camera_id), sizes[image.name]
        if image.camera_id not in rescaled:
            rescaled[image.camera_id] = (size[0] / camera.width, size[1] / camera.height)
            camera.rescale(*size)
        for point in image.points2D:
            point.xy = point.xy * rescaled[image.camera_id]
    return set(ours.values())


def _matched(model: pycolmap.Reconstruction, photos: Sequence[Photo]) -> dict[str, Given]:
    images = (model.image(number) for number in model.reg_image_ids())
    return matched(photos, {image.name: _given(model, image) for image in images})


def _cameras_of(model: pycolmap.Reconstruction, photos: Sequence[Photo]) -> dict[str, Given]:
    images = (model.image(number) for number in model.reg_image_ids())
    inside = {photo.image for photo in photos}
    return {image.name: _given(model, image) for image in images if image.name in inside}


def _given(model: pycolmap.Reconstruction, image: pycolmap.Image) -> Given:
    camera, pose = model.camera(image.camera_id), image.cam_from_world()
    lens = (camera.model_name, tuple(camera.params), camera.width, camera.height)
    return Given(image.name, pose.rotation.matrix(), pose.translation, *lens)


def _triangulated(
    folder: Path,
    images: Path,
    photos: Sequence[Photo],
    cameras: Mapping[str, Given],
    seed: int,
    say: Say,
) -> pycolmap.Reconstruction | None:
    """Find points that these cameras see; poses and points are then adjusted together."""
    with_camera = [photo for photo in photos if photo.image in cameras]
    file, count = folder / "database.db", len(with_camera)
    pairs = all_pairs(count) if count <= EXHAUSTIVE else choose_pairs(with_camera)
    new_database(file, with_camera)
    find_features(file, images, with_camera, USUAL, part_of(say, 0.0, 0.5))
    match(file, with_camera, pairs, USUAL, seed, part_of(say, 0.5, 0.9))
    say(0.9, f"The cameras of {count} photos came with them. Finding points")
    _take_lenses(file, with_camera, cameras)
    model = without_points(
        file, {photo.image: _pose(cameras[photo.image]) for photo in with_camera}
    )
    options = incremental_options(Mapper(), count, seed)
    options.mapper.filter_max_reproj_error = MOST_ERROR
    output = folder / "given"
    output.mkdir(exist_ok=True)
    model = pycolmap.triangulate_points(
        model, file, images, output, clear_points=True, options=options
    )
    if model.num_points3D() < POINTS:
        return None
    adjusting = pycolmap.BundleAdjustmentOptions()
    adjusting.print_summary = False
    pycolmap.bundle_adjustment(model, adjusting)
    return model


def _take_lenses(database: Path, photos: Sequence[Photo], cameras: Mapping[str, Given]) -> None:
    """Give the database's cameras the given lenses; photos that share one have its median."""
    sizes = {photo.image: (photo.width, photo.height) for photo in photos}
    with pycolmap.Database.open(database) as opened:
        groups: dict[int, list[str]] = {}
        for image in opened.read_all_images():
            groups.setdefault(image.camera_id, []).append(image.name)
        for number, names in groups.items():
            lens = _median([cameras[name] for name in names], number, sizes[names[0]])
            opened.update_camera(lens)


def _pose(given: Given) -> pycolmap.Rigid3d:
    return pycolmap.Rigid3d(
        pycolmap.Rotation3d(np.ascontiguousarray(given.rotation)), given.translation
    )


def _median(group: Sequence[Given], number: int, size: tuple[int, int]) -> pycolmap.Camera:
    """Return one camera for photos that share theirs, in pixels of our copies."""
    alike = [g for g in group if (g.model, g.width) == (group[0].model, group[0].width)]
    camera = pycolmap.Camera(
        camera_id=number,
        model=group[0].model,
        width=group[0].width,
        height=group[0].height,
        params=[float(value) for value in np.median([g.params for g in alike], axis=0)],
    )
    camera.has_prior_focal_length = True
    camera.rescale(*size)
    return camera
