"""Renders beside the photos on the GPU, recorded: some fifty small kernels, started by one call."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gpu.training.album import Batch
from gpu.training.losses import photo_loss
from gpu.training.recording import Pool, aside, recorded


class Comparison:
    """The loss of the renders of photos of one size, and its gradient.

    It is `part` of the mean loss of a batch's photos (`photo_loss`). What it needs depends on the
    photos' number, size and masks alone.
    """

    def __init__(self, batch: Batch, ssim_weight: float, part: float, pool: Pool) -> None:
        self._ssim_weight, self._part = ssim_weight, part
        masks = None if batch.masks is None else batch.masks.clone()
        self._batch = replace(batch, images=batch.images.clone(), masks=masks)
        self._renders = torch.zeros(
            batch.images.shape, device=batch.images.device, requires_grad=True
        )
        with aside():  # Kernels are loaded when they are first used, which must not be recorded.
            self._compare()
        self._graph = torch.cuda.CUDAGraph()
        with recorded(self._graph, pool):
            self._loss = self._compare()

    def __call__(self, renders: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the loss of renders [B, H, W, 3], a scalar, and its gradient by them.

        The gradient is good until the next call.
        """
        place = self._renders.detach()
        place.copy_(renders)
        self._batch.images.copy_(batch.images)
        if self._batch.masks is not None:
            assert batch.masks is not None, "recorded for photos with masks"
            self._batch.masks.copy_(batch.masks)
        self._graph.replay()
        return self._loss.clone(), place

    def _compare(self) -> Tensor:
        """Put the gradient in the place of the renders; return the loss."""
        loss = photo_loss(self._renders, self._batch, self._ssim_weight) * self._part
        (gradient,) = torch.autograd.grad(loss, self._renders)
        self._renders.detach().copy_(gradient)
        return loss.detach()
