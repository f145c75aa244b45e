"""Cameras that another program has found: nerfstudio's, Polycam's, OpenDroneMap's, as COLMAP's.

`transforms.json` (nerfstudio, instant-ngp, and apps on ARKit such as NeRFCapture) holds camera to
world with y up and z back, as OpenGL; OpenSfM's `reconstruction.json` world to camera with y down
and z ahead, as COLMAP. What is malformed gives no camera, never an error.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.ingest.photos import Photo
from gpu.job.captures import CAMERA_FOLDERS

#: Bytes of a file of cameras that we parse; 10,000 frames take 20 MB.
MOST_BYTES, MOST_BYTES_OF_ONE = 200 << 20, 1 << 20
#: What parsed JSON raises where something else was expected.
MALFORMED = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
#: A camera whose shape differs by more than this from its photo's is another photo's.
SAME_SHAPE = 0.02

Array = NDArray[np.float64]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Given:
    """One camera. `rotation` [3, 3] and `translation` [3] take world to camera (x right, y down,
    z ahead); `model` and `params` as COLMAP's, in pixels of `width` x `height`. A `width` of 0
    stands for the photo's own size, and the only parameter then is the horizontal angle."""

    name: str
    rotation: Array
    translation: Array
    model: str
    params: tuple[float, ...]
    width: int
    height: int


def given_cameras(folder: Path, photos: Sequence[Photo]) -> dict[str, Given]:
    """Return the cameras by the photos' image names, from the first file that has any."""
    for file in sorted(folder.rglob("*.json")):
        read = READERS.get(file.name)
        if read is None or file.stat().st_size > MOST_BYTES:
            continue
        try:
            cameras = list(read(json.loads(file.read_text(encoding="utf-8"))))
        except MALFORMED as malformed:
            log.warning("%s is not used: %s", file.name, malformed)
            continue
        found = matched(photos, {camera.name: camera for camera in cameras})
        if found:
            return found
    return matched(photos, {camera.name: camera for camera in _one_by_one(folder)})


def _one_by_one(folder: Path) -> Iterator[Given]:
    """Read Polycam's files, one for each photo; those that it corrected come last, and count."""
    for name in sorted(CAMERA_FOLDERS):
        for file in sorted(folder.rglob(f"{name}/*.json")):
            if file.stat().st_size > MOST_BYTES_OF_ONE:
                continue
            try:
                yield from _transforms(_polycam(json.loads(file.read_text("utf-8")), file.stem))
            except MALFORMED as malformed:
                log.warning("%s is not used: %s", file.name, malformed)


def _polycam(raw: Any, name: str) -> dict[str, Any]:
    """Return what Polycam says of a photo as nerfstudio would: both have ARKit's axes."""
    matrix = [[float(raw[f"t_{row}{column}"]) for column in range(4)] for row in range(3)]
    lens = {"fl_x": raw["fx"], "fl_y": raw["fy"], "cx": raw["cx"], "cy": raw["cy"]}
    size = {"w": raw["width"], "h": raw["height"]}
    return {**lens, **size, "frames": [{"file_path": name, "transform_matrix": matrix}]}


def matched(photos: Sequence[Photo], given: Mapping[str, Given]) -> dict[str, Given]:
    """Return each photo's camera by its image name, found by path, else by a name that is alone."""
    by_end: dict[str, list[Given]] = {}
    for name, camera in given.items():
        by_end.setdefault(_end(name), []).append(camera)
    found = {}
    for photo in photos:
        same = by_end.get(_end(photo.name), [])
        exact = [camera for camera in same if _is_path(photo.name, camera.name)]
        one = exact or same
        if len(one) == 1 and photo.rig is None:
            camera = one[0] if one[0].width else _of_size(one[0], photo)
            if _same_shape(photo, camera):
                found[photo.image] = camera
    return found


def _of_size(camera: Given, photo: Photo) -> Given:
    """Return a camera of which only the horizontal angle is known, for its photo."""
    focal = 0.5 * photo.width / math.tan(0.5 * camera.params[0])
    params = (focal, focal, photo.width / 2, photo.height / 2, 0.0, 0.0, 0.0, 0.0)
    return replace(camera, params=params, width=photo.width, height=photo.height)


def _end(name: str) -> str:
    """Return a file's name without folder and suffix: instant-ngp leaves the suffix out."""
    return PurePosixPath(name.replace("\\", "/")).stem.lower()


