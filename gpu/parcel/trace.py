"""Where rays meet solids (oriented boxes, gabled bodies, ellipsoids) and the ground."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpu.parcel.jit import kernel
from gpu.parcel.textures import noise3

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Vector = tuple[float, float, float]

BOX, GABLE, ELLIPSOID = 0, 1, 2
#: The material through which rays may pass: between the leaves.
LEAVES = 5
#: A ray that starts on a surface ignores what is nearer than this (metres).
SKIN = 1e-3


class Solids(NamedTuple):
    """All solids.

    axes[i] has the solid's own axes as rows; ellipsoids keep the world's. slope[i] is the fall
    of a gable's roof (metres down per metre away from its ridge, which runs along the own x).
    radius[i] is that of a sphere around the solid. bounds[i], (x, y, z) low then high, encloses
    the thing (a tree, say) that the solid is a part of.
    """

    kind: Ints
    material: Ints
    centre: Floats
    axes: Floats
    half: Floats
    slope: Floats
    tone: Floats
    radius: Floats
    bounds: Floats


class HeightMap(NamedTuple):
    """Values on a square grid: values[row, column] at (left + column * cell, low + row * cell)."""

    left: float
    low: float
    cell: float
    values: Floats


@kernel
def _slab(low: float, high: float, origin: float, inverse: float) -> tuple[float, float]:
    a, b = (low - origin) * inverse, (high - origin) * inverse
    return min(a, b), max(a, b)


@kernel
def _turned(s: Solids, i: int, v: Vector) -> Vector:
    """Return a vector of the world in the own axes of solid i."""
    return (
        s.axes[i, 0, 0] * v[0] + s.axes[i, 0, 1] * v[1] + s.axes[i, 0, 2] * v[2],
        s.axes[i, 1, 0] * v[0] + s.axes[i, 1, 1] * v[1] + s.axes[i, 1, 2] * v[2],
        s.axes[i, 2, 0] * v[0] + s.axes[i, 2, 1] * v[1] + s.axes[i, 2, 2] * v[2],
    )


@kernel
def in_world(s: Solids, i: int, v: Vector) -> Vector:
    """Return a vector of solid i's own axes in those of the world."""
    return (
        s.axes[i, 0, 0] * v[0] + s.axes[i, 1, 0] * v[1] + s.axes[i, 2, 0] * v[2],
        s.axes[i, 0, 1] * v[0] + s.axes[i, 1, 1] * v[1] + s.axes[i, 2, 1] * v[2],
        s.axes[i, 0, 2] * v[0] + s.axes[i, 1, 2] * v[1] + s.axes[i, 2, 2] * v[2],
    )


@kernel
def _invert(x: float) -> float:
    return 1.0 / x if abs(x) > 1e-12 else 1e12


@kernel
def _hit_ellipsoid(half: Vector, p: Vector, d: Vector) -> float:
    """Return the distance to the near side of an ellipsoid around 0, or infinity."""
    px, py, pz = p[0] / half[0], p[1] / half[1], p[2] / half[2]
    dx, dy, dz = d[0] / half[0], d[1] / half[1], d[2] / half[2]
    a, b = dx * dx + dy * dy + dz * dz, px * dx + py * dy + pz * dz
    root = b * b - a * (px * px + py * py + pz * pz - 1.0)
    if root <= 0.0:
        return math.inf
    t = (-b - math.sqrt(root)) / a
    return t if t > SKIN else math.inf


@kernel
def _hit_box(half: Vector, slope: float, p: Vector, d: Vector) -> float:
    """Return the distance to the near side of a box, cut by a gabled roof if slope > 0."""
    x0, x1 = _slab(-half[0], half[0], p[0], _invert(d[0]))
    y0, y1 = _slab(-half[1], half[1], p[1], _invert(d[1]))
    z0, z1 = _slab(-half[2], half[2], p[2], _invert(d[2]))
    near, away = max(x0, y0, z0), min(x1, y1, z1)
    if slope > 0.0:
        for side in (-1.0, 1.0):
            rise = d[2] + side * slope * d[1]
            t = (half[2] - p[2] - side * slope * p[1]) * _invert(rise)
            if rise < 0.0:
                near = max(near, t)
            else:
                away = min(away, t)
    return near if SKIN < near <= away else math.inf


@kernel
def _hit_solid(s: Solids, i: int, o: Vector, d: Vector) -> float:
    # Single elements, never s.half[i]: a view would count references, which costs more than this.
    p = (o[0] - s.centre[i, 0], o[1] - s.centre[i, 1], o[2] - s.centre[i, 2])
    half = (s.half[i, 0], s.half[i, 1], s.half[i, 2])
    if s.kind[i] == ELLIPSOID:
        return _hit_ellipsoid(half, p, d)
    return _hit_box(half, s.slope[i], _turned(s, i, p), _turned(s, i, d))


