"""What training minimises."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.ssim import WINDOW, ssim


def photo_loss(image: Tensor, view: View, ssim_weight: float) -> Tensor:
    """Return (1 - w) L1 + w (1 - SSIM) of a render [H, W, 3] (Kerbl et al. 2023), a scalar.

    Where the view's mask says that the photo is unknown, the render is taken to be right.
    """
    photo = view.pixels
    if view.mask is not None:
        image = torch.where(view.mask[..., None], image, photo)
    loss = (1 - ssim_weight) * (image - photo).abs().mean()
    if min(view.width, view.height) >= WINDOW:
        loss = loss + ssim_weight * (1 - ssim(image, photo))
    return loss


def regularisation(gaussians: Gaussians, config: TrainConfig, extent: float) -> Tensor:
    """Return the pull towards fewer and smaller Gaussians, a scalar."""
    size = gaussians.scales.mean() / extent
    return config.opacity_weight * gaussians.opacities.mean() + config.scale_weight * size
