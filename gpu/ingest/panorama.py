"""360 degree photos (equirectangular), cut into views that any pinhole camera could have taken.

As in COLMAP's `panorama_sfm.py`: two rings of four views of 90 degrees, 35 degrees up and down,
the upper ring turned by half a step. How the views stand to each other is known exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi, radians, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gpu.ingest.exif import Exif

#: Pitch (degrees, up), and yaws (degrees, to the right) of each ring.
RINGS = ((-35.0, (0.0, 90.0, 180.0, 270.0)), (35.0, (45.0, 135.0, 225.0, 315.0)))
#: A photo twice as wide as high is a panorama without saying so, when it is at least this wide
#: and its left edge goes on at its right: less far apart (0 to 255) than two columns elsewhere.
LEAST_WIDTH, SEAM = 1500, 0.5

Quaternion = tuple[float, float, float, float]


def is_panorama(image: Image.Image, exif: Exif) -> bool:
    """Say whether an upright photo shows all around it: by its XMP, else by shape and seam."""
    if abs(image.width / image.height - 2) > 0.01:
        return False
    if exif.panorama:
        return True
    return exif.focal is None and image.width >= LEAST_WIDTH and _closes(image)


def _closes(image: Image.Image) -> bool:
    small = np.asarray(image.convert("L").resize((256, 128), Image.Resampling.BOX), np.float64)
    seam = np.abs(small[:, 0] - small[:, -1]).mean()
    apart = np.abs(small - np.roll(small, 32, axis=1)).mean()
    beside = np.abs(np.diff(small, axis=1)).mean()
    return bool(seam < SEAM * apart and seam < 4 * beside + 2)


def views(image: Image.Image, most: int) -> Iterator[tuple[str, Image.Image, Quaternion, float]]:
    """Yield each view's name, picture (square, `most` pixels at most), rotation and focal length.

    The rotation (w, x, y, z) turns directions of the panorama (x right, y down, z to its middle)
    into the view's camera; the focal length is in pixels of the view.
    """
    side = min(most, round(image.width / pi))  # as many pixels in its middle as the panorama has
    pixels = np.asarray(image)
    for pitch, yaws in RINGS:
        for yaw in yaws:
            to_panorama = _rotation(radians(yaw), radians(pitch))
            view = Image.fromarray(_seen(pixels, to_panorama, side))
            yield f"{yaw:.0f} {pitch:+.0f}", view, _quaternion(yaw, pitch), side / 2


def _rotation(yaw: float, pitch: float) -> NDArray[np.float64]:
    """Return the matrix from a view's camera to the panorama."""
    turn = np.array([[cos(yaw), 0, sin(yaw)], [0, 1, 0], [-sin(yaw), 0, cos(yaw)]])
    tilt = np.array([[1, 0, 0], [0, cos(pitch), -sin(pitch)], [0, sin(pitch), cos(pitch)]])
    return np.asarray(turn @ tilt)


def _quaternion(yaw: float, pitch: float) -> Quaternion:
    """Return the inverse of `_rotation`, angles in degrees, as a unit quaternion."""
    a, b = radians(yaw) / 2, radians(pitch) / 2
    return cos(a) * cos(b), -cos(a) * sin(b), -sin(a) * cos(b), sin(a) * sin(b) + 0.0


def _seen(
    pixels: NDArray[np.uint8], to_panorama: NDArray[np.float64], side: int
) -> NDArray[np.uint8]:
    """Return what a camera of 90 degrees sees of a panorama [H, W, 3]; bilinear."""
    height, width = pixels.shape[:2]
    ray = (np.arange(side) + 0.5) / (side / 2) - 1
    x, y = np.meshgrid(ray, ray)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ to_panorama.T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    u = (np.arctan2(rays[..., 0], rays[..., 2]) / (2 * pi) + 0.5) * width - 0.5
    v = (np.arcsin(rays[..., 1].clip(-1, 1)) / pi + 0.5) * height - 0.5
    left, top = np.floor(u).astype(int), np.floor(v).astype(int)
    right_part, low_part = (u - left)[..., None], (v - top)[..., None]
    columns = left % width, (left + 1) % width
    rows = top.clip(0, height - 1), (top + 1).clip(0, height - 1)
    upper, lower = (
        pixels[row, columns[0]] * (1 - right_part) + pixels[row, columns[1]] * right_part
        for row in rows
    )
    return np.asarray(upper * (1 - low_part) + lower * low_part + 0.5, dtype=np.uint8)
