"""From GPS to the world frame: a similarity that wild values do not bend, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pycolmap
from numpy.typing import NDArray

from gpu.geometry.gps import enu_metres, extent_of, middle, spread, without_wild
from gpu.ingest.exif import Gps

Array = NDArray[np.float64]

#: GPS may be off by this (metres), or by this share of the flight's extent, and still count.
TOLERANCE, TOLERANCE_SHARE = 2.0, 0.08
#: Of the photos with GPS, this share must agree with the geometry.
AGREEING = 0.6
#: Degrees by which the GPS's up may differ from the cameras'.
MAX_TILT = 20.0


@dataclass(frozen=True)
class Georeference:
    """What GPS gave. `transform` brings the model to East, North, Up in metres about `origin`.

    `across` and `upward` are the root mean square differences (metres) between GPS and cameras on
    the ground and in height, over the `agreeing` photos.
    """

    transform: pycolmap.Sim3d
    origin: Gps
    across: float
    upward: float
    agreeing: int

    @property
    def rmse(self) -> float:
        """The root mean square distance between GPS and cameras, metres."""
        return float(np.hypot(self.across, self.upward))


class NotBelieved(Exception):
    """Why GPS gives no frame: a sentence for people, empty where there simply is none."""


def georeference(
    centres: Mapping[str, Array], gps: Mapping[str, Gps], up: Array | None, seed: int
) -> Georeference:
    """Fit cameras' centres (by image name) to GPS; `up` is the cameras' own where it is sure.

    Raises NotBelieved when GPS is too little, too narrow, or does not agree with the cameras.
    """
    names = sorted(centres.keys() & gps.keys())
    if not names:
        raise NotBelieved
    origin = middle([gps[name] for name in names])
    places = enu_metres([gps[name] for name in names], origin)
    usual = without_wild(places)
    found, places = np.array([centres[name] for name in names])[usual], places[usual]
    wide = extent_of(places)
    if not wide.enough:
        raise NotBelieved("Too few photos have GPS to set the scale by it")
    if not wide.far:
        raise NotBelieved("The photos were taken too close together to set the scale by GPS")
    if wide.straight and up is None:
        raise NotBelieved(
            "The photos were taken in one line, about which GPS leaves the scene free"
        )
    return _fit(found, places, origin, up, seed, straight=wide.straight)


def _fit(
    found: Array, places: Array, origin: Gps, up: Array | None, seed: int, *, straight: bool
) -> Georeference:
    tolerance = max(TOLERANCE, TOLERANCE_SHARE * spread(places))
    options = pycolmap.RANSACOptions(max_error=tolerance, random_seed=seed)
    ours, theirs = _with_up(found, places, up) if straight and up is not None else (found, places)
    # A dict, whatever the type stub says.
    fit: Any = pycolmap.estimate_sim3d_robust(ours, theirs, options)
    if fit is None:
        raise NotBelieved("GPS does not agree with the cameras, so it was not used")
    transform = fit["tgt_from_src"]
    off = np.array([transform * centre for centre in found]) - places
    errors = np.linalg.norm(off, axis=1)
    agreeing = errors <= tolerance
    tilted = up is not None and _tilt(transform, up) > MAX_TILT
    if agreeing.mean() < AGREEING or tilted or not extent_of(places[agreeing]).far:
        typical = float(np.median(np.linalg.norm(_best(found, places), axis=1)))
        raise NotBelieved(f"GPS is off by about {typical:.0f} m, so it was not used")
    across = float(np.sqrt((off[agreeing, :2] ** 2).sum(axis=1).mean()))
    upward = float(np.sqrt((off[agreeing, 2] ** 2).mean()))
    return Georeference(transform, origin, across, upward, int(agreeing.sum()))


def _with_up(found: Array, places: Array, up: Array) -> tuple[Array, Array]:
    """Add to every camera of a straight flight a point above it, so that it can not roll over."""
    scale = spread(places) / max(spread(found), 1e-9)
    height = spread(places)
    above = np.array([0.0, 0.0, height])
    return (
        np.concatenate([found, found + up * height / scale]),
        np.concatenate([places, places + above]),
    )


def _tilt(transform: pycolmap.Sim3d, up: Array) -> float:
    """Return the degrees between the cameras' up and that of the frame."""
    cosine = float((transform.rotation.matrix() @ up)[2])
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _best(found: Array, places: Array) -> Array:
    """Return what the best similarity over all photos leaves [N, 3], metres."""
    fit = pycolmap.estimate_sim3d(found, places)
    moved = np.array([fit * centre for centre in found]) if fit else np.zeros_like(places)
    left: Array = moved - places
    return left
