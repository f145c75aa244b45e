"""Renders Gaussians as a view's camera sees them."""

from __future__ import annotations

from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.rendering import RenderMode, rasterize
from gpu.rendering.harmonics import harmonics_colors
from gpu.rendering.rasterize import Rendering
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
    would invert the cameras and wait for the GPU.
    """
    directions = gaussians.means - batch.positions[:, None]
    return rasterize(
        gaussians.means,
        gaussians.quats,
        gaussians.scales,
        opacities,
        harmonics_colors(sh_degree, directions, gaussians.sh),
        batch.viewmats,
        batch.Ks,
        batch.width,
        batch.height,
        backgrounds=backgrounds,
        rasterize_mode="antialiased",
        absgrad=absgrad,
    )
