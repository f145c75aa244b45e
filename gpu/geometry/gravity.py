"""Which way is up: as a gimbal or a phone measured it, or as a drone kept its height."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from gpu.ingest.photos import Photo

Array = NDArray[np.float64]

#: Photos that must say it, the share of them that must agree, and to how many degrees.
LEAST, AGREEING, CLOSE = 3, 0.6, 5.0

#: Cameras that make a flight. It is level when their median distance from its plane is less than
#: this share of its width, its width more than that of its length (standard deviations), and the
#: plane leans by no more degrees. The start's climb is that many medians off it, and left out by
#: rounds.
FLIGHT, FLAT, NARROW, SLOPE, STRAY, ROUNDS = 12, 0.05, 0.2, 6.0, 4.0, 5


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


def up_of_level_flight(centres: Array, up: Array) -> Array | None:
    """Return the unit vector up of cameras [N, 3] that all flew at one height; None of others.

    Autopilots keep their height by the barometer, while a drone without a gimbal leans into the
    wind. `up` is what else is known: a flight that climbs along a slope is not taken for level.
    """
    if len(centres) < FLIGHT:
        return None
    kept = np.ones(len(centres), dtype=bool)
    for _ in range(ROUNDS):
        middle = centres[kept].mean(axis=0)
        _, sizes, axes = np.linalg.svd(centres[kept] - middle, full_matrices=False)
        off = np.abs((centres - middle) @ axes[2])
        kept = off <= STRAY * np.median(off[kept])
    long, wide, _ = sizes / np.sqrt(kept.sum())
    level = axes[2] * np.sign(axes[2] @ up)
    flat = np.median(off) < FLAT * wide and wide > NARROW * long
    return level if flat and level @ up > np.cos(np.radians(SLOPE)) else None


def up_in_camera(pitch: float, roll: float) -> Array:
    """Return up in the frame of a camera of this pitch (-90 is straight down) and roll, degrees.

    A level camera that looks up by `pitch` sees up at (0, -cos, sin); a roll turns that about z.
    """
    p, r = np.radians([pitch, roll])
    return np.array([-np.sin(r) * np.cos(p), -np.cos(r) * np.cos(p), np.sin(p)])


def _unit(vector: Array) -> Array:
    unit: Array = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit
