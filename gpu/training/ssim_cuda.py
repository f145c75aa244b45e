"""Structural similarity and its derivative on the GPU: four passes of a separable window.

An image [H, W, D] is D planes, of whose numbers every D-th of memory is one's. What lies between
the passes is laid out plane by plane, and only as many planes are worked on at once as the GPU's
cache holds: that is faster, and the memory for it does not grow with the photos. By the chain rule,
with the blurred moments m = E[x], s = E[x x] and c = E[x y] of image x and photo y, the mean
similarity S has the derivative

    dS/dx = blur(dS/dm) + 2 x blur(dS/ds) + y blur(dS/dc)
"""

from __future__ import annotations

import torch
import triton
from torch import Tensor
from triton import language as tl

from gpu.training.kernels import gpu_kernel

#: Rows and numbers along a row of one program, and its warps: the fastest of 24 tried on an H200.
ROWS, COLUMNS, WARPS = 2, 128, 8
#: Numbers between the passes, of each of an image's: five moments and three derivatives.
BETWEEN = 8
#: Bytes for these at once: half of what an H100's or H200's level 2 cache holds.
CACHE = 25 << 20


@gpu_kernel("height", "width")
def _place(
    height: tl.tensor, width: tl.tensor, ROWS: tl.constexpr, COLUMNS: tl.constexpr
) -> tl.tensor:
    """Return this program's rows, columns, offsets, and which of them lie inside the plane."""
    rows = tl.program_id(1) * ROWS + tl.arange(0, ROWS)[:, None]
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    plane = tl.program_id(2).to(tl.int64) * height * width
    inside = (rows < height) & (columns < width)
    return rows, columns, plane + rows * width + columns, inside


