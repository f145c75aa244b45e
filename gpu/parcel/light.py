"""Sun, sky and shadow; radiance is linear RGB.

Surfaces are Lambertian: what a splat of low degree learns, and what photos of a garden in the
sun mostly are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gpu.parcel.ground import cover, height
from gpu.parcel.jit import kernel, parallel_kernel
from gpu.parcel.materials import Material, albedo
from gpu.parcel.textures import Colour, noise3
from gpu.parcel.trace import (
    Floats,
    HeightMap,
    Ints,
    Solids,
    Vector,
    around,
    blocked,
    lookup,
    normal,
    towards,
)

Pixels = NDArray[np.float32]

#: Towards the sun (unit): in the south-west, 48 degrees high. Irradiances of sun and sky.
_AROUND, _UP = math.radians(232.0), math.radians(48.0)
SUN = (math.cos(_UP) * math.cos(_AROUND), math.cos(_UP) * math.sin(_AROUND), math.sin(_UP))
SUN_LIGHT, SKY_LIGHT = (2.35, 2.13, 1.78), (0.5, 0.6, 0.78)
#: How far (metres) a shadow reaches, and half the sun's width with some haze (tangent).
SHADOW, SOFT = 40.0, 0.012
#: Work is done in tiles of this many pixels a side, each with the few solids that matter to it.
TILE = 16
_LEAVES = int(Material.LEAVES)


class GroundMap(NamedTuple):
    """The ground's radiance: pixels[row, column] at (left + column * cell, low + row * cell)."""

    left: float
    low: float
    cell: float
    pixels: Pixels


@parallel_kernel
def bake_heights(left: float, low: float, cell: float, values: Floats) -> None:
    """Fill a height map."""
    for row in numba.prange(values.shape[0]):
        for column in range(values.shape[1]):
            values[row, column] = height(left + column * cell, low + row * cell)


@parallel_kernel
def bake_sky(solids: Solids, heights: HeightMap, left: float, low: float, cell: float,
             values: Floats) -> None:
    """Fill a map with the part of the sky's light that reaches the ground, 0 to 1."""
    rays, reach = 24, 6.0
    for row in numba.prange(values.shape[0]):
        found = np.empty(len(solids.kind), np.int64)
        for column in range(values.shape[1]):
            x, y = left + column * cell, low + row * cell
            o = (x, y, lookup(heights, x, y) + 0.02)
            few = found[: around(solids, o, reach, found)]
            free = 0
            for k in range(rays):
                up = math.sqrt((k + 0.5) / rays)
                flat, turn = math.sqrt(1.0 - up * up), 2.399963 * k
                d = (flat * math.cos(turn), flat * math.sin(turn), up)
                free += 0 if blocked(solids, few, o, d, reach) else 1
            values[row, column] = free / rays


class Shadows(NamedTuple):
    """Which solids may stand between solid i and the sun: by[first[i]:first[i + 1]]."""

    first: Ints
    by: Ints


def find_shadows(solids: Solids) -> Shadows:
    """List for each solid those that may throw a shadow upon it."""
    found = np.empty(len(solids.kind), np.int64)
    lists = []
    for centre, radius in zip(solids.centre, solids.radius, strict=True):
        o = (float(centre[0]), float(centre[1]), float(centre[2]))
        lists.append(found[: towards(solids, o, radius, SUN, 0.0, found)].copy())
    first = np.cumsum([0] + [len(few) for few in lists])
    return Shadows(first, np.concatenate(lists))


@kernel
def _sunlit(solids: Solids, few: Ints, o: Vector) -> float:
    """Return the part of the sun's disc that is seen from o."""
    if len(few) == 0:
        return 1.0
    lit = 0
    for k in range(4):
        a, b = SOFT * (1.0 if k & 1 else -1.0), SOFT * (1.0 if k & 2 else -1.0)
        d = (SUN[0] + a, SUN[1] - 0.7 * a + b, SUN[2] + 0.5 * b)
        lit += 0 if blocked(solids, few, o, d, SHADOW) else 1
    return lit / 4.0


@kernel
def _lit(colour: Colour, sun: float, sky: float) -> Colour:
    return (
        colour[0] * (SUN_LIGHT[0] * sun + SKY_LIGHT[0] * sky),
        colour[1] * (SUN_LIGHT[1] * sun + SKY_LIGHT[1] * sky),
        colour[2] * (SUN_LIGHT[2] * sun + SKY_LIGHT[2] * sky),
    )


@kernel
def _ground_light(
    solids: Solids, few: Ints, heights: HeightMap, sky: HeightMap, x: float, y: float, salt: int
) -> Colour:
    z = lookup(heights, x, y)
    dx = (lookup(heights, x + 0.4, y) - lookup(heights, x - 0.4, y)) / 0.8
    dy = (lookup(heights, x, y + 0.4) - lookup(heights, x, y - 0.4)) / 0.8
    facing = (SUN[2] - dx * SUN[0] - dy * SUN[1]) / math.sqrt(1.0 + dx * dx + dy * dy)
    sun = max(0.0, facing) * _sunlit(solids, few, (x, y, z + 0.01))
    return _lit(cover(x, y, salt), sun, lookup(sky, x, y))


