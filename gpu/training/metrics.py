"""How good a scene is: its renders beside photos that training never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training.dataset import View
from gpu.training.render import render_view
from gpu.training.ssim import ssim


@dataclass(frozen=True)
class PhotoMetric:
    """The likeness of one render to its photo: PSNR in dB, SSIM up to 1."""

    name: str
    psnr: float
    ssim: float


@dataclass(frozen=True)
class Score:
    """The means over some photos; None where there were no photos."""

    psnr: float | None
    ssim: float | None

    @classmethod
    def of(cls, photos: Sequence[PhotoMetric]) -> Score:
        if not photos:
            return cls(None, None)
        count = len(photos)
        return cls(sum(p.psnr for p in photos) / count, sum(p.ssim for p in photos) / count)


def psnr(image: Tensor, reference: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB of images with values 0 to 1."""
    error = (image - reference).square().mean().clamp_min(1e-10)
    return float(-10 * torch.log10(error))


def compare(name: str, image: Tensor, reference: Tensor) -> PhotoMetric:
    """Return both measures of two images [H, W, 3]; the render is clipped to 0 to 1 first."""
    image = image.clamp(0, 1)
    return PhotoMetric(name, psnr(image, reference), float(ssim(image, reference)))


@torch.no_grad()
def evaluate(gaussians: Gaussians, views: Sequence[View]) -> list[PhotoMetric]:
    """Return the likeness of the scene to each view's photo, in the order of the views."""
    return [
        compare(view.name, render_view(gaussians, view).renders[0], view.pixels.to(gaussians.means))
        for view in views
    ]