@gpu_kernel("first", "height", "width")
def _pixels(
    first: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    DEPTH: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> tl.tensor:
    """Return where in the images [B, H, W, DEPTH] this program's numbers lie.

    The program's first plane is the one with the number `first`.
    """
    rows = tl.program_id(1) * ROWS + tl.arange(0, ROWS)[:, None]
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    plane = first + tl.program_id(2)
    image = (plane // DEPTH).to(tl.int64) * height * width
    return (image + rows * width + columns) * DEPTH + plane % DEPTH


@gpu_kernel("first", "height", "width", "plane")
def _moments(
    x_at: tl.tensor,
    y_at: tl.tensor,
    taps_at: tl.tensor,
    out_at: tl.tensor,
    first: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    plane: tl.tensor,
    unit: tl.tensor,
    DEPTH: tl.constexpr,
    WINDOW: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> None:
    """Write E[x], E[y], E[x x], E[y y], E[x y] along the rows."""
    _, columns, offsets, inside = _place(height, width, ROWS, COLUMNS)
    pixels = _pixels(first, height, width, DEPTH, ROWS, COLUMNS)
    mx = tl.zeros((ROWS, COLUMNS), tl.float32)
    my, xx, yy, xy = mx, mx, mx, mx
    for t in tl.static_range(WINDOW):
        shift = t - WINDOW // 2
        near = inside & (columns + shift >= 0) & (columns + shift < width)
        x = tl.load(x_at + pixels + shift * DEPTH, near, 0.0)
        y = tl.load(y_at + pixels + shift * DEPTH, near, 0).to(tl.float32) * unit
        tap = tl.load(taps_at + t)
        mx += tap * x
        my += tap * y
        xx += tap * x * x
        yy += tap * y * y
        xy += tap * x * y
    tl.store(out_at + offsets, mx, inside)
    tl.store(out_at + plane + offsets, my, inside)
    tl.store(out_at + 2 * plane + offsets, xx, inside)
    tl.store(out_at + 3 * plane + offsets, yy, inside)
    tl.store(out_at + 4 * plane + offsets, xy, inside)


@gpu_kernel("height", "width", "plane")
def _similarity(
    moments_at: tl.tensor,
    taps_at: tl.tensor,
    partials_at: tl.tensor,
    total_at: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    plane: tl.tensor,
    C1: tl.tensor,
    C2: tl.tensor,
    by_ssim: tl.tensor,
    WINDOW: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> None:
    """Finish the windows down the columns; write dS/dm, dS/ds, dS/dc; add up by_ssim S."""
    rows, columns, offsets, inside = _place(height, width, ROWS, COLUMNS)
    mx = tl.zeros((ROWS, COLUMNS), tl.float32)
    my, xx, yy, xy = mx, mx, mx, mx
    half: tl.constexpr = WINDOW // 2
    whole = inside & (rows >= half) & (rows < height - half)
    whole = whole & (columns >= half) & (columns < width - half)
    for t in tl.static_range(WINDOW):
        at = moments_at + offsets + (t - half) * width
        tap = tl.load(taps_at + t)
        mx += tap * tl.load(at, whole, 0.0)
        my += tap * tl.load(at + plane, whole, 0.0)
        xx += tap * tl.load(at + 2 * plane, whole, 0.0)
        yy += tap * tl.load(at + 3 * plane, whole, 0.0)
        xy += tap * tl.load(at + 4 * plane, whole, 0.0)
    l1, l2 = 2 * mx * my + C1, mx * mx + my * my + C1
    s1, s2 = 2 * (xy - mx * my) + C2, xx - mx * mx + yy - my * my + C2
    scale = 1 / (l2 * s2)
    value = l1 * s1 * scale
    by_mean = 2 * (my * (s1 - l1) + mx * value * (l2 - s2)) * scale
    tl.store(partials_at + offsets, tl.where(whole, by_mean, 0.0), inside)
    tl.store(partials_at + plane + offsets, tl.where(whole, -value / s2, 0.0), inside)
    tl.store(partials_at + 2 * plane + offsets, tl.where(whole, 2 * l1 * scale, 0.0), inside)
    tl.atomic_add(total_at, by_ssim * tl.sum(tl.where(whole, value, 0.0)))


@gpu_kernel("height", "width", "plane")
def _spread(
    partials_at: tl.tensor,
    taps_at: tl.tensor,
    out_at: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    plane: tl.tensor,
    WINDOW: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> None:
    """Blur the three partial derivatives down the columns."""
    rows, _, offsets, inside = _place(height, width, ROWS, COLUMNS)
    a = tl.zeros((ROWS, COLUMNS), tl.float32)
    b, c = a, a
    for t in tl.static_range(WINDOW):
        shift = t - WINDOW // 2
        near = inside & (rows + shift >= 0) & (rows + shift < height)
        at = partials_at + offsets + shift * width
        tap = tl.load(taps_at + t)
        a += tap * tl.load(at, near, 0.0)
        b += tap * tl.load(at + plane, near, 0.0)
        c += tap * tl.load(at + 2 * plane, near, 0.0)
    tl.store(out_at + offsets, a, inside)
    tl.store(out_at + plane + offsets, b, inside)
    tl.store(out_at + 2 * plane + offsets, c, inside)


@gpu_kernel("first", "height", "width", "plane")
def _gradient(
    x_at: tl.tensor,
    y_at: tl.tensor,
    spread_at: tl.tensor,
    taps_at: tl.tensor,
    out_at: tl.tensor,
    total_at: tl.tensor,
    first: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    plane: tl.tensor,
    by_ssim: tl.tensor,
    by_l1: tl.tensor,
    unit: tl.tensor,
    DEPTH: tl.constexpr,
    WINDOW: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> None:
    """Blur along the rows and write by_ssim dS/dx + by_l1 d|x - y|/dx; add that up."""
    _, columns, offsets, inside = _place(height, width, ROWS, COLUMNS)
    a = tl.zeros((ROWS, COLUMNS), tl.float32)
    b, c = a, a
    for t in tl.static_range(WINDOW):
        shift = t - WINDOW // 2
        near = inside & (columns + shift >= 0) & (columns + shift < width)
        at = spread_at + offsets + shift
        tap = tl.load(taps_at + t)
        a += tap * tl.load(at, near, 0.0)
        b += tap * tl.load(at + plane, near, 0.0)
        c += tap * tl.load(at + 2 * plane, near, 0.0)
    pixels = _pixels(first, height, width, DEPTH, ROWS, COLUMNS)
    x = tl.load(x_at + pixels, inside, 0.0)
    y = tl.load(y_at + pixels, inside, 0).to(tl.float32) * unit
    sign = (x > y).to(tl.float32) - (x < y).to(tl.float32)
    tl.store(out_at + pixels, by_ssim * (a + 2 * x * b + y * c) + by_l1 * sign, inside)
    tl.atomic_add(total_at, by_l1 * tl.sum(tl.where(inside, tl.abs(x - y), 0.0)))


def photo_distance(
    image: Tensor, photo: Tensor, taps: Tensor, constants: tuple[float, float], ssim_weight: float
) -> tuple[Tensor, Tensor]:
    """Return the loss (1 - w) L1 + w (1 - SSIM), a scalar, and its derivative by `image`.

    image [B, H, W, D] float32 with values 0 to 1, photo [B, H, W, D] float32 or uint8, both
    contiguous on one GPU and at least as large as the window; taps [11], the window's weights;
    constants C1 and C2 of SSIM.
    """
    count, height, width, depth = image.shape
    window, planes = len(taps), count * depth
    windows = planes * (height - window + 1) * (width - window + 1)
    by_ssim, by_l1 = -ssim_weight / windows, (1 - ssim_weight) / image.numel()
    unit = 1 / 255 if photo.dtype == torch.uint8 else 1.0
    loss, gradient = image.new_full((), ssim_weight), torch.empty_like(image)
    many = max(1, min(planes, CACHE // (BETWEEN * height * width * image.element_size())))
    # Rows that begin at multiples of 16 bytes: for others Triton would compile once more.
    scratch = image.new_empty(BETWEEN, 4 * triton.cdiv(many * height * width, 4))
    moments, partials = scratch[:5], scratch[5:]
    size = {"WINDOW": window, "ROWS": ROWS, "COLUMNS": COLUMNS, "num_warps": WARPS}
    for first in range(0, planes, many):
        here = min(many, planes - first)
        grid = (triton.cdiv(width, COLUMNS), triton.cdiv(height, ROWS), here)
        shape = height, width, scratch.shape[1]
        whose = {"DEPTH": depth, **size}
        _moments[grid](image, photo, taps, moments, first, *shape, unit, **whose)
        _similarity[grid](moments, taps, partials, loss, *shape, *constants, by_ssim, **size)
        _spread[grid](partials, taps, moments, *shape, **size)
        _gradient[grid](
            image, photo, moments, taps, gradient, loss, first, *shape, by_ssim, by_l1, unit,
            **whose,
        )  # fmt: skip
    return loss, gradient
