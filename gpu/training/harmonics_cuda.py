"""View-dependent colours of a step on the GPU: all photos at once, of the Gaussians that they see.

gsplat's kernel takes the directions of one photo, evaluates what it does not see as well, and
leaves a gradient as large as all coefficients for each photo, to be added up. Here a program has
some Gaussians: it goes through the photos, reads the coefficients of what is seen, and writes one
gradient. The arithmetic is that of gpu.rendering.harmonics.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor
from triton import language as tl

from gpu.gaussians import SH_C0
from gpu.training.kernels import gpu_kernel

MAX_DEGREE = 2  #: no training has more
BLOCK, WARPS = 128, 4

_C0 = tl.constexpr(SH_C0)
_C1 = tl.constexpr(0.48860251190292)
_XY = tl.constexpr(1.092548430592079)
_ZZ, _ZERO = tl.constexpr(0.9461746957575601), tl.constexpr(0.3153915652525201)
_XX = tl.constexpr(0.5462742152960395)


@gpu_kernel()
def _direction(
    means_at: tl.tensor, positions_at: tl.tensor, n: tl.tensor, inside: tl.tensor
) -> tl.tensor:
    """Return the unit vectors from a camera to the Gaussians `n`, and 1 / their distances."""
    x = tl.load(means_at + 3 * n, inside, 0.0) - tl.load(positions_at)
    y = tl.load(means_at + 3 * n + 1, inside, 0.0) - tl.load(positions_at + 1)
    z = tl.load(means_at + 3 * n + 2, inside, 0.0) - tl.load(positions_at + 2)
    near = 1 / tl.sqrt(tl.maximum(x * x + y * y + z * z, 1e-20))
    return x * near, y * near, z * near, near


@gpu_kernel("count", "photos", "wide", "degree")
def _color(
    means_at: tl.tensor,
    positions_at: tl.tensor,
    sh0_at: tl.tensor,
    shN_at: tl.tensor,
    radii_at: tl.tensor,
    colors_at: tl.tensor,
    count: tl.tensor,
    photos: tl.tensor,
    wide: tl.tensor,
    degree: tl.tensor,
    BLOCK: tl.constexpr,
) -> None:
    """Write the colours of some Gaussians in every photo, 0 where it does not see them."""
    n = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = n < count
    for photo in range(photos):
        pair = photo * count + n
        seen = inside & (tl.load(radii_at + 2 * pair, inside, 0) > 0)
        x, y, z, _ = _direction(means_at, positions_at + 3 * photo, n, seen)
        for c in tl.static_range(3):
            value = tl.load(sh0_at + 3 * n + c, seen, 0.0) * _C0 + 0.5
            s = shN_at + wide * n + c
            if degree > 0:
                first = z * tl.load(s + 3, seen, 0.0) - y * tl.load(s, seen, 0.0)
                value += (first - x * tl.load(s + 6, seen, 0.0)) * _C1
            if degree > 1:
                mixed = x * y * tl.load(s + 9, seen, 0.0) - y * z * tl.load(s + 12, seen, 0.0)
                value += (mixed - x * z * tl.load(s + 18, seen, 0.0)) * _XY
                value += (z * z * _ZZ - _ZERO) * tl.load(s + 15, seen, 0.0)
                value += (x * x - y * y) * tl.load(s + 21, seen, 0.0) * _XX
            tl.store(colors_at + 3 * pair + c, tl.where(seen, tl.maximum(value, 0.0), 0.0), inside)


@gpu_kernel("count", "photos", "wide", "degree")
def _pull(
    means_at: tl.tensor,
    positions_at: tl.tensor,
    shN_at: tl.tensor,
    colors_at: tl.tensor,
    pulls_at: tl.tensor,
    by_means_at: tl.tensor,
    by_sh0_at: tl.tensor,
    by_shN_at: tl.tensor,
    count: tl.tensor,
    photos: tl.tensor,
    wide: tl.tensor,
    degree: tl.tensor,
    BLOCK: tl.constexpr,
) -> None:
    """Write the gradients of some Gaussians by what pulls at their colours [B, N, 3].

    A colour that is 0 is not seen, or was cut off there: nothing pulls at what it came from.
    """
    n = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = n < count
    none = tl.zeros((BLOCK,), tl.float32)
    by_x, by_y, by_z = none, none, none
    for c in tl.static_range(3):
        s, by_s = shN_at + wide * n + c, by_shN_at + wide * n + c
        g0, g1, g2, g3, g4, g5, g6, g7, g8 = none, none, none, none, none, none, none, none, none
        for photo in range(photos):
            pair = 3 * (photo * count + n) + c
            pulled = inside & (tl.load(colors_at + pair, inside, 0.0) > 0)
            v = tl.load(pulls_at + pair, pulled, 0.0)
            g0 += v
            if degree > 0:
                x, y, z, near = _direction(means_at, positions_at + 3 * photo, n, pulled)
                g1 -= v * y
                g2 += v * z
                g3 -= v * x
                ux = tl.load(s + 6, pulled, 0.0) * -_C1
                uy = tl.load(s, pulled, 0.0) * -_C1
                uz = tl.load(s + 3, pulled, 0.0) * _C1
                if degree > 1:
                    s4, s5 = tl.load(s + 9, pulled, 0.0), tl.load(s + 12, pulled, 0.0)
                    s6, s7 = tl.load(s + 15, pulled, 0.0), tl.load(s + 18, pulled, 0.0)
                    s8 = tl.load(s + 21, pulled, 0.0)
                    g4 += v * x * y
                    g5 -= v * y * z
                    g6 += v * (z * z * _ZZ - _ZERO)
                    g7 -= v * x * z
                    g8 += v * (x * x - y * y)
                    ux += (y * s4 - z * s7) * _XY + x * s8 * 2 * _XX
                    uy += (x * s4 - z * s5) * _XY - y * s8 * 2 * _XX
                    uz += z * s6 * 2 * _ZZ - (y * s5 + x * s7) * _XY
                # Of a unit vector's change only what is across it comes from the position.
                along = ux * x + uy * y + uz * z
                by_x += v * near * (ux - along * x)
                by_y += v * near * (uy - along * y)
                by_z += v * near * (uz - along * z)
        tl.store(by_sh0_at + 3 * n + c, g0 * _C0, inside)
        if degree > 0:
            tl.store(by_s, g1 * _C1, inside)
            tl.store(by_s + 3, g2 * _C1, inside)
            tl.store(by_s + 6, g3 * _C1, inside)
        if degree > 1:
            tl.store(by_s + 9, g4 * _XY, inside)
            tl.store(by_s + 12, g5 * _XY, inside)
            tl.store(by_s + 15, g6, inside)
            tl.store(by_s + 18, g7 * _XY, inside)
            tl.store(by_s + 21, g8 * _XX, inside)
    tl.store(by_means_at + 3 * n, by_x, inside)
    tl.store(by_means_at + 3 * n + 1, by_y, inside)
    tl.store(by_means_at + 3 * n + 2, by_z, inside)


class SeenColors(torch.autograd.Function):
    """Degree, means, camera positions [B, 3], sh0, shN and radii [B, N, 2] -> colours [B, N, 3].

    RGB + 0.5, not below 0, of the Gaussians whose radius is above 0 in a photo; else 0.
    Differentiable by means, sh0 and shN. All on one GPU, float32 and contiguous, radii int32.
    """

    @staticmethod
    def forward(
        ctx: Any,
        degree: int,
        means: Tensor,
        positions: Tensor,
        sh0: Tensor,
        shN: Tensor,
        radii: Tensor,
    ) -> Tensor:
        if degree > MAX_DEGREE:
            raise ValueError(f"sh_degree is {degree}; training has {MAX_DEGREE} at most")
        photos, count = radii.shape[:2]
        colors = means.new_empty(photos, count, 3)
        ctx.size = count, photos, 3 * shN.shape[1], degree
        if count:
            _color[(triton.cdiv(count, BLOCK),)](
                means, positions, sh0, shN, radii, colors, *ctx.size,
                BLOCK=BLOCK, num_warps=WARPS,
            )  # fmt: skip
        ctx.save_for_backward(means, positions, shN, colors)
        return colors

    @staticmethod
    def backward(ctx: Any, *pulls: Tensor) -> tuple[Tensor | None, ...]:
        means, positions, shN, colors = ctx.saved_tensors
        by_means, by_sh0 = torch.empty_like(means), means.new_empty(len(means), 1, 3)
        by_shN = torch.zeros_like(shN)
        if len(means):
            _pull[(triton.cdiv(len(means), BLOCK),)](
                means, positions, shN, colors, pulls[0].contiguous(), by_means, by_sh0, by_shN,
                *ctx.size, BLOCK=BLOCK, num_warps=WARPS,
            )  # fmt: skip
        return None, by_means, None, by_sh0, by_shN, None
