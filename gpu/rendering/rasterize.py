"""One way to render Gaussians on every machine, with gsplat's signature."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from gpu.rendering.autograd import Compositing, Projection
from gpu.rendering.harmonics import harmonics_colors
from gpu.rendering.projection import Camera
from gpu.rendering.tiles import TILE, sort_into_tiles

RenderMode = Literal["RGB", "D", "ED", "RGB+D", "RGB+ED"]
RasterizeMode = Literal["classic", "antialiased"]


class Rendering(NamedTuple):
    """renders [C, H, W, X], alphas [C, H, W, 1], and what densification needs.

    X is D for "RGB", 1 for "D" and "ED" (accumulated and expected depth, world units), D + 1 for
    "RGB+D" and "RGB+ED". `meta` holds at least radii [C, N, 2] int32, means2d [C, N, 2],
    depths [C, N], conics [C, N, 3], opacities [C, N], width, height and n_cameras.
    """

    renders: Tensor
    alphas: Tensor
    meta: dict[str, Any]


def rasterize(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    viewmats: Tensor,
    Ks: Tensor,
    width: int,
    height: int,
    *,
    near_plane: float = 0.01,
    far_plane: float = 1e10,
    eps2d: float = 0.3,
    sh_degree: int | None = None,
    backgrounds: Tensor | None = None,
    render_mode: RenderMode = "RGB",
    rasterize_mode: RasterizeMode = "classic",
    packed: bool = False,
    absgrad: bool = False,
) -> Rendering:
    """Render N Gaussians into C pinhole cameras; differentiable in all of their parameters.

    means [N, 3] world; quats [N, 4] w x y z, any length; scales [N, 3] and opacities [N] after
    their activations; colors [N, D] or [C, N, D], or with `sh_degree` spherical harmonics
    [N, K, 3]; viewmats [C, 4, 4] world to camera; Ks [C, 3, 3] pixels; backgrounds [C, D].

    On CUDA tensors this is `gsplat.rasterization`; on the CPU our own kernels, which agree with
    it to float32 rounding. Raises ValueError for what the CPU does not support: packed results,
    gradients of the cameras, spherical harmonics above degree 3, other modes.
    """
    options = {
        "near_plane": near_plane,
        "far_plane": far_plane,
        "eps2d": eps2d,
        "sh_degree": sh_degree,
        "backgrounds": backgrounds,
        "render_mode": render_mode,
        "rasterize_mode": rasterize_mode,
        "absgrad": absgrad,
    }
    _check(render_mode, rasterize_mode)
    tensors = (means, quats, scales, opacities, colors, viewmats, Ks)
    if means.is_cuda:
        from gsplat import rasterization  # Compiles its kernels when it is first imported.

        return Rendering(*rasterization(*tensors, width, height, packed=packed, **options))
    if packed:
        raise ValueError("packed=True is not supported on the CPU; use packed=False")
    if viewmats.requires_grad or Ks.requires_grad:
        raise ValueError("gradients of viewmats and Ks are not supported on the CPU")
    views, intrinsics = (t.contiguous().numpy() for t in (viewmats, Ks))
    limits = (float(near_plane), float(far_plane), float(eps2d))
    camera = Camera(views, intrinsics, width, height, *limits)
    return _rasterize_cpu(
        *tensors[:6], camera, sh_degree, backgrounds, render_mode, rasterize_mode, absgrad
    )


def _check(render_mode: str, rasterize_mode: str) -> None:
    for name, value, kind in (
        ("render_mode", render_mode, RenderMode),
        ("rasterize_mode", rasterize_mode, RasterizeMode),
    ):
        if value not in get_args(kind):
            raise ValueError(f"{name} is {value!r}, not one of {', '.join(get_args(kind))}")


def _rasterize_cpu(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    viewmats: Tensor,
    camera: Camera,
    sh_degree: int | None,
    backgrounds: Tensor | None,
    render_mode: RenderMode,
    rasterize_mode: RasterizeMode,
    absgrad: bool,
) -> Rendering:
    antialiased = rasterize_mode == "antialiased"
    radii, means2d, depths, conics, ratios = Projection.apply(  # type: ignore[no-untyped-call]
        means, quats, scales, opacities, camera, antialiased
    )
    seen = opacities * ratios if antialiased else opacities.expand(len(viewmats), -1)
    channels = _channels(colors, means, viewmats, sh_degree)
    channels, backgrounds = _with_depth(channels, depths, backgrounds, render_mode)
    tiles = sort_into_tiles(radii, means2d, depths, camera.width, camera.height)
    renders, alphas = Compositing.apply(  # type: ignore[no-untyped-call]
        means2d, conics, seen, channels, backgrounds, tiles, camera.width, camera.height, absgrad
    )
    if render_mode in ("ED", "RGB+ED"):
        expected = renders[..., -1:] / alphas.clamp_min(1e-10)
        renders = torch.cat([renders[..., :-1], expected], dim=-1)
    meta = {
        "radii": radii,
        "means2d": means2d,
        "depths": depths,
        "conics": conics,
        "opacities": seen,
        "width": camera.width,
        "height": camera.height,
        "tile_size": TILE,
        "n_cameras": len(viewmats),
    }
    return Rendering(renders, alphas, meta)


def _channels(colors: Tensor, means: Tensor, viewmats: Tensor, sh_degree: int | None) -> Tensor:
    """Return the colours as each camera sees them, [C, N, D]."""
    if sh_degree is None:
        return colors if colors.dim() == 3 else colors.expand(len(viewmats), -1, -1)
    rotations, shifts = viewmats[:, :3, :3], viewmats[:, :3, 3:]
    positions = -(rotations.transpose(1, 2) @ shifts)[..., 0]
    return harmonics_colors(sh_degree, means - positions[:, None], colors)


def _with_depth(
    channels: Tensor, depths: Tensor, backgrounds: Tensor | None, render_mode: RenderMode
) -> tuple[Tensor, Tensor]:
    """Append or substitute the depth as a channel; the background of a depth is 0."""
    if render_mode in ("D", "ED"):
        channels, backgrounds = depths[..., None], None
    elif render_mode != "RGB":
        channels = torch.cat([channels, depths[..., None]], dim=-1)
        if backgrounds is not None:
            backgrounds = torch.cat([backgrounds, backgrounds.new_zeros(len(depths), 1)], dim=-1)
    if backgrounds is None:
        backgrounds = channels.new_zeros(len(channels), channels.shape[-1])
    return channels, backgrounds
