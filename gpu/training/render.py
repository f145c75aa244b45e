"""Renders Gaussians as a view's camera sees them."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.rendering import RenderMode, rasterize
from gpu.rendering.harmonics import harmonics_colors
from gpu.rendering.rasterize import Rendering
from gpu.rendering.unscented import rasterize_bent
from gpu.training.album import Batch
from gpu.training.dataset import View


def render_view(
    gaussians: Gaussians,
    view: View,
    *,
    render_mode: RenderMode = "RGB",
    sh_degree: int | None = None,
) -> Rendering:
    """Render at the view's size; differentiable. `sh_degree` None uses all that there are."""
    device = gaussians.means.device
    if view.lens is not None:
        batch = Batch.of([view]).select([0], device)
        degree = gaussians.sh_degree if sh_degree is None else sh_degree
        opacities = gaussians.opacities
        return render_batch(gaussians, opacities, batch, sh_degree=degree, absgrad=False)
    return rasterize(
        gaussians.means,
        gaussians.quats,
        gaussians.scales,
        gaussians.opacities,
        gaussians.sh,
        view.viewmat[None].to(device),
        view.K[None].to(device),
        view.width,
        view.height,
        sh_degree=gaussians.sh_degree if sh_degree is None else sh_degree,
        render_mode=render_mode,
        rasterize_mode="antialiased",
    )


def render_batch(
    gaussians: Gaussians,
    opacities: Tensor,
    batch: Batch,
    *,
    sh_degree: int,
    absgrad: bool,
    backgrounds: Tensor | None = None,
) -> Rendering:
    """Render the cameras of a batch, RGB, with other opacities [N] than the Gaussians' own.

    Differentiable. The colours are found here because the cameras' positions are known: gsplat
    would invert the cameras and wait for the GPU. Behind a lens that bends there are no absolute
    gradients.
    """
    directions = gaussians.means - batch.positions[:, None]
    seen = (
        gaussians.means,
        gaussians.quats,
        gaussians.scales,
        opacities,
        harmonics_colors(sh_degree, directions, gaussians.sh),
        batch.viewmats,
        batch.Ks,
        batch.width,
        batch.height,
    )
    if batch.bends is not None:
        lens, bends = batch.lens, batch.bends
        return rasterize_bent(*seen, lens=lens, bends=bends, backgrounds=backgrounds)
    return rasterize(*seen, backgrounds=backgrounds, rasterize_mode="antialiased", absgrad=absgrad)


def pull_through_lens(gaussians: Gaussians, batch: Batch, depths: Tensor) -> Tensor:
    """Return what stands for the gradients by image positions behind a lens, [B, N, 2] by pixels.

    The projection has no derivative there, but the Gaussians' places in the world have: moved by a
    pixel's width at its depth [B, N], a Gaussian moves by about a pixel.
    """
    assert gaussians.means.grad is not None
    world = gaussians.means.grad.norm(dim=1) / len(batch.images)
    pixel = depths.detach().clamp_min(0) / batch.Ks[:, 0, 0, None]
    pull = world * pixel
    return torch.stack([pull, torch.zeros_like(pull)], -1)
