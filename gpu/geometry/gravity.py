"""Which way is up, as the drone's gimbal measured it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Photos that must say it, the share of them that must agree, and to how many degrees.
LEAST, AGREEING, CLOSE = 3, 0.6, 5.0


def up_of_gimbals(
    rotations: Mapping[str, Array], gimbals: Mapping[str, tuple[float, float, float]]
) -> Array | None:
    """Return the unit vector up in the model's frame; None where the gimbals do not agree.

    `rotations` are world to camera [3, 3] by image name; `gimbals` yaw, pitch (-90 is straight
    down) and roll in degrees.
    """
    names = sorted(rotations.keys() & gimbals.keys())
    if len(names) < LEAST:
        return None
    ups = np.stack([rotations[name].T @ _up_in_camera(*gimbals[name][1:]) for name in names])
    middle = _unit(np.median(ups, axis=0))
    near = ups @ middle > np.cos(np.radians(CLOSE))
    if near.mean() < AGREEING:
        return None
    return _unit(ups[near].mean(axis=0))


def _up_in_camera(pitch: float, roll: float) -> Array:
    """Return up in the camera's frame (x right, y down, z ahead).

    A level camera that looks up by `pitch` sees up at (0, -cos, sin); a roll turns that about z.
    """
    p, r = np.radians([pitch, roll])
    return np.array([-np.sin(r) * np.cos(p), -np.cos(r) * np.cos(p), np.sin(p)])


def _unit(vector: Array) -> Array:
    unit: Array = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit
