"""The drone: its camera, its flight plan, and what its GPS says.

Frame: metres east, north, up of the parcel's middle. Cameras look along +z with x to the right
and y down (COLMAP, OpenCV).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gpu.parcel.trace import Floats

#: WGS 84: the ellipsoid's half axis in metres and its squared eccentricity.
WGS84_A, WGS84_E2 = 6378137.0, 6.69437999014e-3
#: The parcel's middle: degrees north, degrees east, metres above sea level.
ORIGIN = (52.5, 13.4, 40.0)
GPS_SIGMA = (0.3, 0.3, 0.5)

FOCAL_35MM = 30
#: The diagonal of 24 x 36 mm film, and of the sensor (a "one inch" one), in millimetres.
FILM_DIAGONAL, SENSOR_DIAGONAL = math.hypot(24.0, 36.0), 16.5

GRID_HEIGHT = 35.0
RING_HEIGHTS = (30.0, 21.0)
#: How much further each photo of the grid looks, as a part of what one photo sees.
GRID_STEP = 0.25


@dataclass(frozen=True)
class Shot:
    """One photo: world-to-camera rotation (3, 3), camera centre (3,), GPS (lat, lon, alt)."""

    rotation: Floats
    centre: Floats
    gps: tuple[float, float, float]
    exposure: float

    @property
    def world_to_camera(self) -> Floats:
        """The pose as a 4 x 4 matrix."""
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = self.rotation, -self.rotation @ self.centre
        return pose


def focal_pixels(size: tuple[int, int]) -> float:
    """Return the focal length in pixels of photos of this (width, height)."""
    return FOCAL_35MM / FILM_DIAGONAL * math.hypot(*size)


def intrinsics(size: tuple[int, int]) -> Floats:
    """Return K, 3 x 3: a pinhole whose principal point is the picture's middle."""
    f = focal_pixels(size)
    return np.array([[f, 0.0, size[0] / 2], [0.0, f, size[1] / 2], [0.0, 0.0, 1.0]])


def to_wgs84(place: Floats) -> tuple[float, float, float]:
    """Return latitude, longitude (degrees) and altitude of a place (metres ENU).

    First order around the origin with the ellipsoid's radii of curvature: millimetres at 100 m.
    """
    latitude = math.radians(ORIGIN[0])
    w = math.sqrt(1.0 - WGS84_E2 * math.sin(latitude) ** 2)
    meridian, vertical = WGS84_A * (1.0 - WGS84_E2) / w**3, WGS84_A / w
    north = math.degrees(place[1] / meridian)
    east = math.degrees(place[0] / (vertical * math.cos(latitude)))
    return ORIGIN[0] + north, ORIGIN[1] + east, ORIGIN[2] + float(place[2])


def looking(centre: Floats, target: Floats, up: Floats) -> Floats:
    """Return the world-to-camera rotation of a camera that looks at `target`, `up` upwards."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def flight(photos: int, seed: int) -> list[Shot]:
    """Plan a flight: a grid of photos straight down, then a ring of oblique ones.

    Deterministic for a seed. About 55 % of the photos are the grid, row by row as drones fly.
    """
    random = np.random.default_rng(seed)
    columns, rows = _grid_shape(photos)
    places = _grid(columns, rows)
    shots = [_down(place, random) for place in places]
    ring = photos - len(places)
    return shots + [_oblique(i, ring, random) for i in range(ring)]


def _grid_shape(photos: int) -> tuple[int, int]:
    """Return the largest (columns, rows) of about 5 : 4 that leaves 40 % for the ring."""
    rows = max(1, round(math.sqrt(0.6 * photos * 0.75)))
    return max(1, int(0.6 * photos / rows)), rows


def _grid(columns: int, rows: int) -> list[Floats]:
    sees = GRID_HEIGHT / focal_pixels((4, 3)) * GRID_STEP
    places = []
    for row in range(rows):
        along = range(columns) if row % 2 == 0 else reversed(range(columns))
        for column in along:
            x, y = (column - (columns - 1) / 2) * 4 * sees, (row - (rows - 1) / 2) * 3 * sees
            places.append(np.array([x, y, GRID_HEIGHT]))
    return places


def _down(place: Floats, random: np.random.Generator) -> Shot:
    centre = place + random.normal(0.0, (0.6, 0.6, 0.4))
    target = centre + np.array([*random.normal(0.0, 0.03, 2), -1.0])
    turn = random.normal(0.0, math.radians(2.5))
    return _shot(centre, target, np.array([math.sin(turn), math.cos(turn), 0.0]), random)


def _oblique(index: int, count: int, random: np.random.Generator) -> Shot:
    height = RING_HEIGHTS[index % len(RING_HEIGHTS)]
    around = 2.0 * math.pi * index / count + random.normal(0.0, 0.03)
    away = height + random.normal(0.0, 0.5)
    centre = np.array([away * math.cos(around), away * math.sin(around), height])
    target = np.array([*random.normal(0.0, 0.8, 2), 0.0])
    return _shot(centre, target, np.array([0.0, 0.0, 1.0]), random)


def _shot(centre: Floats, target: Floats, up: Floats, random: np.random.Generator) -> Shot:
    gps = to_wgs84(centre + random.normal(0.0, GPS_SIGMA))
    return Shot(looking(centre, target, up), centre, gps, float(random.normal(1.0, 0.012)))
