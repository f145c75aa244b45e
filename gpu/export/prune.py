"""Leaving out Gaussians that nobody misses: each rule holds only if the held-out photos agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gpu.gaussians import Gaussians

#: Fainter than this, a Gaussian changes no pixel by more than two of 255 steps.
FAINT = 0.01
#: Longest axis against the middle one: a needle is seen only from the side it was not trained on.
NEEDLE_RATIO = 30.0
#: Longest axis, in diagonals of the scene's robust box: larger than this is fog.
OVERSIZED = 0.5
#: Neighbours are counted in cells of this many mean distances of N Gaussians spread over a surface
#: as wide as the box; on it each has about 70. With no more than this many, one hangs in the air.
SPACING, NEIGHBOURS = 2.0, 2
#: The box grows by this many of its diagonals before what lies outside counts as astray.
BACKGROUND = 1.5
#: dB of held-out PSNR that a rule may cost.
TOLERANCE = 0.05


@dataclass(frozen=True)
class Box:
    """A box around the scene, world units."""

    low: Tensor
    high: Tensor

    @property
    def diagonal(self) -> float:
        return float((self.high - self.low).norm())

    @classmethod
    def around(cls, points: Tensor, percent: float = 1.0) -> Box:
        """Return the box of points [P, 3] without the outermost `percent` at each end."""
        part = percent / 100
        return cls(_quantile(points, part), _quantile(points, 1 - part))


def _quantile(points: Tensor, part: float) -> Tensor:
    """Return a quantile of each column; torch.quantile takes no more than 16 M values."""
    ordered = points.sort(dim=0).values
    return ordered[round(part * (len(points) - 1))]


#: A rule returns the mask [N] of the Gaussians that stay.
Rule = Callable[[Gaussians, Box], Tensor]


def visible(gaussians: Gaussians, _box: Box) -> Tensor:
    """Keep what is not too faint to be seen."""
    return gaussians.opacities >= FAINT


def compact(gaussians: Gaussians, box: Box) -> Tensor:
    """Keep what is neither fog nor a needle."""
    scales = gaussians.scales.sort(dim=1).values
    needle = (scales[:, 2] > NEEDLE_RATIO * scales[:, 1]) & (scales[:, 2] > 0.02 * box.diagonal)
    return ~needle & (scales[:, 2] <= OVERSIZED * box.diagonal)


def near(gaussians: Gaussians, box: Box) -> Tensor:
    """Keep what lies in the scene or its background, not beyond."""
    room = BACKGROUND * box.diagonal
    inside = (gaussians.means >= box.low - room) & (gaussians.means <= box.high + room)
    return inside.all(dim=1)


def crowded(gaussians: Gaussians, box: Box) -> Tensor:
    """Keep what has neighbours: floaters hang alone in the air.

    Counts the Gaussians in the 27 cells around each one's: linear in N, as k nearest neighbours
    are not. Large Gaussians, the sky and far background, are their own neighbours.
    """
    size = max(SPACING * box.diagonal / len(gaussians) ** 0.5, 1e-9)
    cells = ((gaussians.means - box.low) / size).floor().clamp(-1e5, 1e5).to(torch.int64)
    offsets = torch.cartesian_prod(*[torch.arange(-1, 2)] * 3).to(cells.device)
    keys, counts = _counted(_key(cells))
    total = torch.zeros(len(cells), dtype=torch.int64, device=cells.device)
    for offset in offsets:
        wanted = _key(cells + offset)
        at = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
        total += torch.where(keys[at] == wanted, counts[at], 0)
    large: Tensor = gaussians.scales.amax(dim=1) > size
    return large | (total - 1 > NEIGHBOURS)


def _counted(keys: Tensor) -> tuple[Tensor, Tensor]:
    """Return the different keys, sorted, and how often each occurs."""
    ordered = keys.sort().values
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[1:] = ordered[1:] != ordered[:-1]
    starts = first.nonzero()[:, 0]
    end = torch.tensor([len(ordered)], device=keys.device)
    return ordered[starts], torch.diff(starts, append=end)


def _key(cells: Tensor) -> Tensor:
    """Return one number for each cell [N, 3] of whole numbers within +-2^20."""
    shifted = cells + (1 << 20)
    return (shifted[:, 0] << 42) + (shifted[:, 1] << 21) + shifted[:, 2]


RULES: Mapping[str, Rule] = {
    "faint": visible,
    "oversized": compact,
    "astray": near,
    "floaters": crowded,
}


def prune(
    gaussians: Gaussians, box: Box, psnr: Callable[[Gaussians], float]
) -> tuple[Gaussians, dict[str, int]]:
    """Apply every rule in turn; return what stays and how many each rule left out.

    A rule that lowers `psnr` (dB on held-out photos) by more than TOLERANCE leaves out nothing.
    """
    left_out = dict.fromkeys(RULES, 0)
    best = psnr(gaussians)
    for name, rule in RULES.items():
        keep = rule(gaussians, box)
        if keep.all() or not keep.any():
            continue
        candidate = gaussians.select(keep)
        after = psnr(candidate)
        if after >= best - TOLERANCE:
            left_out[name] = int((~keep).sum())
            gaussians, best = candidate, max(best, after)
    return gaussians, left_out
