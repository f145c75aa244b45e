"""The stage `descend`: the scene is refined for lower and lower views from above.

Five levels, as in SplatWalk: each looks straight down from a part of the drone's height. Every
level trains on the real photos at their finest resolution and on virtual views filled with real
pixels (`nadir.py`), after needles, which only show from close up, have been shortened. A level is
kept only if the held-out photos get worse by `TOLERANCE` at most; else the scene is as it was
before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from gpu.export.ply import read_ply, write_ply
from gpu.gaussians import Gaussians
from gpu.job import Stage
from gpu.job.events import Metric
from gpu.stage import Context, Outcome
from gpu.training.config import Rates, TrainConfig, best_device, image_size
from gpu.training.dataset import Dataset, View, load_dataset
from gpu.training.joining import PART, join, joins_in, sentence
from gpu.training.lpips import Lpips
from gpu.training.metrics import PhotoMetric, Score, evaluate
from gpu.training.nadir import Ground, Reprojector, ground_below, nadir_view, tiling
from gpu.training.previews import rendered, write_row
from gpu.training.stage import photo_metrics
from gpu.training.trainer import train

PICTURE = "previews/descend.jpg"
#: Heights of the levels, as parts of the drone's height above ground.
LEVELS = (1.0, 0.5, 0.25, 0.12, 0.05)
TOLERANCE = 0.05  #: dB of held-out PSNR that a level may cost
VIEWS_A_LEVEL = 10
FINER = 1.5  #: photos are this much larger than in training, where they have the pixels
PART_OF_TRAINING = 0.05  #: iterations of a level
#: The part of the stage after which the held-out photos join.
DESCENT = len(LEVELS) * PART_OF_TRAINING / (len(LEVELS) * PART_OF_TRAINING + PART)
NEEDLE = 8.0  #: the longest axis is at most this many times the middle one
#: Small steps: the scene is nearly right, and only details may move.
RATES = Rates(4e-5, 4e-6, 5e-4, 2.5e-3, 1.2e-2, 2.5e-3, 1.2e-4)


@dataclass(frozen=True)
class Level:
    """What became of one level: PSNRs are means over the held-out photos, in dB."""

    factor: float
    views: int
    before: float
    after: float
    kept: bool

    def figures(self) -> dict[str, Metric]:
        name = f"level_{self.factor:g}"
        return {
            f"{name}_views": self.views,
            f"{name}_psnr_before": round(self.before, 3),
            f"{name}_psnr_after": round(self.after, 3),
            f"{name}_kept": self.kept,
        }

    def sentence(self) -> str:
        verb = "kept" if self.kept else "rolled back"
        change = f"{self.before:.2f} → {self.after:.2f} dB"
        return f"From {self.factor:.0%} of the flight's height: {verb} ({change})."


def run_descend(ctx: Context) -> Outcome:
    """Refine what `train` left, level by level.

    Reads ctx.paths.gaussians(Stage.TRAIN) and ctx.paths.undistorted; writes
    ctx.paths.gaussians(Stage.DESCEND) and previews/descend.jpg, and ctx.paths.all_photos where
    the held-out photos have joined.
    """
    lpips = Lpips.installed()
    ctx.paths.all_photos.unlink(missing_ok=True)
    joins = joins_in(Stage.DESCEND, ctx.spec)
    device = best_device()
    size = ctx.spec.image_size or round(image_size(ctx.spec, device) * FINER)
    dataset = load_dataset(ctx.paths.undistorted, size, ctx.spec.holdout)
    config = TrainConfig.of(ctx.spec, device, len(dataset.train), len(dataset.points))
    gaussians = read_ply(ctx.paths.gaussians(Stage.TRAIN)).to(device)
    ground = ground_below(dataset)
    if ground.above <= 0:
        write_ply(gaussians, ctx.paths.gaussians(Stage.DESCEND))
        photos = evaluate(gaussians, dataset.held_out, lpips)
        joined = join(ctx, gaussians, dataset, config, device) if joins else 0
        said = f"The photos were not taken from above: no descent.{sentence(joined)}"
        return Outcome(said, {"joined": joined, **photo_metrics(photos)})
    descent = Descent(gaussians, dataset, ground, _level(config), device, lpips)
    down = ctx.part(0.0, DESCENT) if joins else ctx
    for i, factor in enumerate(LEVELS):
        level = descent.descend_to(factor)
        down.progress((i + 1) / len(LEVELS), level.sentence(), metrics=level.figures())
    write_altitudes(descent.gaussians, ground, ctx)
    write_ply(descent.gaussians, ctx.paths.gaussians(Stage.DESCEND))
    joined = 0
    if joins:
        rest, beside = ctx.part(DESCENT, 1.0), descent.virtual
        joined = join(rest, descent.gaussians, dataset, config, device, beside)
    figures = {**_figures(descent), "joined": joined}
    said = _summary(descent.levels, dataset.held_out) + sentence(joined)
    return Outcome(said, figures, (PICTURE,))


class Descent:
    """The scene on its way down, and the record of the levels."""

    def __init__(
        self,
        gaussians: Gaussians,
        dataset: Dataset,
        ground: Ground,
        config: TrainConfig,
        device: torch.device,
        lpips: Lpips | None = None,
    ) -> None:
        self.gaussians = gaussians
        self.levels: list[Level] = []
        self.virtual: list[View] = []  # of the last level that was kept
        self.photos: list[PhotoMetric] = evaluate(gaussians, dataset.held_out, lpips)
        self._best = self._psnr(self.photos)
        self._dataset, self._ground = dataset, ground
        self._config, self._device, self._lpips = config, device, lpips

    def descend_to(self, factor: float) -> Level:
        """Train one level; keep it or roll it back; return what happened."""
        virtual = self._virtual_views(factor)
        start = shorten_needles(self.gaussians)
        views = [*self._dataset.train, *virtual]
        candidate = train(start, views, self._config, self._device)
        photos = evaluate(candidate, self._dataset.held_out, self._lpips)
        after, before = self._psnr(photos), self._best
        kept = after >= before - TOLERANCE
        if kept:
            self.gaussians, self.photos, self.virtual = candidate, photos, virtual
            self._best = max(before, after)
        self.levels.append(Level(factor, len(virtual), before, after, kept))
        return self.levels[-1]

    def _virtual_views(self, factor: float) -> list[View]:
        altitude = factor * self._ground.above
        empty = tiling(self._ground, altitude, VIEWS_A_LEVEL, self._config.seed)
        reprojector = Reprojector(self.gaussians, self._dataset.train)
        filled = (reprojector.fill(view) for view in empty)
        return [view for view in filled if view is not None]

    @staticmethod
    def _psnr(photos: Sequence[PhotoMetric]) -> float:
        psnr = Score.of(photos).psnr
        return math.nan if psnr is None else psnr


def shorten_needles(gaussians: Gaussians) -> Gaussians:
    """Return the Gaussians with no longest axis over NEEDLE times the middle one."""
    middle = gaussians.log_scales.median(dim=1, keepdim=True).values
    longest = middle + math.log(NEEDLE)
    return replace(gaussians, log_scales=torch.minimum(gaussians.log_scales, longest))


def write_altitudes(gaussians: Gaussians, ground: Ground, ctx: Context) -> None:
    """Write the views straight down from each level's height, side by side."""
    x, y = ((low + high) / 2 for low, high in zip(ground.low, ground.high, strict=True))
    heights = (ground.height + factor * ground.above for factor in LEVELS)
    pictures = [rendered(gaussians, nadir_view(x, y, height)) for height in heights]
    write_row(pictures, ctx.paths.root / PICTURE)


