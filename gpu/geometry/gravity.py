"""Which way is up, as the drone's gimbal or the phone measured it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from gpu.ingest.photos import Photo

Array = NDArray[np.float64]

#: Photos that must say it, the share of them that must agree, and to how many degrees.
LEAST, AGREEING, CLOSE = 3, 0.6, 5.0


def measured_ups(photos: Iterable[Photo]) -> dict[str, Array]:
    """Return, by image name, the unit vector up in the camera's frame of each photo that says it
    (x right, y down, z ahead)."""
    said = {}
    for photo in photos:
        if photo.gimbal:
            said[photo.image] = up_in_camera(*photo.gimbal[1:])
        elif photo.up:
            said[photo.image] = np.array(photo.up)
    return said


def up_of_gravity(rotations: Mapping[str, Array], ups: Mapping[str, Array]) -> Array | None:
    """Return the unit vector up in the model's frame; None where the photos do not agree.

    `rotations` are world to camera [3, 3], `ups` up in the camera's frame [3], by image name.
    """
    names = sorted(rotations.keys() & ups.keys())
    if len(names) < LEAST:
        return None
    found = np.stack([rotations[name].T @ ups[name] for name in names])
    middle = _unit(np.median(found, axis=0))
    near = found @ middle > np.cos(np.radians(CLOSE))
    if near.mean() < AGREEING:
        return None
    return _unit(found[near].mean(axis=0))


def up_in_camera(pitch: float, roll: float) -> Array:
    """Return up in the frame of a camera of this pitch (-90 is straight down) and roll, degrees.

    A level camera that looks up by `pitch` sees up at (0, -cos, sin); a roll turns that about z.
    """
    p, r = np.radians([pitch, roll])
    return np.array([-np.sin(r) * np.cos(p), -np.cos(r) * np.cos(p), np.sin(p)])


def _unit(vector: Array) -> Array:
    unit: Array = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit
