"""How much GPU memory training will need, said before it begins rather than after it has failed.

    base       the CUDA context, the kernels, and what the allocator can not use
    Gaussians  parameters, gradients and Adam's two moments, float32; and, for every photo of a
               step, what projection, sorting and their gradients keep of each Gaussian
    pixels     for every photo of a step: photo, render and gradients; and SSIM's maps

The photos stay in the machine's memory (gpu.training.album).

The constants are bytes. They err on the side of too much: what is predicted to fit should fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gpu.training.config import TrainConfig
from gpu.training.dataset import View

BASE = 700 << 20
#: Copies of a Gaussian's parameters: itself, its gradient, two moments, and, while the number
#: changes, the new ones beside the old.
COPIES = 6
#: Of a projected Gaussian in one photo: 18 floats and their gradients, and 8 tiles at 24 bytes.
PROJECTED = 2 * 18 * 4 + 8 * 24
#: How many times that is taken. Recordings of steps with fewer Gaussians have left some, which is
#: given back when it gets scarce (gpu.training.recording): a scene that was trained where 2.5 kB a
#: Gaussian were free, with four photos a step, is reckoned with 2.7 (bench/results.md).
RECORDED = 1.3
#: Of a pixel of one photo: 3 colours, an opacity and a number, and three times their gradients.
PIXEL = 4 * 4 * 5
#: Of SSIM's maps: of one photo's channel at least, else as much (gpu.training.ssim_cuda).
MAPS, MAPS_AT_LEAST = 8 * 4, 25 << 20
ALL_PART = 0.9  #: of the free memory may be needed
#: What is made smaller, is made this much smaller at a time; and never smaller than these.
STEP, SMALLEST_IMAGE, FEWEST = 0.8, 480, 50_000


@dataclass(frozen=True)
class Plan:
    """What training will use: bytes, and what was made smaller so that they fit."""

    max_gaussians: int
    image_size: int
    gaussians: int
    pixels: int

    @property
    def total(self) -> int:
        """The bytes that the GPU will need."""
        return BASE + self.gaussians + self.pixels


def predict(config: TrainConfig, views: Sequence[View], image_size: int, wanted_size: int) -> Plan:
    """Return what training needs with photos of `image_size` that now are of `wanted_size`."""
    shrink = (image_size / wanted_size) ** 2
    largest = max(view.width * view.height for view in views) * shrink
    pixels = int(config.views_per_step * largest * PIXEL + max(largest * MAPS, MAPS_AT_LEAST))
    floats = 11 + 3 * (config.sh_degree + 1) ** 2
    each = floats * 4 * COPIES + config.views_per_step * PROJECTED * RECORDED
    return Plan(config.max_gaussians, image_size, int(config.max_gaussians * each), pixels)


def fitting(config: TrainConfig, views: Sequence[View], image_size: int, free: int) -> Plan:
    """Return what fits into `free` bytes: what needs most of it shrinks.

    Where even the smallest does not fit, that is returned: the prediction errs on the safe side.
    """
    size = image_size
    while True:
        plan = predict(config, views, size, image_size)
        if plan.total <= free * ALL_PART:
            return plan
        if plan.pixels > plan.gaussians and size * STEP >= SMALLEST_IMAGE:
            size = int(size * STEP)
        elif config.max_gaussians * STEP >= FEWEST:
            config = replace(config, max_gaussians=int(config.max_gaussians * STEP))
        else:
            return plan


def sentence(plan: Plan, config: TrainConfig, image_size: int, free: int) -> str:
    """Say what was made smaller than wanted, and why; nothing when nothing was."""
    changes = []
    if plan.image_size < image_size:
        changes.append(f"photos at {plan.image_size} instead of {image_size} pixels")
    if plan.max_gaussians < config.max_gaussians:
        changes.append(
            f"at most {plan.max_gaussians:,} instead of {config.max_gaussians:,} Gaussians"
        )
    if not changes:
        return ""
    return f"The GPU has {free / 2**30:.1f} GiB free, so: {', '.join(changes)}."
