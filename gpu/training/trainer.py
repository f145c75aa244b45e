"""The training loop: one photo a step, Adam, more Gaussians where the loss pulls most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from gpu.gaussians import Gaussians
from gpu.training import schedules
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.losses import photo_loss, regularisation
from gpu.training.optimizer import SceneOptimizer
from gpu.training.render import render_view
from gpu.training.strategy import Strategy

#: Called after every step with the part that is done, the loss and the Gaussians.
Watch = Callable[[float, float, Gaussians], None]


def train(
    gaussians: Gaussians,
    views: Sequence[View],
    config: TrainConfig,
    device: torch.device,
    watch: Watch | None = None,
) -> Gaussians:
    """Return Gaussians that render like the photos of `views`, on the CPU.

    Deterministic on the CPU for one seed and number of cores.
    """
    optimizer = SceneOptimizer(gaussians.to(device), config.rates)
    strategy = Strategy()
    extent = scene_extent(views)
    pyramid = {f: [v.reduced(f).to(device) for v in views] for f in _reductions(config)}
    order = _shuffled(len(views), config.seed)
    for step in range(config.iterations):
        done = step / config.iterations
        view = pyramid[schedules.reduction(config, done)][next(order)]
        loss = _step(optimizer, strategy, view, config, done, extent)
        if (step + 1) % config.refine_every == 0 and done < config.grow_until:
            target = schedules.target_count(config, done, len(gaussians))
            refined = strategy.refine(optimizer.gaussians, target)
            optimizer.replace(refined.gaussians, refined.parents, refined.fresh)
        if watch is not None:
            watch((step + 1) / config.iterations, loss, optimizer.gaussians)
    return optimizer.gaussians.detach().to("cpu")


def _step(
    optimizer: SceneOptimizer,
    strategy: Strategy,
    view: View,
    config: TrainConfig,
    done: float,
    extent: float,
) -> float:
    """Render one view, step along the gradients, and return the loss."""
    gaussians = optimizer.gaussians
    degree = schedules.sh_degree(config, done)
    renders, _, meta = render_view(gaussians, view, sh_degree=degree, absgrad=True)
    loss = photo_loss(renders[0], view, config.ssim_weight)
    torch.autograd.backward(loss + regularisation(gaussians, config, extent))
    strategy.observe(meta)
    optimizer.step(schedules.position_rate(config, done, extent))
    return float(loss.detach())


def scene_extent(views: Sequence[View]) -> float:
    """Return the radius of the cameras' positions around their mean, world units (as in 3DGS)."""
    positions = torch.stack([view.position for view in views])
    return max(float((positions - positions.mean(0)).norm(dim=1).max()) * 1.1, 1e-3)


def _reductions(config: TrainConfig) -> list[int]:
    return sorted({schedules.reduction(config, done) for done in (0.0, 1.0)})


def _shuffled(count: int, seed: int) -> Iterator[int]:
    """Yield indices without end; every view once before any view again."""
    make = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.randperm(count, generator=make).tolist()