def _is_path(photo: str, camera: str) -> bool:
    ours, theirs = (PurePosixPath(n).with_suffix("").parts[::-1] for n in (photo, camera))
    pairs = list(zip(ours, (p for p in theirs if p != "."), strict=False))
    return len(pairs) > 1 and all(one.lower() == two.lower() for one, two in pairs)


def _same_shape(photo: Photo, camera: Given) -> bool:
    ratio = (photo.width / photo.height) / (camera.width / camera.height)
    return abs(ratio - 1) < SAME_SHAPE


def _transforms(raw: Any) -> Iterator[Given]:
    for frame in raw["frames"]:
        said = {**raw, **frame}
        to_world = np.array(said["transform_matrix"], np.float64)
        if to_world.shape not in ((4, 4), (3, 4)) or not np.isfinite(to_world).all():
            continue
        rotation = (to_world[:3, :3] @ np.diag([1.0, -1.0, -1.0])).T
        if abs(np.linalg.det(rotation) - 1) > 0.01:
            continue
        lens = _lens(said)
        if lens is not None:
            name = str(said["file_path"])
            yield Given(name, rotation, -rotation @ to_world[:3, 3], *lens)


#: COLMAP takes a fisheye without any distortion for a pinhole, and copies its photos as they are
#: instead of straightening them. This much bends nothing by a thousandth of a pixel.
FAINTLY = 1e-6


def _lens(said: Mapping[str, Any]) -> tuple[str, tuple[float, ...], int, int] | None:
    width, height = (int(said.get(key, 0)) for key in ("w", "h"))
    angle = float(said.get("camera_angle_x", 0.0))
    if width <= 0 or height <= 0:
        return ("OPENCV", (angle,), 0, 0) if 0 < angle < math.pi else None
    fx = float(said["fl_x"]) if "fl_x" in said else 0.5 * width / math.tan(0.5 * angle)
    fy, cx, cy = (
        float(said.get(key, usual))
        for key, usual in (("fl_y", fx), ("cx", width / 2), ("cy", height / 2))
    )
    fisheye = said.get("camera_model") == "OPENCV_FISHEYE"
    names = ("k1", "k2", "k3", "k4") if fisheye else ("k1", "k2", "p1", "p2")
    bent = tuple(float(said.get(name, 0.0)) for name in names)
    if fisheye and not any(bent):
        bent = (FAINTLY, 0.0, 0.0, 0.0)
    params = (fx, fy, cx, cy, *bent)
    sensible = all(map(math.isfinite, params)) and fx > 0 and fy > 0
    return ("OPENCV_FISHEYE" if fisheye else "OPENCV", params, width, height) if sensible else None


def _reconstruction(raw: Any) -> Iterator[Given]:
    largest = max(raw, key=lambda part: len(part["shots"]))
    for name, shot in largest["shots"].items():
        lens = _opensfm_lens(largest["cameras"][shot["camera"]])
        turn, shift = (np.array(shot[key], np.float64) for key in ("rotation", "translation"))
        if lens is not None and np.isfinite([*turn, *shift]).all():
            yield Given(str(name), _from_axis(turn), shift, *lens)


def _opensfm_lens(camera: Mapping[str, Any]) -> tuple[str, tuple[float, ...], int, int] | None:
    """OpenSfM's lengths are in units of the longer side, from the middle of the photo."""
    width, height = int(camera["width"]), int(camera["height"])
    side, kind = max(width, height), camera.get("projection_type", "perspective")
    if min(width, height) <= 0 or kind not in ("perspective", "brown"):
        return None
    focal = float(camera.get("focal_x", camera.get("focal", 0.0)))
    fx, fy = focal * side, float(camera.get("focal_y", focal)) * side
    cx = float(camera.get("c_x", 0.0)) * side + width / 2
    cy = float(camera.get("c_y", 0.0)) * side + height / 2
    bent = (float(camera.get(name, 0.0)) for name in ("k1", "k2", "p1", "p2"))
    return ("OPENCV", (fx, fy, cx, cy, *bent), width, height) if focal > 0 else None


def _from_axis(turn: Array) -> Array:
    """Return the rotation matrix of an axis times an angle (Rodrigues)."""
    angle = float(np.linalg.norm(turn))
    x, y, z = turn / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross)


READERS = {
    "transforms.json": _transforms,
    "transforms_train.json": _transforms,
    "reconstruction.json": _reconstruction,
}
