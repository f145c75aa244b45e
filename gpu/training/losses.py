"""What training minimises."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training.album import Batch
from gpu.training.config import TrainConfig
from gpu.training.ssim import WINDOW, PhotoDistance, ssim


def photo_loss(renders: Tensor, batch: Batch, ssim_weight: float) -> Tensor:
    """Return (1 - w) L1 + w (1 - SSIM) of renders [B, H, W, 3] (Kerbl et al. 2023), a scalar.

    Where the batch's masks say that a photo is unknown, the render is taken to be right.
    """
    if batch.masks is not None:
        renders = torch.where(batch.masks[..., None], renders, batch.pixels)
    if min(batch.width, batch.height) < WINDOW:
        return (1 - ssim_weight) * (renders - batch.pixels).abs().mean()
    if renders.is_cuda:
        loss: Tensor = PhotoDistance.apply(renders, batch.images, ssim_weight)  # type: ignore[no-untyped-call]
        return loss
    photos = batch.pixels
    likeness = ssim(renders, photos)
    return (1 - ssim_weight) * (renders - photos).abs().mean() + ssim_weight * (1 - likeness)


@torch.no_grad()
def regularise(gaussians: Gaussians, config: TrainConfig, extent: float) -> None:
    """Add to the gradients the pull towards fewer and smaller Gaussians.

    It is that of the mean opacity and of the mean scale in scene extents, times their weights;
    written out, it costs a fourth of what autograd needs.
    """
    by_opacity, by_scale = gaussians.logit_opacities.grad, gaussians.log_scales.grad
    if by_opacity is None or by_scale is None:
        return
    count, opacities = max(1, len(gaussians)), gaussians.opacities
    by_opacity.addcmul_(opacities, 1 - opacities, value=config.opacity_weight / count)
    by_scale.add_(gaussians.scales, alpha=config.scale_weight / (3 * count * extent))


def thinned(opacities: Tensor, part: float | Tensor, noise: Tensor) -> Tensor:
    """Return opacities [N] of which a part is 0 and the others are greater to make up.

    Which ones it is follows from `noise` [N], 0 to 1; without any, nothing is left out. As in
    DropGaussian (Park et al., CVPR 2025): Gaussians that a few photos see can not agree on
    colours that only those photos have.
    """
    if not noise.numel():
        return opacities
    return opacities * (noise >= part) / (1 - part)
