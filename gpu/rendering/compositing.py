"""Blends sorted Gaussians into pixels, front to back, and its derivative, for the CPU.

Each tile is drawn by one core. It walks its Gaussians front to back and, for each, the rows that
the Gaussian reaches; a row's pixels are computed together, as one vector. The derivative walks
back to front and recovers the transmittance by division, as Kerbl et al. 2023 do. A tile writes
the gradient of a Gaussian to a slot of its own and the slots are summed afterwards in a fixed
order: no two cores write one number, and the result is the same every time.

The constants are gsplat's: what covers less than 1/255 of a pixel is skipped, nothing covers more
than 0.999 of it, and a pixel is finished before its transmittance falls to 1e-4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from gpu.rendering.jit import Scalar, inlined, kernel, parallel_kernel
from gpu.rendering.projection import ALPHA_THRESHOLD
from gpu.rendering.tiles import TILE, Tiles

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

MAX_ALPHA = np.float32(0.999)
MIN_TRANSMITTANCE = np.float32(1e-4)
FAR = np.float32(20)  #: where the fall-off is taken to end; far below the threshold
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)
#: What a slot holds before the colours: derivatives by x, y, the conic's three, the opacity, and
#: the sums of the absolute derivatives by x and y.
SHAPE_GRADS = 8


@kernel
def _exp(x: Scalar) -> Scalar:
    """e^x in float32 for -20 < x <= 0, to 2 units in the last place; becomes vector code."""
    scaled = x * np.float32(1.4426950408889634)
    whole = np.floor(scaled + HALF)
    part = (scaled - whole) * np.float32(0.6931471805599453)
    series = np.float32(1 / 720)
    series = series * part + np.float32(1 / 120)
    series = series * part + np.float32(1 / 24)
    series = series * part + np.float32(1 / 6)
    series = series * part + HALF
    series = series * part + ONE
    series = series * part + ONE
    power = (np.int32(whole) + np.int32(127)) << np.int32(23)
    return series * np.int32(power).view(np.float32)


@kernel
def _rows(y: Scalar, conic: Floats, opacity: Scalar, top: int) -> tuple[int, int]:
    """Return the rows of the tile (first, one after the last) that a Gaussian reaches."""
    reach = np.float32(2) * np.log(opacity / ALPHA_THRESHOLD)
    half = np.sqrt(max(reach, ZERO) * conic[0] / (conic[0] * conic[2] - conic[1] * conic[1]))
    first = np.ceil(y - half - HALF - np.float32(0.01)) - top
    last = np.floor(y + half - HALF + np.float32(0.01)) - top
    return int(max(first, ZERO)), int(min(last, np.float32(TILE - 1))) + 1


class Pixels(NamedTuple):
    """What the loss sees, or the derivatives by it; float32 but for `lasts`."""

    renders: Floats  # [C, H, W, D]
    through: Floats  # [C, H, W] transmittance; kept as 1 - alpha it would lose its digits
    lasts: Ints  # [C, H, W] position in the tile's list of the last Gaussian drawn, or -1


class Flat(NamedTuple):
    """The splats of all cameras in one list, C x N."""

    means2d: Floats  # [CN, 2]
    conics: Floats  # [CN, 3]
    opacities: Floats  # [CN]
    colors: Floats  # [CN, D]
    backgrounds: Floats  # [C, D]


@kernel
def _corner(tile: Scalar, tiles: Tiles) -> tuple[int, int, int]:
    """Return the camera of a tile and its first row and column in pixels."""
    camera, at = divmod(tile, tiles.columns * tiles.rows)
    return camera, TILE * (at // tiles.columns), TILE * (at % tiles.columns)


@kernel
def _draw_tile(tile: Scalar, splats: Flat, tiles: Tiles, out: Pixels) -> None:
    camera, top, left = _corner(tile, tiles)
    height, width, channels = out.renders.shape[1:]
    bottom, right = min(TILE, height - top), min(TILE, width - left)
    T = np.ones((TILE, TILE), np.float32)
    live = np.zeros((TILE, TILE), np.float32)
    live[:bottom, :right] = ONE
    last = np.full((TILE, TILE), -1, np.int32)
    sums = np.zeros((channels, TILE, TILE), np.float32)
    weight = np.empty(TILE, np.float32)
    row_live = np.zeros(TILE, np.float32)
    row_live[:bottom] = right
    finished = 0
    for position in range(tiles.starts[tile], tiles.starts[tile + 1]):
        g = tiles.ids[position]
        x = splats.means2d[g, 0] - (np.float32(left) + HALF)
        opacity, A, B, C = (
            splats.opacities[g],
            splats.conics[g, 0],
            splats.conics[g, 1],
            splats.conics[g, 2],
        )
        first, end = _rows(splats.means2d[g, 1], splats.conics[g], opacity, top)
        for row in range(first, end):
            if row_live[row] == ZERO:
                continue
            dy = splats.means2d[g, 1] - (np.float32(top + row) + HALF)
            cyy, by = HALF * C * dy * dy, B * dy
            alive = ZERO
            for lane in range(TILE):
                dx = x - np.float32(lane)
                sigma = HALF * A * dx * dx + by * dx + cyy
                alpha = min(opacity * _exp(-min(sigma, FAR)), MAX_ALPHA)
                hit = (sigma >= ZERO) & (alpha >= ALPHA_THRESHOLD) & (live[row, lane] > ZERO)
                behind = T[row, lane] * (ONE - alpha)
                drawn = hit & (behind > MIN_TRANSMITTANCE)
                ended = hit & (behind <= MIN_TRANSMITTANCE)
                weight[lane] = alpha * T[row, lane] if drawn else ZERO
                T[row, lane] = behind if drawn else T[row, lane]
                last[row, lane] = position if drawn else last[row, lane]
                live[row, lane] = ZERO if ended else live[row, lane]
                alive += live[row, lane]
            row_live[row] = alive
            finished += alive == ZERO
            for k in range(channels):
                color = splats.colors[g, k]
                for lane in range(TILE):
                    sums[k, row, lane] += color * weight[lane]
        if finished >= bottom:
            break
    for row in range(bottom):
        for lane in range(right):
            through = T[row, lane]
            out.through[camera, top + row, left + lane] = through
            out.lasts[camera, top + row, left + lane] = last[row, lane]
            for k in range(channels):
                shown = sums[k, row, lane] + through * splats.backgrounds[camera, k]
                out.renders[camera, top + row, left + lane, k] = shown


@parallel_kernel
def draw(splats: Flat, tiles: Tiles, out: Pixels) -> None:
    """Draw every tile."""
    for tile in prange(len(tiles.starts) - 1):
        _draw_tile(np.int64(tile), splats, tiles, out)


class Loss(NamedTuple):
    """A tile on the way back, from its last Gaussian to its first."""

    T: Floats  # [TILE, TILE] transmittance behind the current Gaussian
    behind: Floats  # [TILE, TILE] what is seen behind it: colours, background, alpha, times v
    v: Floats  # [D, TILE, TILE] derivative of the loss by the pixel's colour
    lasts: Ints  # [TILE, TILE]
    v_color: Floats  # [TILE] scratch of one row
    weight: Floats  # [TILE] scratch of one row


@kernel
def _read_tile(
    camera: Scalar, top: Scalar, left: Scalar, backgrounds: Floats, out: Pixels, v_out: Pixels
) -> Loss:
    """Return the state behind the last Gaussian; pixels outside the image draw nothing."""
    height, width, channels = v_out.renders.shape[1:]
    T = np.ones((TILE, TILE), np.float32)
    lasts = np.full((TILE, TILE), -1, np.int32)
    v = np.zeros((channels, TILE, TILE), np.float32)
    behind = np.zeros((TILE, TILE), np.float32)
    for row in range(min(TILE, height - top)):
        for lane in range(min(TILE, width - left)):
            y, x = top + row, left + lane
            T[row, lane] = out.through[camera, y, x]
            lasts[row, lane] = out.lasts[camera, y, x]
            seen = v_out.through[camera, y, x]
            for k in range(channels):
                v[k, row, lane] = v_out.renders[camera, y, x, k]
                seen += v[k, row, lane] * backgrounds[camera, k]
            behind[row, lane] = T[row, lane] * seen
    return Loss(T, behind, v, lasts, np.empty(TILE, np.float32), np.empty(TILE, np.float32))


@inlined
def _row_backward(
    row: Scalar,
    position: Scalar,
    x: Scalar,
    dy: Scalar,
    opacity: Scalar,
    conic: Floats,
    color: Floats,
    loss: Loss,
    grads: Floats,
) -> None:
    """Add one row's part of a Gaussian's gradient to grads [SHAPE_GRADS + D, TILE]."""
    T, behind, lasts = loss.T, loss.behind, loss.lasts
    A, B, C = conic[0], conic[1], conic[2]
    cyy, by = HALF * C * dy * dy, B * dy
    v_color, weight = loss.v_color, loss.weight
    v_color[:] = ZERO
    for k in range(len(color)):
        for lane in range(TILE):
            v_color[lane] += color[k] * loss.v[k, row, lane]
    for lane in range(TILE):
        dx = x - np.float32(lane)
        sigma = HALF * A * dx * dx + by * dx + cyy
        falloff = _exp(-min(sigma, FAR))
        alpha = min(opacity * falloff, MAX_ALPHA)
        hit = (sigma >= ZERO) & (alpha >= ALPHA_THRESHOLD) & (position <= lasts[row, lane])
        alpha = alpha if hit else ZERO
        inverse = ONE / (ONE - alpha)
        T[row, lane] *= inverse
        weight[lane] = alpha * T[row, lane]
        v_alpha = T[row, lane] * v_color[lane] - behind[row, lane] * inverse
        behind[row, lane] += weight[lane] * v_color[lane]
        free = hit & (opacity * falloff <= MAX_ALPHA)
        v_opacity = v_alpha * falloff if free else ZERO
        v_sigma = -opacity * v_opacity
        v_x, v_y = v_sigma * (A * dx + by), v_sigma * (B * dx + C * dy)
        grads[0, lane] += v_x
        grads[1, lane] += v_y
        grads[2, lane] += HALF * v_sigma * dx * dx
        grads[3, lane] += v_sigma * dx * dy
        grads[4, lane] += HALF * v_sigma * dy * dy
        grads[5, lane] += v_opacity
        grads[6, lane] += abs(v_x)
        grads[7, lane] += abs(v_y)
    for k in range(len(color)):
        for lane in range(TILE):
            grads[SHAPE_GRADS + k, lane] += weight[lane] * loss.v[k, row, lane]


@kernel
def _draw_tile_backward(
    tile: Scalar, splats: Flat, tiles: Tiles, out: Pixels, v_out: Pixels, slots: Floats
) -> None:
    """Write this tile's slots [SHAPE_GRADS + D], one per Gaussian in its list."""
    camera, top, left = _corner(tile, tiles)
    loss = _read_tile(camera, top, left, splats.backgrounds, out, v_out)
    row_lasts = np.array([loss.lasts[row].max() for row in range(TILE)])
    grads = np.empty((slots.shape[1], TILE), np.float32)
    for position in range(tiles.starts[tile + 1] - 1, tiles.starts[tile] - 1, -1):
        grads[:] = ZERO
        if position <= row_lasts.max():
            g = tiles.ids[position]
            x = splats.means2d[g, 0] - (np.float32(left) + HALF)
            y, opacity, conic = splats.means2d[g, 1], splats.opacities[g], splats.conics[g]
            first, end = _rows(y, conic, opacity, top)
            for row in range(first, end):
                if position <= row_lasts[row]:
                    dy = y - (np.float32(top + row) + HALF)
                    color = splats.colors[g]
                    _row_backward(row, position, x, dy, opacity, conic, color, loss, grads)
        for k in range(len(grads)):
            slots[tiles.slots[position], k] = grads[k].sum()


@parallel_kernel
def draw_backward(splats: Flat, tiles: Tiles, out: Pixels, v_out: Pixels, slots: Floats) -> None:
    """Write the slots [S, SHAPE_GRADS + D] of every tile."""
    for tile in prange(len(tiles.starts) - 1):
        _draw_tile_backward(np.int64(tile), splats, tiles, out, v_out, slots)


@parallel_kernel
def sum_slots(slots: Floats, ranges: Ints, out: Floats) -> None:
    """Add the slots of each Gaussian to its row of out [CN, SHAPE_GRADS + D]."""
    for g in prange(len(out)):
        for slot in range(ranges[g], ranges[g + 1]):
            for k in range(out.shape[1]):
                out[g, k] += slots[slot, k]