@parallel_kernel
def bake_ground(
    solids: Solids,
    heights: HeightMap,
    sky: HeightMap,
    left: float,
    low: float,
    cell: float,
    pixels: Pixels,
    salt: int,
) -> None:
    """Fill a ground map with albedo times light, tile by tile."""
    rows, columns, _ = pixels.shape
    across, down = -(-columns // TILE), -(-rows // TILE)
    for tile in numba.prange(across * down):
        found = np.empty(len(solids.kind), np.int64)
        top, side = tile // across * TILE, tile % across * TILE
        x, y = left + (side + TILE / 2) * cell, low + (top + TILE / 2) * cell
        middle = (x, y, lookup(heights, x, y))
        few = found[: towards(solids, middle, TILE * cell, SUN, 2.0 * SOFT, found)]
        for row in range(top, min(top + TILE, rows)):
            for column in range(side, min(side + TILE, columns)):
                x, y = left + column * cell, low + row * cell
                colour = _ground_light(solids, few, heights, sky, x, y, salt)
                for channel in range(3):
                    pixels[row, column, channel] = colour[channel]


@kernel
def ground_radiance(ground: GroundMap, x: float, y: float) -> Colour:
    """Interpolate a ground map bilinearly; outside it goes on as at its edge."""
    rows, columns, _ = ground.pixels.shape
    u = min(max((x - ground.left) / ground.cell, 0.0), columns - 1.001)
    v = min(max((y - ground.low) / ground.cell, 0.0), rows - 1.001)
    i, j = int(u), int(v)
    a, b = u - i, v - j
    p, q = ground.pixels[j], ground.pixels[j + 1]
    w0, w1, w2, w3 = (1.0 - a) * (1.0 - b), a * (1.0 - b), (1.0 - a) * b, a * b
    return (
        w0 * p[i, 0] + w1 * p[i + 1, 0] + w2 * q[i, 0] + w3 * q[i + 1, 0],
        w0 * p[i, 1] + w1 * p[i + 1, 1] + w2 * q[i, 1] + w3 * q[i + 1, 1],
        w0 * p[i, 2] + w1 * p[i + 1, 2] + w2 * q[i, 2] + w3 * q[i + 1, 2],
    )


@kernel
def _ruffled(n: Vector, p: Vector) -> Vector:
    """Turn a normal as leaves do, by noise at the point in the world."""
    a = n[0] + 1.5 * (noise3(4.0 * p[0], 4.0 * p[1], 4.0 * p[2], 61) - 0.5)
    b = n[1] + 1.5 * (noise3(4.0 * p[0], 4.0 * p[1], 4.0 * p[2], 62) - 0.5)
    size = math.sqrt(a * a + b * b + n[2] * n[2]) + 1e-9
    return a / size, b / size, n[2] / size


@kernel
def shade(solids: Solids, shadows: Shadows, i: int, p: Vector, salt: int) -> Colour:
    """Return the radiance of solid i at the point p."""
    own, q = normal(solids, i, p)
    axes = solids.axes[i]
    n = (
        axes[0, 0] * own[0] + axes[1, 0] * own[1] + axes[2, 0] * own[2],
        axes[0, 1] * own[0] + axes[1, 1] * own[1] + axes[2, 1] * own[2],
        axes[0, 2] * own[0] + axes[1, 2] * own[1] + axes[2, 2] * own[2],
    )
    material = solids.material[i]
    colour = albedo(material, abs(solids.tone[i]), solids.half[i], q, own, p, salt)
    o = (p[0] + 0.01 * n[0], p[1] + 0.01 * n[1], p[2] + 0.01 * n[2])
    if material == _LEAVES:
        n = _ruffled(n, p)
    sky = 0.55 + 0.45 * n[2]
    if material == _LEAVES:
        sky *= _openness(solids.bounds[i], p)
    facing = n[0] * SUN[0] + n[1] * SUN[1] + n[2] * SUN[2]
    few = shadows.by[shadows.first[i] : shadows.first[i + 1]]
    if facing <= 0.0 or blocked(solids, few, o, SUN, SHADOW):
        return _lit(colour, 0.0, sky)
    return _lit(colour, facing, sky)


@kernel
def _openness(bounds: Floats, p: Vector) -> float:
    """Return how much sky reaches a leaf: less near the middle and the foot of its plant."""
    x = (2.0 * p[0] - bounds[0] - bounds[3]) / (bounds[3] - bounds[0])
    y = (2.0 * p[1] - bounds[1] - bounds[4]) / (bounds[4] - bounds[1])
    z = (p[2] - bounds[2]) / (bounds[5] - bounds[2])
    return min(1.0, 0.15 + 0.9 * (x * x + y * y) * 0.5 + 0.75 * z * z)
