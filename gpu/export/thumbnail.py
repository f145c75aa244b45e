"""A picture of the published scene: rendered from what scene.splat holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from gpu.gaussians import Gaussians
from gpu.training.dataset import View
from gpu.training.previews import rendered, write_row

LONG_SIDE = 640


def draw_thumbnail(gaussians: Gaussians, view: View, file: Path) -> None:
    """Render the scene from a photo's place, 640 pixels along the longer side."""
    factor = LONG_SIDE / max(view.width, view.height)
    width, height = round(view.width * factor), round(view.height * factor)
    scaled = torch.tensor([width / view.width, height / view.height, 1.0])
    blank = torch.zeros(height, width, 3, dtype=torch.uint8)
    write_row(
        [rendered(gaussians, replace(view, image=blank, K=view.K * scaled[:, None], mask=None))],
        file,
    )
