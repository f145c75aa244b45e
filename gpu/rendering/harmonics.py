"""View-dependent colour by real spherical harmonics (constants as in Sloan, JCGT 2013)."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.gaussians import SH_C0

MAX_DEGREE = 3


def harmonics_colors(degree: int, directions: Tensor, coefficients: Tensor) -> Tensor:
    """Return RGB + 0.5, not below 0, [..., 3].

    directions [..., 3] point from the camera to the Gaussian, world frame, any length;
    coefficients [..., K, 3] with K >= (degree + 1)^2.
    """
    if directions.is_cuda:
        return _on_cuda(degree, directions, coefficients)
    if not 0 <= degree <= MAX_DEGREE:
        raise ValueError(f"sh_degree is {degree}; 0 to {MAX_DEGREE} are supported on the CPU")
    if degree == 0:  # No view dependence: the direction need not be computed.
        colors = SH_C0 * coefficients[..., 0, :].expand(*directions.shape[:-1], 3)
    else:
        unit = torch.nn.functional.normalize(directions, dim=-1)
        basis = torch.stack(_basis(degree, *unit.unbind(-1)), dim=-1)
        colors = (basis[..., None] * coefficients[..., : (degree + 1) ** 2, :]).sum(-2)
    return (colors + 0.5).clamp_min(0.0)


def _on_cuda(degree: int, directions: Tensor, coefficients: Tensor) -> Tensor:
    """The same by gsplat's kernel."""
    from gsplat import spherical_harmonics  # Compiles its kernels when it is first imported.

    if coefficients.ndim < directions.ndim + 1:
        # A camera at a time: the kernel would want a copy of all coefficients for each of them.
        return torch.stack([_on_cuda(degree, one, coefficients) for one in directions])
    colors: Tensor = spherical_harmonics(degree, directions, coefficients) + 0.5
    return colors.clamp_min(0.0)


def _basis(degree: int, x: Tensor, y: Tensor, z: Tensor) -> list[Tensor]:
    """Return the (degree + 1)^2 basis functions at unit directions."""
    values = [torch.full_like(x, SH_C0)]
    if degree >= 1:
        values += [-0.48860251190292 * y, 0.48860251190292 * z, -0.48860251190292 * x]
    if degree >= 2:
        values += [
            1.092548430592079 * x * y,
            -1.092548430592079 * y * z,
            0.9461746957575601 * z * z - 0.3153915652525201,
            -1.092548430592079 * x * z,
            0.5462742152960395 * (x * x - y * y),
        ]
    if degree >= 3:
        values += [
            -0.5900435899266435 * y * (3 * x * x - y * y),
            2.890611442640554 * x * y * z,
            y * (0.4570457994644658 - 2.285228997322329 * z * z),
            z * (1.865881662950577 * z * z - 1.119528997770346),
            x * (0.4570457994644658 - 2.285228997322329 * z * z),
            1.445305721320277 * z * (x * x - y * y),
            -0.5900435899266435 * x * (x * x - 3 * y * y),
        ]
    return values
