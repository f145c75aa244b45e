"""`python -m gpu.geometry.worker JOB_FOLDER < job.json`: the geometry, in a process of its own.

The native library may abort the process that it runs in; here it takes no job with it. Prints
one JSON object a line: {"fraction", "message"} while it works, and last {"connected",
"registered", "left_out"} or {"disk_full"}.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from pathlib import Path

import numpy as np
import pycolmap

from gpu.errors import is_disk_full
from gpu.geometry.earlier import take_earlier
from gpu.geometry.mapping import Model, find_model, needed
from gpu.geometry.picture import draw_geometry
from gpu.geometry.record import Geometry
from gpu.geometry.world import World, centres_of, scene_distance, to_world
from gpu.ingest.photos import Photo, Photos
from gpu.job import JobPaths, JobSpec, Pipeline

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Compute the geometry of the job folder named first; the specification is on stdin."""
    paths, spec = JobPaths(Path(arguments[0])), JobSpec.from_json(sys.stdin.read())
    pycolmap.logging.minloglevel = pycolmap.logging.WARNING.value
    pycolmap.set_random_seed(spec.seed)
    try:
        answer = _solve(paths, spec)
    except (OSError, MemoryError, RuntimeError) as error:
        if not is_disk_full(error):
            raise
        answer = {"disk_full": True}
    _print(**answer)
    return 0


def _solve(paths: JobPaths, spec: JobSpec) -> dict[str, object]:
    """Leave the geometry, its record, its picture and the undistorted photos, or say who is out."""
    photos = Photos.load(paths).photos
    if take_earlier(paths, photos):
        return _straightened_earlier(paths, spec)
    folder = paths.work / "colmap"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = find_model(
        folder, paths.images, photos, seed=spec.seed, say=lambda f, text: _say(0.9 * f, text)
    )
    if model is None or model.registered < needed(len(photos)):
        return {"connected": False, **_split(photos, model)}
    gps = {photo.image: photo.gps for photo in photos if photo.gps}
    aerial = spec.pipeline is Pipeline.AERIAL
    world = to_world(model.reconstruction, gps, aerial=aerial, seed=spec.seed)
    _write(paths, model, world, photos)
    _say(0.93, "Straightening the photos")
    _undistort(paths, spec.image_size)
    shutil.rmtree(folder)
    return {"connected": True, **_split(photos, model)}


def _straightened_earlier(paths: JobPaths, spec: JobSpec) -> dict[str, object]:
    """Do what is left to do where the earlier job's cameras are there."""
    _say(0.5, f"The cameras are those of job {spec.earlier}. Straightening the photos")
    _undistort(paths, spec.image_size)
    record = Geometry.load(paths)
    _picture(paths, pycolmap.Reconstruction(paths.geometry), metric=record.metric)
    names = {"registered": list(record.registered), "left_out": list(record.left_out)}
    return {"connected": True, **names}


def _split(photos: tuple[Photo, ...], model: Model | None) -> dict[str, list[str]]:
    """Divide the photos' names into those that the model holds and those left out."""
    inside = centres_of(model.reconstruction) if model else {}
    return {
        "registered": [photo.name for photo in photos if photo.image in inside],
        "left_out": [photo.name for photo in photos if photo.image not in inside],
    }


def _write(paths: JobPaths, model: Model, world: World, photos: tuple[Photo, ...]) -> None:
    """Write the COLMAP model, the record and the picture."""
    shutil.rmtree(paths.geometry, ignore_errors=True)
    paths.geometry.mkdir(parents=True)
    scene = model.reconstruction
    scene.write(paths.geometry)
    centres = centres_of(scene)
    inside = [photo for photo in photos if photo.image in centres]
    Geometry(
        registered=tuple(photo.name for photo in inside),
        left_out=tuple(photo.name for photo in photos if photo.image not in centres),
        images=tuple(photo.image for photo in inside),
        points=scene.num_points3D(),
        reprojection_error=scene.compute_mean_reprojection_error(),
        track_length=scene.compute_mean_track_length(),
        rung=model.rung,
        metric=world.metric,
        gps_rmse=world.gps_rmse,
        gps_agreeing=world.gps_agreeing,
        origin=world.origin,
        ground_z=0.0,
        camera_height=float(np.median([centre[2] for centre in centres.values()])),
        scene_distance=scene_distance(scene),
    ).save(paths)
    _picture(paths, scene, metric=world.metric)


def _picture(paths: JobPaths, scene: pycolmap.Reconstruction, *, metric: bool) -> None:
    try:
        draw_geometry(paths.previews / "geometry.jpg", scene, metric=metric)
    except (OSError, ValueError) as failed:  # a preview never fails a job
        if is_disk_full(failed):
            raise
        logger.warning("no picture of the geometry: %s", failed)


def _undistort(paths: JobPaths, size: int | None) -> None:
    """Write pinhole photos of `size` at most (None: as large as they are) and their model."""
    shutil.rmtree(paths.undistorted, ignore_errors=True)
    paths.undistorted.mkdir(parents=True)
    options = pycolmap.UndistortCameraOptions()
    options.max_image_size = size or -1
    pycolmap.undistort_images(
        paths.undistorted,
        paths.geometry,
        paths.images,
        undistort_options=options,
        jpeg_quality=95,
    )
    for extra in paths.undistorted.iterdir():
        if extra.name not in ("images", "sparse"):
            shutil.rmtree(extra) if extra.is_dir() else extra.unlink()


def _say(fraction: float, message: str) -> None:
    _print(fraction=min(fraction, 1.0), message=message)


def _print(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
