"""Renders Gaussians as a view's camera sees them."""

from __future__ import annotations

from gpu.gaussians import Gaussians
from gpu.rendering import RenderMode, rasterize
from gpu.rendering.rasterize import Rendering
from gpu.training.dataset import View


def render_view(
    gaussians: Gaussians,
    view: View,
    *,
    render_mode: RenderMode = "RGB",
    sh_degree: int | None = None,
    absgrad: bool = False,
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
        absgrad=absgrad,
    )
