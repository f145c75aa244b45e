"""Sorts projected Gaussians into image tiles, front to back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpu.rendering.jit import kernel

TILE = 16  #: pixels along a tile's side

Ints = NDArray[np.int32]


class Tiles(NamedTuple):
    """Which Gaussians each tile draws. T tiles over all cameras, row-major within a camera.

    starts [T + 1]   where each tile's list begins in `ids` and `slots`
    ids [S]          index of the Gaussian among C x N, each list sorted front to back
    slots [S]        where the tile leaves its part of that Gaussian's gradient
    ranges [CN + 1]  the slots of one Gaussian lie together, from ranges[i] to ranges[i + 1]
    """

    starts: Ints
    ids: Ints
    slots: Ints
    ranges: Ints
    columns: int
    rows: int


def sort_into_tiles(
    radii: Tensor, means2d: Tensor, depths: Tensor, width: int, height: int
) -> Tiles:
    """Return the tiles of every camera.

    radii [C, N, 2] int32, means2d [C, N, 2] pixels, depths [C, N].
    """
    columns, rows = -(-width // TILE), -(-height // TILE)
    order = torch.argsort(depths.detach(), dim=1, stable=True).to(torch.int32).numpy()
    lists = _bin(order, radii.numpy(), means2d.detach().contiguous().numpy(), columns, rows)
    return Tiles(*lists, columns, rows)


@kernel
def _span(centre: float, radius: int, count: int) -> tuple[int, int]:
    """Return the first tile and the one after the last along one axis."""
    low = int(np.floor((centre - radius) / np.float32(TILE)))
    high = int(np.ceil((centre + radius) / np.float32(TILE)))
    return min(max(low, 0), count), min(max(high, 0), count)


@kernel
def _bin(
    order: Ints, radii: Ints, means2d: NDArray[np.float32], columns: int, rows: int
) -> tuple[Ints, Ints, Ints, Ints]:
    """Counting sort: filling the tiles in depth order sorts every list."""
    cameras, n = order.shape
    starts = np.zeros(cameras * rows * columns + 1, np.int32)
    ranges = np.zeros(cameras * n + 1, np.int32)
    for i in range(cameras):
        for g in range(n):
            if radii[i, g, 0] > 0:
                x0, x1 = _span(means2d[i, g, 0], radii[i, g, 0], columns)
                y0, y1 = _span(means2d[i, g, 1], radii[i, g, 1], rows)
                ranges[i * n + g + 1] = (x1 - x0) * (y1 - y0)
                for y in range(y0, y1):
                    for x in range(x0, x1):
                        starts[(i * rows + y) * columns + x + 1] += 1
    starts, ranges = np.cumsum(starts).astype(np.int32), np.cumsum(ranges).astype(np.int32)
    ids, slots = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int32)
    filled = starts.copy()
    for i in range(cameras):
        for g in order[i]:
            if radii[i, g, 0] > 0:
                x0, x1 = _span(means2d[i, g, 0], radii[i, g, 0], columns)
                y0, y1 = _span(means2d[i, g, 1], radii[i, g, 1], rows)
                slot = ranges[i * n + g]
                for y in range(y0, y1):
                    for x in range(x0, x1):
                        tile = (i * rows + y) * columns + x
                        ids[filled[tile]], slots[filled[tile]] = i * n + g, slot
                        filled[tile] += 1
                        slot += 1
    return starts, ids, slots, ranges
