"""Structural similarity (Wang et al. 2004), differentiable, on every machine.

Gaussian window of 11 pixels with sigma 1.5, no padding, constants for values from 0 to 1: the same
number that torchmetrics gives and gsplat's benchmarks report. Both the CPU and CUDA have kernels
with a derivative of their own, because torch's convolutions cost more than the rendering.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import torch
from numba import prange
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import conv2d

from gpu.rendering.jit import Scalar, kernel, parallel_kernel

Floats = NDArray[np.float32]

WINDOW = 11
C1, C2 = np.float32(0.01**2), np.float32(0.03**2)
_TAPS = [math.exp(-((i - WINDOW // 2) ** 2) / (2 * 1.5**2)) for i in range(WINDOW)]
TAPS = np.array(_TAPS, np.float32) / np.float32(sum(_TAPS))
#: Moments of the two images: a, b, a a, b b, a b.
MOMENTS = 5


def ssim(image: Tensor, reference: Tensor) -> Tensor:
    """Return the mean similarity of images [..., H, W, D] with values 0 to 1, a scalar.

    Differentiable by `image` only. Raises ValueError when a side is shorter than the window.
    """
    if image.shape != reference.shape or min(image.shape[-3:-1]) < WINDOW:
        raise ValueError(f"SSIM needs two images of one size, {WINDOW} pixels or more a side")
    images = [t.reshape(-1, *t.shape[-3:]) for t in (image, reference.detach())]
    if image.is_cuda:
        return 1 - PhotoDistance.apply(*images, 1.0)  # type: ignore[no-untyped-call, no-any-return]
    planes = [t.permute(0, 3, 1, 2).flatten(0, 1).contiguous() for t in images]
    similarity: Tensor = _Ssim.apply(*planes)  # type: ignore[no-untyped-call]
    return similarity


def ssim_by_convolution(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean similarity of planes [D, H, W]; plain torch, to check the kernels with."""
    taps = torch.as_tensor(TAPS, device=a.device)
    moments = torch.stack([a, b, a * a, b * b, a * b]).flatten(0, 1)[:, None]
    blurred = conv2d(conv2d(moments, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))
    ma, mb, aa, bb, ab = blurred.reshape(MOMENTS, len(a), *blurred.shape[-2:])
    luminance = (2 * ma * mb + C1) / (ma * ma + mb * mb + C1)
    structure = (2 * (ab - ma * mb) + C2) / (aa - ma * ma + bb - mb * mb + C2)
    similarity: Tensor = (luminance * structure).mean()
    return similarity


class PhotoDistance(torch.autograd.Function):
    """Renders [B, H, W, D] and photos (uint8 or 0 to 1) on CUDA -> (1 - w) L1 + w (1 - SSIM)."""

    @staticmethod
    def forward(ctx: Any, renders: Tensor, photos: Tensor, ssim_weight: float) -> Tensor:
        from gpu.training.ssim_cuda import photo_distance

        taps = _taps_on(renders.device)
        constants = float(C1), float(C2)
        pair = renders.detach().contiguous(), photos.contiguous()
        loss, gradient = photo_distance(*pair, taps, constants, ssim_weight)
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.saved_tensors[0] * grads[0], None, None


@cache
def _taps_on(device: torch.device) -> Tensor:
    return torch.as_tensor(TAPS, device=device)


@kernel
def _blur_row(source: Floats, out: Floats) -> None:
    """out[x] = sum of TAPS[t] source[x + t]."""
    out[:] = np.float32(0)
    for tap in range(WINDOW):
        for x in range(len(out)):
            out[x] += TAPS[tap] * source[x + tap]


@kernel
def _spread_row(source: Floats, out: Floats) -> None:
    """The transpose of _blur_row; adds to out."""
    for tap in range(WINDOW):
        for x in range(len(source)):
            out[x + tap] += TAPS[tap] * source[x]


@kernel
def _row_moments(a: Floats, b: Floats, out: Floats) -> None:
    """Write the five moments of one row, blurred along it, [5, W - 10]."""
    _blur_row(a, out[0])
    _blur_row(b, out[1])
    _blur_row(a * a, out[2])
    _blur_row(b * b, out[3])
    _blur_row(a * b, out[4])


@kernel
def _similarity(m: Floats, partials: Floats) -> Scalar:
    """Return a row's summed similarity; write its derivatives by E[a], E[a a] and E[a b]."""
    total = np.float32(0)
    two = np.float32(2)
    for x in range(m.shape[1]):
        ma, mb = m[0, x], m[1, x]
        l1, l2 = two * ma * mb + C1, ma * ma + mb * mb + C1
        s1 = two * (m[4, x] - ma * mb) + C2
        s2 = m[2, x] - ma * ma + m[3, x] - mb * mb + C2
        scale = np.float32(1) / (l2 * s2)
        value = l1 * s1 * scale
        total += value
        partials[0, x] = two * (mb * (s1 - l1) * scale + ma * value * (l2 - s2) * scale)
        partials[1, x] = -value / s2
        partials[2, x] = two * l1 * scale
    return total


@parallel_kernel
def _ssim(a: Floats, b: Floats, gradient: Floats) -> Scalar:
    """Return the summed similarity of planes [D, H, W]; write its derivative by `a`."""
    planes, height, width = a.shape
    inner_h, inner_w = height - WINDOW + 1, width - WINDOW + 1
    moments = np.empty((planes, height, MOMENTS, inner_w), np.float32)
    for i in prange(planes * height):
        plane, y = divmod(np.int64(i), height)
        _row_moments(a[plane, y], b[plane, y], moments[plane, y])
    partials = np.empty((planes, inner_h, 3, inner_w), np.float32)
    sums = np.empty(planes * inner_h, np.float64)
    for i in prange(planes * inner_h):
        plane, y = divmod(np.int64(i), inner_h)
        m = np.zeros((MOMENTS, inner_w), np.float32)
        for tap in range(WINDOW):
            m += TAPS[tap] * moments[plane, y + tap]
        sums[i] = _similarity(m, partials[plane, y])
    for i in prange(planes * height):
        plane, y = divmod(np.int64(i), height)
        column = np.zeros((3, inner_w), np.float32)
        for tap in range(max(0, y - inner_h + 1), min(WINDOW, y + 1)):
            column += TAPS[tap] * partials[plane, y - tap]
        spread = np.zeros((3, width), np.float32)
        for k in range(3):
            _spread_row(column[k], spread[k])
        row_a, row_b = a[plane, y], b[plane, y]
        gradient[plane, y] = spread[0] + np.float32(2) * row_a * spread[1] + row_b * spread[2]
    return sums.sum()


class _Ssim(torch.autograd.Function):
    """Planes [D, H, W] of an image and its reference -> mean similarity."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        gradient = torch.empty_like(a)
        total = _ssim(a.detach().numpy(), b.numpy(), gradient.numpy())
        planes, height, width = a.shape
        count = planes * (height - WINDOW + 1) * (width - WINDOW + 1)
        ctx.save_for_backward(gradient / count)
        return a.new_tensor(total / count)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.saved_tensors[0] * grads[0], None
