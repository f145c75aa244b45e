"""The height of the ground under a scene, on a small grid: what one walks on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kind = TypeVar("Kind", np.float64, np.bool_)

#: Cells along the longer side.
CELLS = 64
#: Of the heights in a cell, this percentile is ground: the lowest are errors below it.
PERCENTILE = 10.0
#: Higher than this above the ground, in cells, something stands in the way.
OBSTACLE = 0.5
#: Cells across of what stands on the ground (houses, trees) and is not walked on.
OPENING = 11


@dataclass(frozen=True)
class Ground:
    """Heights [rows, columns] at origin + cell * (column, row), world units; row 0 is south.

    `free` [rows, columns] says where nothing stands on the ground, nor right beside.
    """

    origin: tuple[float, float]
    cell: float
    heights: Array
    free: NDArray[np.bool_]

    def at(self, x: float, y: float) -> float:
        """Return the height at a place; outside the map its edge goes on."""
        rows, columns = self.heights.shape
        column = int(np.clip(round((x - self.origin[0]) / self.cell), 0, columns - 1))
        row = int(np.clip(round((y - self.origin[1]) / self.cell), 0, rows - 1))
        return float(self.heights[row, column])

    def heights_at(self, places: Array) -> Array:
        """Return the heights at places [N, 2], between the cells' own, as a viewer walks them."""
        rows, columns = self.heights.shape
        u, v = ((places - self.origin) / self.cell).T
        u, v = np.clip(u, 0, columns - 1), np.clip(v, 0, rows - 1)
        left, below = np.floor(u).astype(int), np.floor(v).astype(int)
        right, above = np.minimum(left + 1, columns - 1), np.minimum(below + 1, rows - 1)
        u, v = u - left, v - below
        south = (1 - u) * self.heights[below, left] + u * self.heights[below, right]
        north = (1 - u) * self.heights[above, left] + u * self.heights[above, right]
        heights: Array = (1 - v) * south + v * north
        return heights

    def nearest_free(self, x: float, y: float) -> tuple[float, float]:
        """Return the place nearest to (x, y) where one can stand; itself if there is none."""
        rows, columns = np.nonzero(self.free)
        if len(rows) == 0:
            return x, y
        places = np.stack([columns, rows], axis=1) * self.cell + self.origin
        best = places[np.linalg.norm(places - (x, y), axis=1).argmin()]
        return float(best[0]), float(best[1])


def ground_of(points: Array, low: Array, high: Array) -> Ground | None:
    """Map the ground below points [N, 3] within the box; None where there is nothing to map.

    The lowest heights of each cell, then a morphological opening, which takes away what is
    narrower than its window and stands on the ground (Zhang et al., TGRS 2003), then smoothing.
    """
    size = high[:2] - low[:2]
    cell = float(size.max()) / (CELLS - 1)
    inside = np.all((points >= low) & (points <= high), axis=1)
    if cell <= 0 or inside.sum() < 10:
        return None
    columns, rows = (int(np.floor(side / cell)) + 1 for side in size)
    lowest, highest = _heights(points[inside], low, cell, (rows, columns))
    opened = _window(_window(_filled(lowest), OPENING, np.min), OPENING, np.max)
    heights = _window(opened, 3, np.mean)
    standing = np.isnan(highest) | (highest - heights > OBSTACLE * cell)
    free = ~_window(standing, 3, np.any)
    return Ground((float(low[0]), float(low[1])), cell, heights, free)


def _heights(points: Array, low: Array, cell: float, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Return a low and a high percentile of the heights in each cell, NaN in empty ones."""
    columns, rows = np.round((points[:, :2] - low[:2]) / cell).astype(int).T
    flat = np.clip(rows, 0, shape[0] - 1) * shape[1] + np.clip(columns, 0, shape[1] - 1)
    order = np.lexsort((points[:, 2], flat))
    cells, first, counts = np.unique(flat[order], return_index=True, return_counts=True)
    result = np.full((2, shape[0] * shape[1]), np.nan)
    for row, percentile in zip(result, (PERCENTILE, 100 - PERCENTILE), strict=True):
        row[cells] = points[order, 2][first + ((counts - 1) * percentile / 100).astype(int)]
    return result[0].reshape(shape), result[1].reshape(shape)


def _filled(heights: Array) -> Array:
    """Fill empty cells from their neighbours, ring by ring."""
    heights = heights.copy()
    while np.isnan(heights).any():
        windows = sliding_window_view(np.pad(heights, 1, constant_values=np.nan), (3, 3))
        known = ~np.isnan(windows)
        sums = np.where(known, windows, 0.0).sum(axis=(2, 3))
        counts = known.sum(axis=(2, 3))
        grow = np.isnan(heights) & (counts > 0)
        heights[grow] = sums[grow] / counts[grow]
    return heights


def _window(cells: NDArray[Kind], width: int, reduce: Callable[..., Any]) -> NDArray[Kind]:
    """Reduce the square window around each cell; beyond the edge its value goes on."""
    padded = np.pad(cells, width // 2, mode="edge")
    windows = sliding_window_view(padded, (width, width))
    result: NDArray[Kind] = reduce(windows, axis=(2, 3))
    return result
