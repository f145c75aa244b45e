"""Levels of detail: each file adds Gaussians to those before, the most important first.

Nothing is sent twice, and nothing moves when more arrives. While only the first levels are there,
their Gaussians are shown larger by `grow`, so that they close the gaps of those that are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gpu.export.sog import write_sog
from gpu.export.splat import importance
from gpu.gaussians import Gaussians
from gpu.job.paths import LEVELS
from gpu.training.dataset import View
from gpu.training.previews import rendered

#: The part of all Gaussians that is there when each of LEVELS has come. The first makes a picture;
#: the rest is divided so that the last to be decoded, for which a picture waits, is not much.
PARTS = (0.05, 0.2, 0.6, 0.9, 1.0)
#: Factors of size that are tried for what is not complete, on so many views of so many pixels.
GROW = (1.0, 1.2, 1.4, 1.7, 2.0)
VIEWS, LONG_SIDE = 3, 240


@dataclass(frozen=True)
class Level:
    """One file of a scene; `gaussians` are its own, and `grow` holds while it is the last there."""

    name: str
    bytes: int
    gaussians: int
    grow: float

    def to_json(self) -> Mapping[str, object]:
        """Return the level as in the manifest."""
        entry = {"url": self.name, "bytes": self.bytes, "gaussians": self.gaussians}
        return {**entry, "grow": self.grow}


def write_levels(gaussians: Gaussians, folder: Path, views: Sequence[View]) -> list[Level]:
    """Write the levels of a scene of five Gaussians or more; `grow` is measured on the views."""
    ordered = gaussians.select(importance(gaussians).argsort(descending=True, stable=True))
    few = [_small(view) for view in views[:: max(1, len(views) // VIEWS)][:VIEWS]]
    levels, start = [], 0
    for i, (name, part) in enumerate(zip(LEVELS, PARTS, strict=True)):
        left = len(LEVELS) - 1 - i
        end = min(max(round(part * len(ordered)), start + 1), len(ordered) - left)
        write_sog(ordered.select(torch.arange(start, end)), folder / name)
        grow = best_growth(ordered, end, few) if left else 1.0
        levels.append(Level(name, (folder / name).stat().st_size, end - start, grow))
        start = end
    return levels


def best_growth(ordered: Gaussians, count: int, views: Sequence[View]) -> float:
    """Return the factor with which the first `count` look most like all of them."""
    part = ordered.select(torch.arange(count))
    complete = [rendered(ordered, view) for view in views]

    def error(factor: float) -> float:
        larger = replace(part, log_scales=part.log_scales + torch.tensor(factor).log())
        pairs = zip(views, complete, strict=True)
        return sum(float((rendered(larger, view) - all_).square().mean()) for view, all_ in pairs)

    return min(GROW, key=error)


def _small(view: View) -> View:
    """Return the camera of a view with a picture of LONG_SIDE pixels."""
    factor = LONG_SIDE / view.long_side
    height, width = round(view.height * factor), round(view.width * factor)
    sizes = torch.tensor([width / view.width, height / view.height, 1.0])
    blank = torch.zeros(height, width, 3, dtype=torch.uint8)
    return replace(view, image=blank, K=view.K * sizes[:, None].to(view.K), mask=None)
