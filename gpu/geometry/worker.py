"""`python -m gpu.geometry.worker JOB_FOLDER < job.json`: the geometry, in a process of its own.

The native library may abort the process that it runs in; here it takes no job with it. Prints
one JSON object a line: {"fraction", "message"} and perhaps {"pictures"} while it works, and last
{"connected", "registered", "left_out"} with {"tries", "why", "hint"} where they do not connect and
{"taken"} where the cameras are an earlier job's, or {"disk_full"}.
"""

from __future__ import annotations

import json
import logging
import shutil
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pycolmap

from gpu.errors import is_disk_full
from gpu.geometry.diagnosis import diagnose
from gpu.geometry.earlier import digest_of, take_earlier
from gpu.geometry.given import take_given
from gpu.geometry.gps import utm_epsg
from gpu.geometry.graph_picture import draw_graph
from gpu.geometry.gravity import measured_ups
from gpu.geometry.ladder import Model, Search, needed, search
from gpu.geometry.masks import undistort_masks
from gpu.geometry.picture import draw_geometry
from gpu.geometry.priors import hold_to_gps
from gpu.geometry.quality import measure
from gpu.geometry.record import Geometry
from gpu.geometry.world import World, centres_of, scene_distance, to_world
from gpu.ingest.photos import Photo, Photos
from gpu.job import JobPaths, JobSpec, Pipeline
from gpu.job.choices import DEFAULT_GEOMETRY

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Compute the geometry of the job folder named first; the specification is on stdin."""
    # pycolmap takes SIGTERM for a crash: the log of a cancelled job would end in a stack trace.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
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
    digest = digest_of(paths, photos)
    if spec.origin and take_earlier(paths, photos, digest, goes_on=spec.earlier is not None):
        return _straightened_earlier(paths, spec)
    folder = paths.work / "colmap"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    def say(fraction: float, text: str) -> None:
        _say(0.9 * fraction, text)

    given = None
    if spec.geometry is None:  # who names a way wants the cameras found by it
        given = take_given(folder, paths.photos, paths.images, photos, seed=spec.seed, say=say)
    way = spec.geometry or DEFAULT_GEOMETRY
    found = given or search(folder, paths.images, photos, seed=spec.seed, say=say, geometry=way)
    names = _split(photos, found.model)
    if names["left_out"] and not given:
        _show_graph(paths, photos, found)
    model = found.model
    if model is None or found.registered < needed(len(photos)):
        reason = diagnose([photo.name for photo in photos], found.connections)
        return {"connected": False, **names, "tries": len(found.tries), **asdict(reason)}
    gps = {photo.image: photo.gps for photo in photos if photo.gps}
    aerial = spec.pipeline is Pipeline.AERIAL
    ups = measured_ups(photos)

    def place(scene: pycolmap.Reconstruction) -> World:
        return to_world(scene, gps, aerial=aerial, seed=spec.seed, ups=ups)

    world = place(model.reconstruction)
    held = hold_to_gps(model.reconstruction, photos, world)
    if held:
        world, quality = place(held), measure(held, len(photos), model.quality.parts)
        model = replace(model, reconstruction=held, quality=quality)
    _write(paths, found, model, world, photos, digest)
    _say(0.95, "Straightening the photos")
    _undistort(paths, spec.image_size)
    shutil.rmtree(folder)
    return {"connected": True, **names}


def _straightened_earlier(paths: JobPaths, spec: JobSpec) -> dict[str, object]:
    """Do what is left to do where the earlier job's cameras are there."""
    _say(0.5, f"The cameras are those of job {spec.origin}. Straightening the photos")
    _undistort(paths, spec.image_size)
    record = Geometry.load(paths)
    _picture(paths, pycolmap.Reconstruction(paths.geometry), metric=record.metric)
    names = {"registered": list(record.registered), "left_out": list(record.left_out)}
    return {"connected": True, "taken": True, **names}


def _split(photos: tuple[Photo, ...], model: Model | None) -> dict[str, list[str]]:
    """Divide the photos' names into those that the model holds and those left out."""
    inside = centres_of(model.reconstruction) if model else {}
    return {
        "registered": [photo.name for photo in photos if photo.image in inside],
        "left_out": [photo.name for photo in photos if photo.image not in inside],
    }


def _show_graph(paths: JobPaths, photos: tuple[Photo, ...], found: Search) -> None:
    """Draw which photos match, and tell of the picture at once."""
    inside = centres_of(found.model.reconstruction) if found.model else {}
    placed = {i for i, photo in enumerate(photos) if photo.image in inside}
    file = paths.previews / "matches.jpg"
    try:
        pictures, names = [paths.images / p.image for p in photos], [p.name for p in photos]
        draw_graph(file, pictures, names, found.connections, placed)
    except (OSError, ValueError) as failed:  # a preview never fails a job
        if is_disk_full(failed):
            raise
        logger.warning("no picture of the matches: %s", failed)
        return
    picture = file.relative_to(paths.root).as_posix()
    message = f"{len(photos) - len(placed)} of {len(photos)} photos do not connect"
    _print(fraction=0.9, message=message, pictures=[picture])


def _write(
    paths: JobPaths,
    found: Search,
    model: Model,
    world: World,
    photos: tuple[Photo, ...],
    digest: str,
) -> None:
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
        reprojection_error=model.quality.error,
        track_length=model.quality.track,
        coverage=model.quality.coverage,
        parts=model.quality.parts,
        quality=model.quality.sentence(),
        tries=tuple(attempt.sentence() for attempt in found.tries),
        rung=model.rung,
        metric=world.metric,
        gps_rmse=world.gps_rmse,
        gps_across=world.gps_across,
        gps_up=world.gps_up,
        gps_agreeing=world.gps_agreeing,
        gps_note=world.gps_note,
        up_from=world.up_from,
        origin=world.origin,
        epsg=utm_epsg(*world.origin[:2]) if world.origin else None,
        digest=digest,
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
    undistort_masks(paths, options)


def _say(fraction: float, message: str) -> None:
    _print(fraction=min(fraction, 1.0), message=message)


def _print(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
