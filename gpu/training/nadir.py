"""Virtual cameras that look straight down, and what real photos say that they would see.

A virtual view holds real pixels only: each of its pixels is followed to the surface that the
scene's depth shows, and from there into the training photo that sees it best. Where no photo sees
the point, or only at a very different angle, the pixel is unknown. Nothing is learnt from the
scene's own renders: they hold no new information.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, normalize

from gpu.gaussians import Gaussians
from gpu.training.dataset import Dataset, View
from gpu.training.render import render_view

SIZE = 256  #: pixels along a side of a virtual view
FIELD_OF_VIEW = math.radians(60)
MAX_ANGLE = math.radians(40)  #: between the virtual and the real line of sight
DEPTH_TOLERANCE = 0.02  #: relative; farther than this behind the photo's depth is hidden
MIN_ALPHA = 0.8  #: below, there is no surface
CANDIDATES = 4  #: photos tried for one virtual view
MIN_KNOWN = 0.3  #: a view with fewer known pixels is of no use
GROUND_QUANTILE = 0.25  #: of the sparse points' heights: half of them lie on the ground


@dataclass(frozen=True)
class Ground:
    """Where the drone flew: heights and the rectangle below it, world units, Z up."""

    height: float
    above: float
    low: tuple[float, float]
    high: tuple[float, float]


def ground_below(dataset: Dataset) -> Ground:
    """Return the ground under the training cameras; `above` is their median height over it."""
    positions = torch.stack([view.position for view in dataset.train])
    height = float(dataset.points[:, 2].quantile(GROUND_QUANTILE))
    low, high = (
        torch.maximum(positions[:, :2].amin(0), dataset.points[:, :2].quantile(0.05, dim=0)),
        torch.minimum(positions[:, :2].amax(0), dataset.points[:, :2].quantile(0.95, dim=0)),
    )
    above = float(positions[:, 2].median()) - height
    corners = [(float(corner[0]), float(corner[1])) for corner in (low, high)]
    return Ground(height, above, *corners)


def nadir_view(x: float, y: float, z: float, size: int = SIZE) -> View:
    """Return an empty view from (x, y, z) straight down, north up."""
    rotation = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    viewmat = torch.eye(4)
    viewmat[:3, :3] = rotation
    viewmat[:3, 3] = -rotation @ torch.tensor([x, y, z])
    focal = size / 2 / math.tan(FIELD_OF_VIEW / 2)
    K = torch.tensor([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])
    name = f"nadir {x:.2f} {y:.2f} {z:.2f}"
    return View(name, torch.zeros(size, size, 3, dtype=torch.uint8), viewmat, K)


def tiling(ground: Ground, altitude: float, limit: int, seed: int) -> list[View]:
    """Return nadir views that tile the rectangle at a height above ground.

    Where that takes more than `limit` views, a random choice of the tiles is returned.
    """
    side = 2 * altitude * math.tan(FIELD_OF_VIEW / 2)
    axes = []
    for low, high in zip(ground.low, ground.high, strict=True):
        count = max(1, math.ceil((high - low) / side))
        step = (high - low) / count
        axes.append([low + (i + 0.5) * step for i in range(count)])
    places = [(x, y) for x in axes[0] for y in axes[1]]
    order = torch.randperm(len(places), generator=torch.Generator().manual_seed(seed))
    chosen = sorted(order[:limit].tolist())
    return [nadir_view(places[i][0], places[i][1], ground.height + altitude) for i in chosen]


class Reprojector:
    """Fills virtual views with the pixels of real photos, through the scene's depth."""

    def __init__(self, gaussians: Gaussians, photos: Sequence[View]) -> None:
        self._gaussians = gaussians
        self._photos = photos
        self._depths: dict[str, Tensor] = {}

    @torch.no_grad()
    def fill(self, view: View) -> View | None:
        """Return the view with its known pixels and their mask; None when too few are known."""
        depth, covered = self._depth(view)
        points = _unproject(view, depth)
        target = points[view.height // 2, view.width // 2]
        image = torch.zeros(view.height, view.width, 3)
        best = torch.full(covered.shape, math.cos(MAX_ANGLE))
        for photo in self._nearest(view, target):
            pixels, seen, agreement = self._look(view, photo, points)
            better = covered & seen & (agreement > best)
            image = torch.where(better[..., None], pixels, image)
            best = torch.where(better, agreement, best)
        known = best > math.cos(MAX_ANGLE)
        if known.float().mean() < MIN_KNOWN:
            return None
        return View(view.name, (image * 255).round().byte(), view.viewmat, view.K, known)

    def _nearest(self, view: View, target: Tensor) -> list[View]:
        """Return the photos whose line of sight to the target is most like the view's."""
        wanted = normalize(target - view.position, dim=0)

        def agreement(photo: View) -> float:
            return float(normalize(target - photo.position, dim=0) @ wanted)

        return sorted(self._photos, key=agreement, reverse=True)[:CANDIDATES]

    def _look(self, view: View, photo: View, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the photo's colours at world points [H, W, 3], which of them it really sees,
        and the cosine between its line of sight and the view's."""
        camera = points @ photo.viewmat[:3, :3].T + photo.viewmat[:3, 3]
        z = camera[..., 2].clamp_min(1e-6)
        pixel = (camera @ photo.K.T)[..., :2] / z[..., None]
        size = torch.tensor([photo.width, photo.height])
        grid = (pixel / size * 2 - 1)[None]
        colors, depth = (
            grid_sample(plane[None], grid, align_corners=False, padding_mode="border")[0]
            for plane in (photo.pixels.permute(2, 0, 1), self._depth_of(photo)[None])
        )
        inside = ((pixel > 0) & (pixel < size)).all(-1) & (camera[..., 2] > 0)
        seen = inside & ((z - depth[0]).abs() < DEPTH_TOLERANCE * z)
        rays = (normalize(points - v.position, dim=-1) for v in (view, photo))
        return colors.permute(1, 2, 0), seen, torch.linalg.vecdot(*rays)

    def _depth_of(self, photo: View) -> Tensor:
        if photo.name not in self._depths:
            self._depths[photo.name] = self._depth(photo)[0]
        return self._depths[photo.name]

    def _depth(self, view: View) -> tuple[Tensor, Tensor]:
        """Return the scene's expected depth [H, W] and where there is a surface at all."""
        renders, alphas, _ = render_view(self._gaussians, view, render_mode="ED")
        return renders[0, ..., 0].cpu(), alphas[0, ..., 0].cpu() > MIN_ALPHA


def _unproject(view: View, depth: Tensor) -> Tensor:
    """Return the world points [H, W, 3] of the pixels' centres at their depths."""
    ys, xs = torch.meshgrid(
        torch.arange(view.height) + 0.5, torch.arange(view.width) + 0.5, indexing="ij"
    )
    pixels = torch.stack([xs, ys, torch.ones_like(xs)], -1)
    camera = pixels @ torch.linalg.inv(view.K).T * depth[..., None]
    points: Tensor = (camera - view.viewmat[:3, 3]) @ view.viewmat[:3, :3]
    return points
