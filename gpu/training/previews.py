"""Pictures that show how far the scene is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training.dataset import View
from gpu.training.render import render_view

QUALITY = 88
GAP = 4  #: white pixels between two pictures


@torch.no_grad()
def rendered(gaussians: Gaussians, view: View) -> Tensor:
    """Return the render of a view with values 0 to 1, [H, W, 3], on the CPU."""
    return render_view(gaussians, view).renders[0].clamp(0, 1).cpu()


def beside(gaussians: Gaussians, view: View, path: Path) -> None:
    """Write the view's photo (left) and the render of it (right)."""
    write_row([view.pixels.cpu(), rendered(gaussians, view)], path)


def write_row(pictures: Sequence[Tensor], path: Path) -> None:
    """Write pictures [H, W, 3] of one height side by side as a JPEG; whole or not at all."""
    gap = torch.ones(pictures[0].shape[0], GAP, 3)
    parts = [part for picture in pictures for part in (picture, gap)][:-1]
    pixels = (torch.cat(parts, dim=1) * 255).round().numpy().astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    Image.fromarray(pixels).save(partial, format="JPEG", quality=QUALITY)
    partial.replace(path)
