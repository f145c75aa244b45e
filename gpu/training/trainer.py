"""The training loop: a few photos a step, Adam, more Gaussians where the loss pulls most."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training import schedules
from gpu.training.album import Album, Batch, storage_for
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.losses import photo_loss, regularise, thinned
from gpu.training.optimizer import SceneOptimizer
from gpu.training.render import render_batch
from gpu.training.strategy import Strategy

#: Called after every step with the part that is done, the loss (a scalar on the device: reading it
#: waits for the GPU) and the Gaussians.
Watch = Callable[[float, Tensor, Gaussians], None]


def train(
    gaussians: Gaussians,
    views: Sequence[View],
    config: TrainConfig,
    device: torch.device,
    watch: Watch | None = None,
) -> Gaussians:
    """Return Gaussians that render like the photos of `views`, on `device`.

    Deterministic on the CPU for one seed and number of cores.
    """
    run = _Run(gaussians.to(device), config, scene_extent(views))
    album = Album(views, schedules.reductions(config), device, storage_for(views, device))
    order = album.order(min(config.views_per_step, len(views)), config.seed)
    for step in range(config.iterations):
        done = step / config.iterations
        batch = album.batch(next(order), schedules.reduction(config, done))
        loss = run.step(batch, done)
        if (step + 1) % config.refine_every == 0 and done < config.grow_until:
            run.refine(schedules.target_count(config, done, len(gaussians)))
        if watch is not None:
            watch((step + 1) / config.iterations, loss, run.gaussians)
    return run.gaussians.detach()


class _Run:
    """The state of a training run."""

    def __init__(self, gaussians: Gaussians, config: TrainConfig, extent: float) -> None:
        self._config, self._extent = config, extent
        self._optimizer = SceneOptimizer(gaussians, config.rates)
        self._strategy = Strategy()
        self._make = torch.Generator(gaussians.means.device).manual_seed(config.seed)

    @property
    def gaussians(self) -> Gaussians:
        return self._optimizer.gaussians

    def step(self, batch: Batch, done: float) -> Tensor:
        """Render a batch, step along the gradients, and return the loss, a scalar."""
        config, gaussians = self._config, self.gaussians
        growing = done < config.grow_until
        renders, _, meta = render_batch(
            gaussians,
            thinned(gaussians.opacities, config.dropout * done, self._make),
            batch,
            sh_degree=schedules.sh_degree(config, done),
            absgrad=growing,
        )
        loss = photo_loss(renders, batch, config.ssim_weight)
        torch.autograd.backward(loss)
        regularise(gaussians, config, self._extent)
        if growing:
            self._strategy.observe(meta)
        self._optimizer.step(schedules.position_rate(config, done, self._extent))
        return loss.detach()

    def refine(self, target: int) -> None:
        """Drop and split Gaussians towards a number of them."""
        refined = self._strategy.refine(self.gaussians, target)
        self._optimizer.replace(refined.gaussians, refined.parents, refined.fresh)


def scene_extent(views: Sequence[View]) -> float:
    """Return the radius of the cameras' positions around their mean, world units (as in 3DGS)."""
    positions = torch.stack([view.position for view in views])
    return max(float((positions - positions.mean(0)).norm(dim=1).max()) * 1.1, 1e-3)
