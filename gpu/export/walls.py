"""What a walker meets: how high one would stand in each cell of a grid, and where one can not."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu.export.ground import Array, Ground

#: Side of a cell, world units (metres where the scene has them), and cells along a side at most.
CELL, CELLS = 0.25, 320
#: Height of a level, and how much higher than before a foot can be set: a tall step of a stair.
LEVEL, STEP = 0.1, 0.45
#: What a walker's body needs above the foot, and how high stairs may lead above the ground.
BODY, HIGHEST = 1.8, 3.0
#: A Gaussian more opaque than this in a voxel (a cell at a level) makes it solid.
SOLID = 0.3
#: Solid levels before a body that stop it: one may be a stray Gaussian in the air.
IN_THE_WAY = 2
#: The value of a cell in which nobody can stand.
BLOCKED = 255
#: A Gaussian is drawn as this many places along each of its two long axes, two sigmas each way.
DOTS = 9

Cells = NDArray[np.uint8]


@dataclass(frozen=True)
class Walls:
    """`tops` [rows, columns]: levels above the ground on which one stands, BLOCKED where not.

    Cell (row, column) covers origin + CELL * (column, row) and one cell more; row 0 is south.
    """

    origin: tuple[float, float]
    cell: float
    tops: Cells

    def to_json(self) -> dict[str, object]:
        """Return the grid as in the manifest: bytes, zlib, base64, since most of it is alike."""
        rows, columns = self.tops.shape
        return {
            "origin": [round(v, 4) for v in self.origin],
            "cell": self.cell,
            "columns": columns,
            "rows": rows,
            "level": LEVEL,
            "tops": base64.b64encode(zlib.compress(self.tops.tobytes(), 9)).decode("ascii"),
        }


def walls_of(
    means: Array, axes: Array, opacities: Array, ground: Ground, low: Array, high: Array
) -> Walls:
    """Map what stands on the ground within the box `low`..`high` and can not be walked through.

    means [N, 3] and `axes` [N, 2, 3] (the two longest standard deviations as vectors) of solid
    Gaussians, world frame; opacities [N], 0 to 1.
    """
    cell = max(CELL, float(np.max(high[:2] - low[:2])) / CELLS)
    columns, rows = (int(np.ceil(side / cell)) for side in np.maximum(high[:2] - low[:2], cell))
    levels = round((HIGHEST + BODY) / LEVEL)
    places = _dots(means, axes, opacities, cell)
    column, row = np.floor((places[:, :2] - low[:2]) / cell).astype(int).T
    above = places[:, 2] - ground.heights_at(places[:, :2])
    level = np.floor(above / LEVEL).astype(int)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    inside &= (level >= 0) & (level < levels)
    solid = np.zeros((rows, columns, levels), bool)
    solid[row[inside], column[inside], level[inside]] = True
    return Walls((float(low[0]), float(low[1])), cell, _tops(solid))


def _dots(means: Array, axes: Array, opacities: Array, cell: float) -> Array:
    """Return the opaque places [M, 3]: many of a wide Gaussian, of a small one its middle."""
    wide = np.linalg.norm(axes[:, 0], axis=1) > cell / 4
    steps = np.linspace(-2.0, 2.0, DOTS)
    u, v = (steps.ravel() for steps in np.meshgrid(steps, steps))
    offsets = np.stack([u, v], axis=1) @ axes[wide]
    opaque = opacities[wide, None] * np.exp(-0.5 * (u**2 + v**2)) >= SOLID
    spread = (means[wide, None] + offsets)[opaque]
    return np.concatenate([means[~wide & (opacities >= SOLID)], spread])


def _tops(solid: NDArray[np.bool_]) -> Cells:
    """Climb each cell's solid levels [rows, columns, levels] while the gaps are small steps.

    Blocked is where that ends higher than stairs may lead, or where the body does not fit above.
    """
    step, body = round(STEP / LEVEL), round(BODY / LEVEL)
    top = np.zeros(solid.shape[:2], int)
    for level in range(solid.shape[2]):
        reached = solid[:, :, level] & (level - top <= step)
        top[reached] = level + 1
    levels = np.arange(solid.shape[2])
    over = (levels >= top[:, :, None]) & (levels < top[:, :, None] + body)
    hit = (solid & over).sum(axis=2) >= IN_THE_WAY
    blocked = hit | (top > round(HIGHEST / LEVEL))
    top[top == 1] = 0  # grass, and the ground's own roughness
    return np.where(blocked, BLOCKED, top).astype(np.uint8)
