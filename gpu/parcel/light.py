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
from gpu.parcel.materials import albedo
from gpu.parcel.textures import Colour, noise3
from gpu.parcel.trace import (
    LEAVES,
    Floats,
    HeightMap,
    Solids,
    Vector,
    around,
    blocked,
    in_world,
    lookup,
    nearest,
    normal,
    towards,
)

Pixels = NDArray[np.float32]

#: Towards the sun (unit): in the south-west, 48 degrees high. Irradiances of sun and sky.
_AROUND, _UP = math.radians(232.0), math.radians(48.0)
SUN = (math.cos(_UP) * math.cos(_AROUND), math.cos(_UP) * math.sin(_AROUND), math.sin(_UP))
SUN_LIGHT, SKY_LIGHT = (2.35, 2.13, 1.78), (0.5, 0.6, 0.78)
#: Two directions across the sun's rays: level, and the other one.
ACROSS = (-math.sin(_AROUND), math.cos(_AROUND), 0.0)
OVER = (-SUN[2] * ACROSS[1], SUN[2] * ACROSS[0], SUN[0] * ACROSS[1] - SUN[1] * ACROSS[0])
#: The sun's plane is this far away; what is this little behind a solid is not in its shadow (m).
SUN_AWAY, SHADOW_BIAS = 100.0, 0.06
#: Work is done in tiles of this many pixels a side, each with the few solids that matter to it.
TILE = 16


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
def bake_sky(
    solids: Solids, heights: HeightMap, left: float, low: float, cell: float, values: Floats
) -> None:
    """Fill a map with the part of the sky's light that reaches the ground, 0 to 1."""
    rays, reach = 24, 6.0
    for row in numba.prange(values.shape[0]):
        found = np.empty(len(solids.kind), np.int64)
        for column in range(values.shape[1]):
            x, y = left + column * cell, low + row * cell
            o = (x, y, lookup(heights, x, y) + 0.02)
            count = around(solids, o, reach, found)
            free = 0
            for k in range(rays):
                up = math.sqrt((k + 0.5) / rays)
                flat, turn = math.sqrt(1.0 - up * up), 2.399963 * k
                d = (flat * math.cos(turn), flat * math.sin(turn), up)
                free += 0 if blocked(solids, found, 0, count, o, d, reach) else 1
            values[row, column] = free / rays


