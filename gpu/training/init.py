"""The first Gaussians: one at every sparse point."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.gaussians import SH_C0, Gaussians

NEIGHBOURS = 3
INITIAL_OPACITY = 0.3
#: The least of a colour: exactly 0 is where a render is cut off, and could stay there for good.
DARKEST = 1 / 512
BLOCK = 1024  #: points whose distances to all others are held at once


def gaussians_from_points(points: Tensor, colors: Tensor, sh_degree: int, cap: int) -> Gaussians:
    """Return a round Gaussian per point, as large as the distance to its neighbours.

    points [P, 3] world; colors [P, 3], 0 to 1; the result is on their device. More points than
    `cap` are thinned evenly.
    """
    if len(points) > cap:
        kept = evenly(len(points), cap).to(points.device)
        points, colors = points[kept], colors[kept]
    n = len(points)
    sizes = neighbour_distances(points).clamp_min(1e-6)
    return Gaussians(
        means=points.clone(),
        quats=points.new_tensor([1.0, 0, 0, 0]).repeat(n, 1),
        log_scales=sizes.log()[:, None].repeat(1, 3),
        logit_opacities=points.new_full((n,), INITIAL_OPACITY).logit(),
        sh0=((colors.clamp_min(DARKEST) - 0.5) / SH_C0)[:, None],
        shN=points.new_zeros(n, (sh_degree + 1) ** 2 - 1, 3),
    )


def evenly(count: int, most: int) -> Tensor:
    """Return the indices of `most` of `count` things, evenly spread."""
    return torch.linspace(0, count - 1, most).long()


def neighbour_distances(points: Tensor) -> Tensor:
    """Return each point's mean distance to its nearest neighbours, [P]; outliers are pulled in.

    A lone point would become a Gaussian that covers the scene: none is larger than ten medians.
    """
    k = min(NEIGHBOURS + 1, len(points))
    nearest = [_nearest(block, points, k) for block in torch.split(points, BLOCK)]
    distances = torch.cat(nearest)
    return distances.clamp_max(10 * distances.median())


def _nearest(block: Tensor, points: Tensor, k: int) -> Tensor:
    """Return the mean distance of some points to their k nearest ones, themselves left out."""
    # By differences: products cancel for points that are near, and take 32 MB of cuBLAS's own.
    exact = "donot_use_mm_for_euclid_dist"
    distances = torch.cdist(block, points, compute_mode=exact).topk(k, largest=False).values
    return distances[:, 1:].square().mean(1).sqrt()
