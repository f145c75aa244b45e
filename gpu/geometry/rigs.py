"""Views cut from one 360 degree photo: placed together, as they share one centre.

To COLMAP a rig is a set of cameras that stand to each other as is known, and a frame what they saw
at one moment. Every direction is a camera of its own there, even where all have one lens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import pycolmap

from gpu.geometry.pairs import Pair
from gpu.ingest.photos import Photo

Lens = tuple[str, tuple[float, ...]]


def lens_of(photo: Photo) -> Lens:
    """Return what photos with the same camera of the database have in common."""
    return photo.camera, photo.rig.rotation if photo.rig else ()


def write_rigs(database: pycolmap.Database, photos: Sequence[Photo]) -> None:
    """Put rigs and frames into a database that holds the cameras and images of `photos`.

    Photos of no rig are frames of one image each.
    """
    images = {image.name: image for image in database.read_all_images()}
    rigged = sorted((photo for photo in photos if photo.rig), key=_group)
    single = (images[photo.image] for photo in photos if not photo.rig)
    for _, group in groupby(sorted(single, key=_numbers), key=lambda image: image.camera_id):
        alone = list(group)
        rig = _write_rig(database, alone[:1], [])
        for image in alone:
            _write_frame(database, rig, [image])
    for _, views in groupby(rigged, key=lambda photo: photo.camera):
        _write_group(database, images, list(views))


def _numbers(image: pycolmap.Image) -> tuple[int, int]:
    return image.camera_id, image.image_id


def _group(photo: Photo) -> tuple[str, str]:
    return photo.camera, photo.rig.frame if photo.rig else ""


def _write_group(
    database: pycolmap.Database, images: dict[str, pycolmap.Image], photos: Sequence[Photo]
) -> None:
    """Write one rig of all directions in which these photos were cut, and their frames."""
    directions = {photo.rig.rotation: images[photo.image] for photo in photos if photo.rig}
    turns = [_turn(rotation) for rotation in directions]
    rig = _write_rig(database, list(directions.values()), turns)
    for _, views in groupby(photos, key=_group):
        _write_frame(database, rig, [images[view.image] for view in views])


def _write_rig(
    database: pycolmap.Database,
    images: Sequence[pycolmap.Image],
    turns: Sequence[pycolmap.Rotation3d],
) -> int:
    """Write the rig of these images' cameras, the first of them the reference; return its number.

    `turns` bring directions of the frame into each camera.
    """
    rig = pycolmap.Rig()
    rig.add_ref_sensor(_sensor(images[0]))
    for image, turn in list(zip(images, turns, strict=False))[1:]:
        from_first = pycolmap.Rigid3d(turn * turns[0].inverse(), [0.0, 0.0, 0.0])
        rig.add_sensor(_sensor(image), from_first)
    return database.write_rig(rig)


def _write_frame(database: pycolmap.Database, rig: int, images: Sequence[pycolmap.Image]) -> None:
    frame = pycolmap.Frame()
    frame.rig_id = rig
    for image in images:
        frame.add_data_id(pycolmap.data_t(_sensor(image), image.image_id))
    database.write_frame(frame)


def _sensor(image: pycolmap.Image) -> pycolmap.sensor_t:
    return pycolmap.sensor_t(pycolmap.SensorType.CAMERA, image.camera_id)


def _turn(rotation: tuple[float, ...]) -> pycolmap.Rotation3d:
    w, x, y, z = rotation
    return pycolmap.Rotation3d([x, y, z, w])


def exact_cameras(rigs: Iterable[pycolmap.Rig]) -> set[int]:
    """Return the cameras of rigs: their lenses are known exactly, since the views were computed."""
    several = [rig for rig in rigs if rig.num_sensors() > 1]
    return {sensor.id for rig in several for sensor in rig.sensor_ids()}


def moment_of(photo: Photo) -> str:
    """Return what is equal for photos that were taken at once, from one point."""
    return f"360 {photo.rig.frame}" if photo.rig else photo.image


def apart(photos: Sequence[Photo], pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs that are not of one moment: those have no depth, and are known."""
    moments = [moment_of(photo) for photo in photos]
    return [(i, j) for i, j in pairs if moments[i] != moments[j]]
