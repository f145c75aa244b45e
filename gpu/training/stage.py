"""The stage `train`: undistorted photos and their model in, Gaussians out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gpu.export.ply import write_ply
from gpu.gaussians import Gaussians
from gpu.job import Stage
from gpu.job.events import Metric
from gpu.stage import Context, Outcome
from gpu.training.checkpoint import Keeper, UnusableCheckpoint, read_checkpoint, scene_digest
from gpu.training.config import TrainConfig, best_device, image_size
from gpu.training.dataset import Dataset, View, load_dataset
from gpu.training.init import gaussians_from_points
from gpu.training.metrics import PhotoMetric, Score, evaluate
from gpu.training.previews import beside
from gpu.training.trainer import train

PICTURE = "previews/train.jpg"
PREVIEWS = 3  #: pictures while training runs
REPORTS = 50  #: progress messages while training runs
FEWEST = 5_000  #: a scene of fewer Gaussians would be of no use


def run_train(ctx: Context, *, clock: Callable[[], float] = time.monotonic) -> Outcome:
    """Train and measure on the held-out photos; `clock` says when a checkpoint is due.

    Reads ctx.paths.undistorted, writes ctx.paths.gaussians(Stage.TRAIN) and previews/train.jpg.
    Goes on from ctx.paths.checkpoint where that is of this run.
    Raises NoModel when there is nothing to train from.
    """
    device = best_device()
    size = image_size(ctx.spec, device)
    dataset = load_dataset(ctx.paths.undistorted, size, ctx.spec.holdout)
    config = TrainConfig.of(ctx.spec, device, len(dataset.train), len(dataset.points))
    begun = time.monotonic()
    trained, steps = _train_what_fits(ctx, config, dataset, device, clock)
    seconds = time.monotonic() - begun
    photos = evaluate(trained, dataset.held_out)
    beside(trained, typical(dataset.held_out, photos), ctx.paths.root / PICTURE)
    write_ply(trained, ctx.paths.gaussians(Stage.TRAIN))
    score = Score.of(photos)
    return Outcome(
        f"Trained {len(trained):,} Gaussians; held-out photos match at {score.psnr:.1f} dB.",
        {
            "iterations": config.iterations,
            "image_size": size,
            "gaussians": len(trained),
            "iterations_per_second": round(steps / seconds, 2),
            **photo_metrics(photos),
        },
        (PICTURE,),
    )


def _train_what_fits(
    ctx: Context,
    config: TrainConfig,
    dataset: Dataset,
    device: torch.device,
    clock: Callable[[], float],
) -> tuple[Gaussians, int]:
    """Train; return the Gaussians and the number of steps taken.

    Where the GPU's memory is too small, go on from the last checkpoint with half as many
    Gaussians. Raises torch.OutOfMemoryError when not even FEWEST Gaussians fit.
    """
    while True:
        keeper = _keeper(ctx, config, dataset, clock)
        try:
            return _train(ctx, config, dataset, device, keeper), config.iterations - keeper.begin
        except torch.OutOfMemoryError:
            config = replace(config, max_gaussians=config.max_gaussians // 2)
            if config.max_gaussians < FEWEST:
                raise
        keeper.wait()
        torch.cuda.empty_cache()
        fewer = f"The GPU's memory is full: again with at most {config.max_gaussians:,} Gaussians."
        ctx.progress(0.0, fewer)


def _keeper(
    ctx: Context, config: TrainConfig, dataset: Dataset, clock: Callable[[], float]
) -> Keeper:
    """Return what keeps this run's checkpoints, with the one to go on from if there is one."""
    file, scene = ctx.paths.checkpoint, scene_digest(dataset.train, config.sh_degree, config.seed)
    try:
        found = read_checkpoint(file)
        if found is not None:
            found.check(scene, config.iterations)
            done, total = found.header.step, config.iterations
            ctx.progress(done / total, f"Going on from step {done:,} of {total:,}.")
    except UnusableCheckpoint as wrong:
        ctx.progress(0.0, str(wrong))
        found = None
    return Keeper(file, ctx.spec.job_id, scene, found=found, clock=clock)


def _train(
    ctx: Context, config: TrainConfig, dataset: Dataset, device: torch.device, keeper: Keeper
) -> Gaussians:
    points, colors = dataset.points.to(device), dataset.colors.to(device)
    start = gaussians_from_points(points, colors, config.sh_degree, config.max_gaussians)
    reporter = _Reporter(ctx, config, dataset, keeper.begin)
    return train(start, dataset.train, config, device, reporter, keeper)


def photo_metrics(photos: Sequence[PhotoMetric]) -> dict[str, Metric]:
    """Return the figures of the held-out photos: the means, and those of each by its name."""
    score = Score.of(photos)
    figures: dict[str, Metric] = {"held_out": len(photos), "psnr": score.psnr, "ssim": score.ssim}
    for photo in photos:
        figures |= {f"psnr/{photo.name}": photo.psnr, f"ssim/{photo.name}": photo.ssim}
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in figures.items()}


def typical(views: Sequence[View], photos: Sequence[PhotoMetric]) -> View:
    """Return the view whose likeness is in the middle: neither the best nor the worst."""
    order = sorted(range(len(photos)), key=lambda i: photos[i].psnr)
    return views[order[len(order) // 2]]


class _Reporter:
    """Tells of the loss every so often, and shows a held-out photo beside its render."""

    def __init__(self, ctx: Context, config: TrainConfig, dataset: Dataset, begin: int) -> None:
        self._ctx, self._view = ctx, dataset.held_out[len(dataset.held_out) // 2]
        self._total, self._step = config.iterations, begin
        self._mean: Tensor | None = None

    def __call__(self, done: float, loss: Tensor, gaussians: Gaussians) -> None:
        self._step += 1
        self._mean = loss if self._mean is None else self._mean.lerp(loss, 0.02)
        if self._step % max(1, self._total // REPORTS):
            return
        message = f"Step {self._step:,} of {self._total:,}, {len(gaussians):,} Gaussians."
        figures = {"loss": round(float(self._mean), 5), "gaussians": len(gaussians)}
        self._ctx.progress(done, message, metrics=figures, pictures=self._picture(gaussians))

    @torch.no_grad()
    def _picture(self, gaussians: Gaussians) -> tuple[str, ...]:
        """Write a picture at each of PREVIEWS steps; no picture otherwise, nor at the end."""
        every = self._total // (PREVIEWS + 1)
        shown = self._step // max(1, every)
        before = (self._step - max(1, self._total // REPORTS)) // max(1, every)
        if shown == before or shown > PREVIEWS:
            return ()
        name = f"previews/train-{shown}.jpg"
        beside(gaussians, self._view, self._ctx.paths.root / name)
        return (name,)
