"""Where training begins: at the first step, or where this job or an earlier one was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gpu.stage import Context
from gpu.training.checkpoint import (
    Checkpoint,
    Keeper,
    UnusableCheckpoint,
    read_checkpoint,
    scene_digest,
)
from gpu.training.config import TrainConfig
from gpu.training.dataset import Dataset


def beginning(
    ctx: Context, config: TrainConfig, dataset: Dataset, clock: Callable[[], float]
) -> tuple[TrainConfig, Keeper]:
    """Return the config with all steps to come, and what keeps the run's checkpoints.

    The keeper has the state to go on from where ctx.paths.checkpoint has one of this scene. Where
    it has one that can not be used, that is said, and training starts anew.
    """
    scene = scene_digest(dataset.train, config.sh_degree, config.seed)
    try:
        found = read_checkpoint(ctx.paths.checkpoint)
        if found is None and ctx.spec.more:
            raise UnusableCheckpoint(f"job {ctx.spec.earlier} has left none")
        if found is not None:
            found.check_scene(scene)
            config = _schedule(ctx, config, found)
            done, total = found.header.step, config.iterations
            ctx.progress(done / total, f"Going on from step {done:,} of {total:,}.")
    except UnusableCheckpoint as wrong:
        ctx.progress(0.0, str(wrong))
        found = None
        config = replace(config, iterations=config.iterations + (ctx.spec.more or 0))
    continued = found is not None and config.warm
    keeper = Keeper(
        ctx.paths.checkpoint, ctx.spec.job_id, scene, found=found, continued=continued, clock=clock
    )
    return config, keeper


def _schedule(ctx: Context, config: TrainConfig, found: Checkpoint) -> TrainConfig:
    """Return the config of what goes on from a state; raises UnusableCheckpoint.

    What was asked for on top counts once: not again for a state that this job itself has left.
    """
    more = 0 if found.header.job == ctx.spec.job_id else ctx.spec.more or 0
    if more or found.header.continued:
        found.check_is_one()
        return config.continued(found.header.iterations + more)
    found.check_iterations(config.iterations + (ctx.spec.more or 0))
    found.check_scene_count(config.scenes)
    return replace(config, iterations=found.header.iterations)