@kernel
def towards(s: Solids, o: Vector, radius: float, d: Vector, spread: float, found: Ints) -> int:
    """Collect the solids that rays from a sphere (o, radius) along d can meet; return how many.

    `spread` is the tangent of the widest angle between a ray and d.
    """
    count = 0
    for i in range(len(s.kind)):
        x, y, z = s.centre[i, 0] - o[0], s.centre[i, 1] - o[1], s.centre[i, 2] - o[2]
        along = x * d[0] + y * d[1] + z * d[2]
        reach = 1.01 * (radius + s.radius[i])
        wide = reach + spread * max(0.0, along)
        if along > -reach and x * x + y * y + z * z - along * along < wide * wide:
            found[count] = i
            count += 1
    return count


@kernel
def around(s: Solids, o: Vector, radius: float, found: Ints) -> int:
    """Collect the solids that are within `radius` of o; return how many."""
    count = 0
    for i in range(len(s.kind)):
        x, y, z = s.centre[i, 0] - o[0], s.centre[i, 1] - o[1], s.centre[i, 2] - o[2]
        if x * x + y * y + z * z < (radius + s.radius[i]) ** 2:
            found[count] = i
            count += 1
    return count


@kernel
def _is_gap(s: Solids, i: int, o: Vector, d: Vector, t: float) -> bool:
    """Say whether a ray passes between leaves at t; those of a negative tone are dense."""
    if s.material[i] != LEAVES or s.tone[i] < 0.0:
        return False
    x, y, z = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
    return noise3(6.5 * x, 6.5 * y, 6.5 * z, 3) > 0.57


@kernel
def nearest(
    s: Solids, few: Ints, count: int, o: Vector, d: Vector, far: float
) -> tuple[float, int]:
    """Return (distance, solid) of the nearest of few[:count] before `far`, else (far, -1)."""
    found = -1
    for k in range(count):
        i = few[k]
        t = _hit_solid(s, i, o, d)
        if t < far and not _is_gap(s, i, o, d, t):
            far, found = t, i
    return far, found


@kernel
def blocked(s: Solids, few: Ints, first: int, last: int, o: Vector, d: Vector, far: float) -> bool:
    """Say whether any of the solids few[first:last] is within `far` along a ray."""
    for k in range(first, last):
        i = few[k]
        t = _hit_solid(s, i, o, d)
        if t < far and not _is_gap(s, i, o, d, t):
            return True
    return False


@kernel
def normal(s: Solids, i: int, p: Vector) -> tuple[Vector, Vector]:
    """Return (outward unit normal in own axes, the point in own axes) of a point on solid i."""
    q = (p[0] - s.centre[i, 0], p[1] - s.centre[i, 1], p[2] - s.centre[i, 2])
    half = (s.half[i, 0], s.half[i, 1], s.half[i, 2])
    if s.kind[i] == ELLIPSOID:
        x, y, z = q[0] / half[0] ** 2, q[1] / half[1] ** 2, q[2] / half[2] ** 2
        size = math.sqrt(x * x + y * y + z * z)
        return (x / size, y / size, z / size), q
    q = _turned(s, i, q)
    side = 1.0 if q[1] > 0.0 else -1.0
    ax, ay, az = abs(q[0]) - half[0], abs(q[1]) - half[1], abs(q[2]) - half[2]
    if s.slope[i] > 0.0:
        size = math.sqrt(1.0 + s.slope[i] ** 2)
        az = max(-half[2] - q[2], (q[2] + s.slope[i] * abs(q[1]) - half[2]) / size)
        if az > max(ax, ay) and q[2] > -half[2] + SKIN:
            return (0.0, side * s.slope[i] / size, 1.0 / size), q
    if az >= max(ax, ay):
        return (0.0, 0.0, 1.0 if q[2] > 0.0 else -1.0), q
    if ay >= ax:
        return (0.0, side, 0.0), q
    return (1.0 if q[0] > 0.0 else -1.0, 0.0, 0.0), q


@kernel
def lookup(m: HeightMap, x: float, y: float) -> float:
    """Interpolate a map bilinearly; outside it goes on as at its edge."""
    rows, columns = m.values.shape
    u = min(max((x - m.left) / m.cell, 0.0), columns - 1.001)
    v = min(max((y - m.low) / m.cell, 0.0), rows - 1.001)
    i, j = int(u), int(v)
    a, b = u - i, v - j
    top = m.values[j, i] * (1.0 - a) + m.values[j, i + 1] * a
    value: float = top + b * (m.values[j + 1, i] * (1.0 - a) + m.values[j + 1, i + 1] * a - top)
    return value


@kernel
def ground_distance(m: HeightMap, o: Vector, d: Vector) -> float:
    """Return the distance to the ground along a ray, infinity for one that does not go down.

    The ground is so flat that repeating "meet the level plane of the last height" converges.
    """
    if d[2] > -0.02:
        return math.inf
    z = 0.0
    for _ in range(3):
        t = (z - o[2]) / d[2]
        z = lookup(m, o[0] + t * d[0], o[1] + t * d[1])
    return (z - o[2]) / d[2]
