"""One step of training: render a few photos, and go along the gradients of their mean loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training import schedules
from gpu.training.album import Batch
from gpu.training.config import TrainConfig
from gpu.training.losses import photo_loss, regularise, thinned
from gpu.training.optimizer import SceneOptimizer
from gpu.training.render import pull_through_lens, render_batch
from gpu.training.strategy import Strategy


@dataclass(frozen=True)
class Parts:
    """What a step works on; `extent` is that of the scene in world units."""

    config: TrainConfig
    extent: float
    optimizer: SceneOptimizer
    strategy: Strategy
    chance: torch.Generator


class Step:
    """A step on any machine."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __call__(self, batch: Batch, done: float) -> Tensor:
        """Take a step when a part `done` of all is over; return the loss, a scalar."""
        config, optimizer = self._parts.config, self._parts.optimizer
        gaussians, growing = optimizer.gaussians, done < config.grow_until
        renders, _, meta = render_batch(
            gaussians,
            thinned(gaussians.opacities, config.dropout * done, self._noise(len(gaussians))),
            batch,
            sh_degree=schedules.sh_degree(config, done),
            absgrad=growing,
            backgrounds=self._backgrounds(batch),
        )
        loss = photo_loss(renders, batch, config.ssim_weight)
        torch.autograd.backward(loss)
        regularise(gaussians, config, self._parts.extent)
        if growing:
            self._observe(meta, gaussians, batch)
        self._set_rates(done)
        optimizer.step()
        return loss.detach()

    def forget(self) -> None:
        """Note that other Gaussians took the place of those of the last step."""

    def _observe(self, meta: Mapping[str, Any], gaussians: Gaussians, batch: Batch) -> None:
        """Have the strategy see where the loss pulls."""
        if batch.bends is None:
            pulls = meta["means2d"].absgrad
        else:
            pulls = pull_through_lens(gaussians, batch, meta["depths"])
        self._parts.strategy.observe(pulls, meta["radii"], batch.width)

    def _set_rates(self, done: float) -> None:
        config, extent = self._parts.config, self._parts.extent
        position = schedules.position_rate(config, done, extent)
        self._parts.optimizer.set_rates(position, schedules.slower(config, done))

    def _noise(self, count: int) -> Tensor:
        """Return a number from 0 to 1 for each Gaussian; nothing is drawn where none is used."""
        device = self._parts.chance.device
        if self._parts.config.dropout == 0:
            return torch.empty(0, device=device)
        return torch.rand(count, generator=self._parts.chance, device=device)

    def _backgrounds(self, batch: Batch) -> Tensor | None:
        """Return a colour for each photo, [B, 3], where nothing is: see `random_background`."""
        if not self._parts.config.random_background:
            return None
        chance = self._parts.chance
        return torch.rand(len(batch.images), 3, generator=chance, device=chance.device)