@parallel_kernel
def bake_shadows(solids: Solids, left: float, low: float, cell: float, values: Floats) -> None:
    """Fill a map of the plane across the sun: how near to the sun its rays first meet a solid."""
    rows, columns = values.shape
    across, down = -(-columns // TILE), -(-rows // TILE)
    for tile in numba.prange(across * down):
        found = np.empty(len(solids.kind), np.int64)
        top, side = tile // across * TILE, tile % across * TILE
        middle = _from_sun(left + (side + TILE / 2) * cell, low + (top + TILE / 2) * cell)
        down_ray = (-SUN[0], -SUN[1], -SUN[2])
        count = towards(solids, middle, 0.75 * TILE * cell, down_ray, 0.0, found)
        for row in range(top, min(top + TILE, rows)):
            for column in range(side, min(side + TILE, columns)):
                o = _from_sun(left + column * cell, low + row * cell)
                far, _ = nearest(solids, found, count, o, down_ray, 2.0 * SUN_AWAY)
                values[row, column] = SUN_AWAY - far


@kernel
def _from_sun(a: float, b: float) -> Vector:
    """Return the place (a, b) of a plane across the sun's rays, far above the parcel."""
    return (
        a * ACROSS[0] + b * OVER[0] + SUN_AWAY * SUN[0],
        a * ACROSS[1] + b * OVER[1] + SUN_AWAY * SUN[1],
        b * OVER[2] + SUN_AWAY * SUN[2],
    )


@kernel
def sunlit(shadows: HeightMap, p: Vector) -> float:
    """Return how much of the sun reaches a point, 0 to 1: soft over one cell of the map."""
    m = shadows
    depth = p[0] * SUN[0] + p[1] * SUN[1] + p[2] * SUN[2] + SHADOW_BIAS
    u = (p[0] * ACROSS[0] + p[1] * ACROSS[1] - m.left) / m.cell
    v = (p[0] * OVER[0] + p[1] * OVER[1] + p[2] * OVER[2] - m.low) / m.cell
    rows, columns = m.values.shape
    if not (0.0 <= u < columns - 1 and 0.0 <= v < rows - 1):
        return 1.0
    i, j = int(u), int(v)
    a, b = u - i, v - j
    near = (1.0 - a) * (depth > m.values[j, i]) + a * (depth > m.values[j, i + 1])
    away = (1.0 - a) * (depth > m.values[j + 1, i]) + a * (depth > m.values[j + 1, i + 1])
    lit: float = near * (1.0 - b) + away * b
    return lit


@kernel
def _lit(colour: Colour, sun: float, sky: float) -> Colour:
    return (
        colour[0] * (SUN_LIGHT[0] * sun + SKY_LIGHT[0] * sky),
        colour[1] * (SUN_LIGHT[1] * sun + SKY_LIGHT[1] * sky),
        colour[2] * (SUN_LIGHT[2] * sun + SKY_LIGHT[2] * sky),
    )


@parallel_kernel
def bake_ground(
    heights: HeightMap,
    sky: HeightMap,
    shadows: HeightMap,
    left: float,
    low: float,
    cell: float,
    pixels: Pixels,
    salt: int,
) -> None:
    """Fill a ground map with albedo times light."""
    for row in numba.prange(pixels.shape[0]):
        for column in range(pixels.shape[1]):
            x, y = left + column * cell, low + row * cell
            z = lookup(heights, x, y)
            dx = (lookup(heights, x + 0.4, y) - lookup(heights, x - 0.4, y)) / 0.8
            dy = (lookup(heights, x, y + 0.4) - lookup(heights, x, y - 0.4)) / 0.8
            facing = (SUN[2] - dx * SUN[0] - dy * SUN[1]) / math.sqrt(1.0 + dx * dx + dy * dy)
            sun = max(0.0, facing) * sunlit(shadows, (x, y, z))
            colour = _lit(cover(x, y, salt), sun, lookup(sky, x, y))
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
    p = ground.pixels
    w0, w1, w2, w3 = (1.0 - a) * (1.0 - b), a * (1.0 - b), (1.0 - a) * b, a * b
    return (
        w0 * p[j, i, 0] + w1 * p[j, i + 1, 0] + w2 * p[j + 1, i, 0] + w3 * p[j + 1, i + 1, 0],
        w0 * p[j, i, 1] + w1 * p[j, i + 1, 1] + w2 * p[j + 1, i, 1] + w3 * p[j + 1, i + 1, 1],
        w0 * p[j, i, 2] + w1 * p[j, i + 1, 2] + w2 * p[j + 1, i, 2] + w3 * p[j + 1, i + 1, 2],
    )


@kernel
def _ruffled(n: Vector, p: Vector) -> Vector:
    """Turn a normal as leaves do, by noise at the point in the world."""
    a = n[0] + 1.5 * (noise3(4.0 * p[0], 4.0 * p[1], 4.0 * p[2], 61) - 0.5)
    b = n[1] + 1.5 * (noise3(4.0 * p[0], 4.0 * p[1], 4.0 * p[2], 62) - 0.5)
    size = math.sqrt(a * a + b * b + n[2] * n[2]) + 1e-9
    return a / size, b / size, n[2] / size


@kernel
def shade(solids: Solids, shadows: HeightMap, i: int, p: Vector, salt: int) -> Colour:
    """Return the radiance of solid i at the point p."""
    own, q = normal(solids, i, p)
    n = in_world(solids, i, own)
    material = solids.material[i]
    colour = albedo(material, abs(solids.tone[i]), solids.half[i, 2], q, own, p, salt)
    if material == LEAVES:
        n = _ruffled(n, p)
    sky = 0.55 + 0.45 * n[2]
    if material == LEAVES:
        sky *= _openness(solids, i, p)
    facing = n[0] * SUN[0] + n[1] * SUN[1] + n[2] * SUN[2]
    sun = 0.0 if facing <= 0.0 else facing * sunlit(shadows, p)
    return _lit(colour, sun, sky)


@kernel
def _openness(s: Solids, i: int, p: Vector) -> float:
    """Return how much sky reaches a leaf: less near the middle and the foot of its plant."""
    x = (2.0 * p[0] - s.bounds[i, 0] - s.bounds[i, 3]) / (s.bounds[i, 3] - s.bounds[i, 0])
    y = (2.0 * p[1] - s.bounds[i, 1] - s.bounds[i, 4]) / (s.bounds[i, 4] - s.bounds[i, 1])
    z = (p[2] - s.bounds[i, 2]) / (s.bounds[i, 5] - s.bounds[i, 2])
    sky: float = 0.15 + 0.45 * (x * x + y * y) + 0.75 * z * z
    return min(1.0, sky)
