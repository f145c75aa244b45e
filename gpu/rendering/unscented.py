"""Renders through a lens that bends, on the GPU: gsplat's 3DGUT mode.

The projection is an unscented transform, without a derivative; the response of a Gaussian is found
along each pixel's ray in the world, with one. So there are no gradients by image positions, and no
filter of the image: what is trained like this is shown by a pinhole with `antialiased`.
"""

from __future__ import annotations

from torch import Tensor

from gpu.rendering.rasterize import Rendering

RADIAL, TANGENTIAL = {"pinhole": 6, "fisheye": 4}, 2


def rasterize_bent(
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
    lens: str,
    bends: Tensor,
    backgrounds: Tensor | None = None,
) -> Rendering:
    """Render N Gaussians into C cameras of one kind of lens, "pinhole" or "fisheye".

    colors [C, N, 3]; bends [C, 8] are OpenCV's k1 to k6 (a fisheye: k1 to k4, 0, 0), p1, p2; all
    else is as for `rasterize`. Differentiable in the Gaussians. `meta` has no gradients by
    `means2d`. Raises ValueError for tensors that are not on a GPU.
    """
    _check_gpu(means)
    from gsplat import rasterization  # v1.5.3 compiles its kernels when first imported

    radial, tangential = bends[:, : RADIAL[lens]], bends[:, -TANGENTIAL:]
    found: tuple[Tensor, Tensor, dict[str, object]] = rasterization(
        means, quats, scales, opacities, colors, viewmats, Ks, width, height,
        packed=False, with_ut=True, with_eval3d=True, camera_model=lens, backgrounds=backgrounds,
        radial_coeffs=radial.contiguous(),
        tangential_coeffs=tangential.contiguous() if lens == "pinhole" else None,
    )  # fmt: skip
    return Rendering(*found)


def _check_gpu(means: Tensor) -> None:
    if not means.is_cuda:
        raise ValueError("a lens that bends is rendered on a GPU alone")
