"""The held-out photos join in the end: users get a scene that every photo has shaped.

All figures are measured before, on photos that training had never seen, and they stay what they
were: `compress` brings the scene from before to files in the same way, and measures those. The
checkpoint is from before too, so that a job that goes on from it has photos to measure with.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gpu.export.ply import write_ply
from gpu.gaussians import Gaussians
from gpu.job import JobSpec, Pipeline, Stage
from gpu.stage import Context
from gpu.training.config import TrainConfig
from gpu.training.dataset import Dataset, View
from gpu.training.metrics import Score, evaluate
from gpu.training.trainer import Watch, train

PART = 0.2  #: steps with every photo, as a part of those before
MEASURED = 1 / (1 + PART)  #: the part of all steps after which the figures are measured
#: Where the positions' rate begins, in parts of what it has fallen to; the others begin where they
#: did at first, and fall to this part of it. What that is worth: bench/joined.py.
POSITIONS, FINAL = 2.5, 0.1
TOLERANCE = 0.05  #: dB by which photos may look worse once they have been trained on

log = logging.getLogger(__name__)


def joins_in(stage: Stage, spec: JobSpec) -> bool:
    """Whether this stage, `train` or `descend`, is the one after which nothing is compared."""
    last = Stage.DESCEND if spec.pipeline is Pipeline.AERIAL else Stage.TRAIN
    return spec.joins and stage is last


def joining(config: TrainConfig) -> TrainConfig:
    """Return how a scene trained with `config` trains on with more photos: only details move."""
    config = config.single
    first = config.rates.means_final * POSITIONS
    return replace(
        config,
        iterations=max(10, round(config.iterations * PART)),
        rates=replace(config.rates, means=first, final=FINAL),
        coarse=0.0,
        coarsest=0.0,
        grow_until=0.0,
        warm=True,
    )


def join(
    ctx: Context,
    measured: Gaussians,
    dataset: Dataset,
    config: TrainConfig,
    device: torch.device,
    beside: Sequence[View] = (),
) -> int:
    """Train a measured scene on, with every photo and what is `beside` them.

    Leaves it in ctx.paths.all_photos. Returns how many photos have joined: 0 where the scene did
    not get better or the memory did not suffice, which is said. No job fails for it.
    """
    views = [*dataset.train, *dataset.held_out, *beside]
    watch = _teller(ctx, len(dataset.held_out), joining(config).iterations)
    try:
        candidate = train(measured, views, joining(config), device, watch)
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return left_out(ctx, dataset, "the GPU's memory is full")
    return keep(ctx, candidate, measured, dataset)


def keep(ctx: Context, candidate: Gaussians, measured: Gaussians, dataset: Dataset) -> int:
    """Keep what every photo has shaped, unless the photos that joined look worse than before."""
    if not all(bool(tensor.isfinite().all()) for tensor in candidate.tensors().values()):
        return left_out(ctx, dataset, "the scene came apart")
    before, after = (Score.of(evaluate(g, dataset.held_out)).psnr for g in (measured, candidate))
    if before is None or after is None or after < before - TOLERANCE:
        return left_out(ctx, dataset, "the scene did not get better")
    write_ply(candidate, ctx.paths.all_photos)
    return len(dataset.held_out)


def sentence(joined: int) -> str:
    """Say that photos have joined; nothing where none have."""
    return f" Then the {count(joined)} joined the training." if joined else ""


def count(photos: int) -> str:
    """Return a number of held-out photos in words."""
    return f"{photos} held-out photo{'' if photos == 1 else 's'}"


def left_out(ctx: Context, dataset: Dataset, reason: str) -> int:
    """Say why no photo has joined; return 0, their number."""
    log.warning("the held-out photos stay out: %s", reason)
    ctx.progress(1.0, f"The {count(len(dataset.held_out))} stay out of the training: {reason}.")
    return 0


def _teller(ctx: Context, joined: int, total: int) -> Watch:
    def tell(done: float, _loss: Tensor, _gaussians: Gaussians) -> None:
        said = f"Measured; now with the {count(joined)} too: step {round(done * total):,}"
        ctx.progress(done, f"{said} of {total:,}.")

    return tell
