"""The height of the ground under a scene, on a small grid: what one walks on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Cells along the longer side.
CELLS = 64
#: Of the heights in a cell, this percentile is ground: the lowest are errors below it.
PERCENTILE = 10.0
#: Cells across of what stands on the ground (houses, trees) and is not walked on.
OPENING = 11


@dataclass(frozen=True)
class Ground:
    """Heights [rows, columns] at origin + cell * (column, row), world units; row 0 is south."""

    origin: tuple[float, float]
    cell: float
    heights: Array

    def at(self, x: float, y: float) -> float:
        """Return the height at a place; outside the map its edge goes on."""
        rows, columns = self.heights.shape
        column = int(np.clip(round((x - self.origin[0]) / self.cell), 0, columns - 1))
        row = int(np.clip(round((y - self.origin[1]) / self.cell), 0, rows - 1))
        return float(self.heights[row, column])


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
    lowest = _lowest(points[inside], low, cell, (rows, columns))
    opened = _window(_window(_filled(lowest), OPENING, np.min), OPENING, np.max)
    return Ground((float(low[0]), float(low[1])), cell, _window(opened, 3, np.mean))


def _lowest(points: Array, low: Array, cell: float, shape: tuple[int, int]) -> Array:
    """Return a low percentile of the heights in each cell, NaN in empty ones."""
    columns, rows = np.round((points[:, :2] - low[:2]) / cell).astype(int).T
    flat = np.clip(rows, 0, shape[0] - 1) * shape[1] + np.clip(columns, 0, shape[1] - 1)
    order = np.lexsort((points[:, 2], flat))
    cells, first, counts = np.unique(flat[order], return_index=True, return_counts=True)
    heights = np.full(shape[0] * shape[1], np.nan)
    heights[cells] = points[order, 2][first + (counts * PERCENTILE / 100).astype(int)]
    return heights.reshape(shape)


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


def _window(heights: Array, width: int, reduce: Callable[..., Array]) -> Array:
    """Reduce the square window around each cell; beyond the edge its value goes on."""
    padded = np.pad(heights, width // 2, mode="edge")
    windows = sliding_window_view(padded, (width, width))
    return reduce(windows, axis=(2, 3))
