"""The stage `train`: undistorted photos and their model in, Gaussians out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import torch

from gpu.export.ply import read_ply, write_ply
from gpu.export.preview import Preview
from gpu.gaussians import Gaussians
from gpu.job import Stage
from gpu.job.choices import BENT
from gpu.job.events import Metric
from gpu.stage import Context, Outcome
from gpu.training import memory
from gpu.training.checkpoint import Keeper
from gpu.training.config import TrainConfig, best_device, image_size
from gpu.training.dataset import Dataset, View, border_lost, load_bent, load_dataset
from gpu.training.init import gaussians_from_points
from gpu.training.joining import MEASURED, join, joins_in, keep, left_out, sentence
from gpu.training.launch import GpusFull, train_on_all
from gpu.training.lens import TOLERABLE
from gpu.training.lpips import Lpips
from gpu.training.memory import fitting
from gpu.training.metrics import PhotoMetric, Score, evaluate, thumbnail_psnr
from gpu.training.previews import beside
from gpu.training.progress import Teller
from gpu.training.resume import beginning
from gpu.training.shards import Shards
from gpu.training.together import Plan
from gpu.training.twins import grow

PICTURE = "previews/train.jpg"
FEWEST = 5_000  #: a scene of fewer Gaussians would be of no use


@dataclass(frozen=True)
class Work:
    """What is trained, and on what: `gpus` is 0 where all happens in this process."""

    dataset: Dataset
    config: TrainConfig
    image_size: int
    device: torch.device
    gpus: int


def run_train(ctx: Context, *, clock: Callable[[], float] = time.monotonic) -> Outcome:
    """Train, measure on the held-out photos, and have them join; `clock` is the checkpoints'.

    Reads ctx.paths.undistorted, writes ctx.paths.gaussians(Stage.TRAIN) and previews/train.jpg,
    and ctx.paths.all_photos where photos have joined.
    Goes on from ctx.paths.checkpoint where that is of this run.
    Raises NoModel when there is nothing to train from, and BadWeights before anything is computed.
    """
    lpips = Lpips.installed()
    ctx.paths.all_photos.unlink(missing_ok=True)
    joins = joins_in(Stage.TRAIN, ctx.spec)
    first = ctx.part(0.0, MEASURED) if joins else ctx
    work = prepared(first)
    begun = time.monotonic()
    trained, total, steps = _trained(first, work, clock)
    seconds = time.monotonic() - begun
    photos = evaluate(trained, work.dataset.held_out, lpips)
    beside(trained, typical(work.dataset.held_out, photos), ctx.paths.root / PICTURE)
    write_ply(trained, ctx.paths.gaussians(Stage.TRAIN))
    joined = _joined(ctx.part(MEASURED, 1.0), work, trained) if joins else 0
    psnr = Score.of(photos).psnr
    return Outcome(
        f"Trained {len(trained):,} Gaussians; held-out photos match at {psnr:.1f} dB."
        + sentence(joined),
        {
            "iterations": total,
            "image_size": work.image_size,
            "gaussians": len(trained),
            "iterations_per_second": round(steps / seconds, 2),
            "joined": joined,
            "thumbnail_psnr": round(mean(map(thumbnail_psnr, work.dataset.held_out)), 4),
            **photo_metrics(photos),
        },
        (PICTURE,),
    )


def prepared(ctx: Context) -> Work:
    """Read the photos, and choose settings that the memory suffices for."""
    device = best_device()
    size = image_size(ctx.spec, device)
    bent = stays_bent(ctx, device)
    dataset = _photos(ctx, size, bent=bent)
    config = TrainConfig.of(ctx.spec, device, len(dataset.train), len(dataset.points))
    if device.type != "cuda":
        return Work(dataset, config, size, device, 0)
    free, _ = torch.cuda.mem_get_info(device)
    there = 1 if bent else torch.cuda.device_count()  # Several know pinholes alone.
    gpus = gpus_for(config, dataset, size, free, there)
    if gpus and config.alone is not None:  # One scene may fit; several GPUs train no twins.
        config = config.alone
        gpus = gpus_for(config, dataset, size, free, there)
    config, smaller = made_to_fit(ctx, config, dataset, size, free, max(1, gpus))
    if smaller < size:
        dataset = _photos(ctx, smaller, bent=bent)
    return Work(dataset, config, smaller, device, gpus)


def stays_bent(ctx: Context, device: torch.device) -> bool:
    """Whether to train on the photos as they are, as was asked: straightened they lose much.

    What is lost is said, also where nothing was asked or can be done about it.
    """
    there = (ctx.paths.geometry / "cameras.bin").is_file()
    share = border_lost(ctx.paths.geometry) if there else 0.0
    if share <= TOLERABLE:
        return False
    if ctx.spec.lens != BENT or device.type != "cuda":
        said = f"Straightening the photos costs {share:.0%} of their pixels, at the border."
        ctx.progress(0.0, f"{said} With --lens bent a GPU trains on them as they are.")
        return False
    said = f"Straightened, the photos would lose {share:.0%} of their pixels"
    ctx.progress(0.0, f"{said}: they train as they are.", metrics={"border": round(share, 4)})
    return True


def _photos(ctx: Context, size: int, *, bent: bool) -> Dataset:
    if bent:
        return load_bent(ctx.paths, size, ctx.spec.holdout)
    return load_dataset(ctx.paths.undistorted, size, ctx.spec.holdout)


def _trained(ctx: Context, work: Work, clock: Callable[[], float]) -> tuple[Gaussians, int, int]:
    """Train; return the Gaussians, all of their steps, and those of them that were taken now.

    Where memory is too small, go on from the last checkpoint with half as many Gaussians. Raises
    torch.OutOfMemoryError or GpusFull when not even FEWEST Gaussians fit.
    """
    preview, config = Preview(ctx, work.dataset, clock), work.config
    while True:
        whole, keeper = beginning(ctx, config, work.dataset, clock)
        try:
            if work.gpus:
                plan = Plan.of(ctx, work.image_size, whole, keeper)
                trained = train_on_all(ctx, plan, work.gpus, preview).to(work.device)
            else:
                teller = _teller(ctx, whole, work.dataset, keeper, preview, clock)
                trained = _train(whole, work, teller, keeper)
            preview.end()
            return trained, whole.iterations, whole.iterations - keeper.begin
        except (torch.OutOfMemoryError, GpusFull):
            config = replace(config, max_gaussians=config.max_gaussians // 2)
            if config.max_gaussians < FEWEST:
                raise
        keeper.wait()
        torch.cuda.empty_cache()
        fewer = f"The GPU's memory is full: again with at most {config.max_gaussians:,} Gaussians."
        ctx.progress(0.0, fewer)


def _joined(ctx: Context, work: Work, trained: Gaussians) -> int:
    """Have the held-out photos join; return how many have."""
    if not work.gpus:
        return join(ctx, trained, work.dataset, work.config, work.device)
    if not ctx.paths.candidate.is_file():
        return left_out(ctx, work.dataset, "training on with them failed")
    candidate = read_ply(ctx.paths.candidate).to(work.device)
    return keep(ctx, candidate, trained, work.dataset)


def gpus_for(config: TrainConfig, dataset: Dataset, size: int, free: int, gpus: int) -> int:
    """Return how many GPUs to train on together: 0 where one has the memory, or is all there is."""
    fits = fitting(config, dataset.train, size, free)
    shrunk = (fits.max_gaussians, fits.image_size) != (config.max_gaussians, size)
    return gpus if shrunk and gpus > 1 else 0


def made_to_fit(
    ctx: Context, config: TrainConfig, dataset: Dataset, size: int, free: int, gpus: int = 1
) -> tuple[TrainConfig, int]:
    """Return a config and an image size that `free` bytes of each GPU suffice for, and say so."""
    part = Shards(0, gpus).config(config)
    plan = fitting(part, dataset.train, size, free)
    shrunk = plan.max_gaussians < part.max_gaussians
    most = plan.max_gaussians * gpus if shrunk else config.max_gaussians
    plan = replace(plan, max_gaussians=most)
    said = memory.sentence(plan, config, size, free)
    if said:
        ctx.progress(0.0, said, metrics={"predicted_gpu_bytes": plan.total})
    return replace(config, max_gaussians=plan.max_gaussians), plan.image_size


def _train(config: TrainConfig, work: Work, teller: Teller, keeper: Keeper) -> Gaussians:
    points, colors = (t.to(work.device) for t in (work.dataset.points, work.dataset.colors))
    start = gaussians_from_points(points, colors, config.sh_degree, config.max_gaussians)
    return grow(start, work.dataset.train, config, work.device, teller, keeper)


def _teller(
    ctx: Context,
    config: TrainConfig,
    dataset: Dataset,
    keeper: Keeper,
    preview: Preview,
    clock: Callable[[], float],
) -> Teller:
    shown = dataset.held_out[len(dataset.held_out) // 2]
    return Teller(ctx, config, shown, begin=keeper.begin, clock=clock, preview=preview)


def photo_metrics(photos: Sequence[PhotoMetric]) -> dict[str, Metric]:
    """Return the figures of the held-out photos: the means, and those of each by its name."""
    score = Score.of(photos)
    figures: dict[str, Metric] = {
        "held_out": len(photos),
        "psnr": score.psnr,
        "psnr_corrected": score.psnr_corrected,
        "ssim": score.ssim,
    }
    for photo in photos:
        figures |= {f"psnr/{photo.name}": photo.psnr, f"ssim/{photo.name}": photo.ssim}
        if photo.lpips is not None:
            figures[f"lpips/{photo.name}"] = photo.lpips
    if score.lpips is not None:
        figures["lpips"] = score.lpips
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in figures.items()}


def typical(views: Sequence[View], photos: Sequence[PhotoMetric]) -> View:
    """Return the view whose likeness is in the middle: neither the best nor the worst."""
    order = sorted(range(len(photos)), key=lambda i: photos[i].psnr)
    return views[order[len(order) // 2]]