def _level(config: TrainConfig) -> TrainConfig:
    """Return the settings of one level of a scene that was trained with `config`."""
    config = config.single
    return replace(
        config,
        iterations=max(10, round(config.iterations * PART_OF_TRAINING)),
        rates=RATES,
        coarse=0.0,
        coarsest=0.0,
        grow_until=0.0,
        warm=True,
    )


def _summary(levels: Sequence[Level], held_out: Sequence[View]) -> str:
    """Say what became of the levels; the photos' size, because `train` measured smaller ones."""
    pixels = max((view.long_side for view in held_out), default=0)
    kept = [level for level in levels if level.kept]
    back = ", ".join(f"{level.factor:g}" for level in levels if not level.kept)
    after = kept[-1].after if kept else levels[0].before
    change = f"from {levels[0].before:.2f} to {after:.2f} dB"
    said = f"Kept {len(kept)} of {len(levels)} levels; "
    said += f"held-out photos ({pixels:,} pixels) went {change}."
    return said + (f" Rolled back: {back}." if back else "")


def _figures(descent: Descent) -> Mapping[str, Metric]:
    levels: dict[str, Metric] = {}
    for level in descent.levels:
        levels |= level.figures()
    kept = sum(level.kept for level in descent.levels)
    count = len(descent.gaussians)
    return {"levels_kept": kept, "gaussians": count, **levels, **photo_metrics(descent.photos)}
