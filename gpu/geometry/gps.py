"""From GPS to metres: a local East-North-Up frame, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu.ingest.exif import Gps

#: WGS 84: semi-major axis (metres) and first eccentricity squared.
SEMI_MAJOR, ECCENTRICITY_SQUARED = 6378137.0, 6.69437999014e-3
#: Photos with GPS that an alignment needs, at the least.
MIN_PLACES = 4
#: Positions closer together than this (standard deviation, metres) are noise of the receiver.
MIN_EXTENT = 5.0
#: The second axis of the positions against the first: less is a straight line, about which the
#: scene could turn freely.
MIN_SECOND_AXIS = 0.05


def middle(places: Sequence[Gps]) -> Gps:
    """Return the median latitude, longitude and altitude: robust against single wild values."""
    latitude, longitude, altitude = np.median(np.asarray(places, dtype=np.float64), axis=0)
    return float(latitude), float(longitude), float(altitude)


def enu_metres(places: Sequence[Gps], origin: Gps | None = None) -> NDArray[np.float64]:
    """Return East, North, Up of each place [N, 3] in metres about `origin` (default: the median).

    Through earth-centred coordinates on the WGS 84 ellipsoid (Hofmann-Wellenhof, GNSS, 2008).
    """
    latitude, longitude, altitude = origin or middle(places)
    offset = _earth_centred(places) - _earth_centred([(latitude, longitude, altitude)])
    phi, lam = np.radians(latitude), np.radians(longitude)
    east = np.array([-np.sin(lam), np.cos(lam), 0.0])
    up = np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    enu: NDArray[np.float64] = offset @ np.stack([east, np.cross(up, east), up], axis=1)
    return enu


def _earth_centred(places: Sequence[Gps]) -> NDArray[np.float64]:
    latitude, longitude, height = np.asarray(places, dtype=np.float64).T
    phi, lam = np.radians(latitude), np.radians(longitude)
    curve = SEMI_MAJOR / np.sqrt(1 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2)
    flat = (curve + height) * np.cos(phi)
    polar = (curve * (1 - ECCENTRICITY_SQUARED) + height) * np.sin(phi)
    return np.stack([flat * np.cos(lam), flat * np.sin(lam), polar], axis=1)


def without_wild(places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the positions [N, 3] that are not absurdly far (metres) from the others."""
    distances = np.linalg.norm(places - np.median(places, axis=0), axis=1)
    usual: NDArray[np.bool_] = distances <= max(5 * float(np.median(distances)), 2 * MIN_EXTENT)
    return usual


def spread(places: NDArray[np.float64]) -> float:
    """Return the standard deviation of positions [N, 3] along their longest axis, metres."""
    return float(_axes(places)[0])


@dataclass(frozen=True)
class Extent:
    """Whether positions are enough, far enough apart, and all in one line."""

    enough: bool
    far: bool
    straight: bool


def extent_of(places: NDArray[np.float64]) -> Extent:
    """Judge positions [N, 3] (metres)."""
    if len(places) < MIN_PLACES:
        return Extent(enough=False, far=False, straight=True)
    first, second, _ = _axes(places)
    return Extent(True, bool(first > MIN_EXTENT), bool(second <= MIN_SECOND_AXIS * first))


def utm_epsg(latitude: float, longitude: float) -> int:
    """Return the EPSG code of the UTM zone (WGS 84) of a place, with the zones of Norway.

    326 and 327 are north and south (EPSG Geodetic Parameter Dataset, "WGS 84 / UTM zone").
    """
    zone = int((longitude + 180) % 360 // 6) + 1
    if 56 <= latitude < 64 and 3 <= longitude < 12:
        zone = 32
    if 72 <= latitude < 84 and 0 <= longitude < 42:
        zone = 31 + 2 * int((longitude + 3) // 12)
    return (32600 if latitude >= 0 else 32700) + zone


def _axes(places: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = places - places.mean(axis=0)
    axes: NDArray[np.float64] = np.linalg.svd(centred, compute_uv=False) / np.sqrt(len(places))
    return axes
