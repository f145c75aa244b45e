"""The two steps that torch differentiates on the CPU: tensors in and out, our kernels within."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpu.rendering.compositing import SHAPE_GRADS, Flat, Pixels, draw, draw_backward, sum_slots
from gpu.rendering.projection import Camera, Parameters, Splats, project, project_backward
from gpu.rendering.tiles import Tiles


class Projection(torch.autograd.Function):
    """means, quats, scales, opacities -> radii, means2d, depths, conics, ratios.

    All float32 on the CPU; N Gaussians, C cameras: see Splats for the shapes. The opacities only
    decide what is visible and get no gradient here.
    """

    @staticmethod
    def forward(
        ctx: Any,
        means: Tensor,
        quats: Tensor,
        scales: Tensor,
        opacities: Tensor,
        camera: Camera,
        antialiased: bool,
    ) -> tuple[Tensor, ...]:
        shape = (len(camera.views), len(means))
        inputs = [t.detach().contiguous() for t in (means, quats, scales, opacities)]
        radii = torch.zeros(*shape, 2, dtype=torch.int32)
        means2d, depths = torch.zeros(*shape, 2), torch.zeros(shape)
        outputs = (radii, means2d, depths, torch.zeros(*shape, 3), torch.ones(shape))
        project(Parameters(*_arrays(inputs)), camera, antialiased, Splats(*_arrays(outputs)))
        ctx.save_for_backward(*inputs, radii)
        ctx.camera = camera
        ctx.mark_non_differentiable(radii)
        return outputs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        *inputs, radii = ctx.saved_tensors
        v = [torch.zeros_like(t) for t in inputs]
        v_out = Splats(*_arrays([radii, *(t.contiguous() for t in grads[1:])]))
        project_backward(Parameters(*_arrays(inputs)), ctx.camera, v_out, Parameters(*_arrays(v)))
        return (*v[:3], None, None, None)


class Compositing(torch.autograd.Function):
    """means2d, conics, opacities, colors, backgrounds -> renders, alphas.

    means2d [C, N, 2], conics [C, N, 3], opacities [C, N], colors [C, N, D], backgrounds [C, D],
    float32 on the CPU. Returns renders [C, H, W, D] and alphas [C, H, W, 1]. With `absgrad`,
    the backward pass leaves means2d.absgrad [C, N, 2], as gsplat does.
    """

    @staticmethod
    def forward(
        ctx: Any,
        means2d: Tensor,
        conics: Tensor,
        opacities: Tensor,
        colors: Tensor,
        backgrounds: Tensor,
        tiles: Tiles,
        width: int,
        height: int,
        absgrad: bool,
    ) -> tuple[Tensor, Tensor]:
        cameras, channels = len(means2d), colors.shape[-1]
        splats = (means2d, conics, opacities, colors)
        inputs = [t.detach().flatten(0, 1).contiguous() for t in splats]
        inputs.append(backgrounds.detach().contiguous())
        renders = torch.empty(cameras, height, width, channels)
        through = torch.empty(cameras, height, width)
        lasts = torch.empty(cameras, height, width, dtype=torch.int32)
        draw(Flat(*_arrays(inputs)), tiles, Pixels(*_arrays((renders, through, lasts))))
        ctx.save_for_backward(*inputs, renders, through, lasts)
        ctx.tiles, ctx.means2d = tiles, means2d if absgrad else None
        return renders, 1 - through[..., None]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        *inputs, renders, through, lasts = ctx.saved_tensors
        v_renders, v_through = grads[0].contiguous(), -grads[1][..., 0].contiguous()
        cameras, channels = inputs[4].shape
        out, v_out = (
            Pixels(*_arrays(t)) for t in ((renders, through, lasts), (v_renders, v_through, lasts))
        )
        slots = np.empty((len(ctx.tiles.ids), SHAPE_GRADS + channels), np.float32)
        draw_backward(Flat(*_arrays(inputs)), ctx.tiles, out, v_out, slots)
        sums = torch.zeros(len(inputs[0]), SHAPE_GRADS + channels)
        sum_slots(slots, ctx.tiles.ranges, sums.numpy())
        v = sums.reshape(cameras, len(sums) // cameras, sums.shape[1])
        if ctx.means2d is not None:
            ctx.means2d.absgrad = v[..., 6:8]
        v_backgrounds = None
        if ctx.needs_input_grad[4]:
            v_backgrounds = (v_renders * through[..., None]).sum((1, 2))
        v_splats = (v[..., :2], v[..., 2:5], v[..., 5], v[..., SHAPE_GRADS:])
        return (*v_splats, v_backgrounds, None, None, None, None)


def _arrays(tensors: Iterable[Tensor]) -> Iterator[NDArray[Any]]:
    return (tensor.numpy() for tensor in tensors)
