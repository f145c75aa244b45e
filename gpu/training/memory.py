"""How much GPU memory training will need, said before it begins rather than after it has failed.

    base       the CUDA context, the kernels, and what the allocator can not use
    photos     uint8, with their reductions; none when they stay in the host's memory
    Gaussians  parameters, gradients and Adam's two moments, float32; and, for every photo of a
               step, what projection, sorting and their gradients keep of each Gaussian
    pixels     for every photo of a step: render, loss, their gradients and SSIM's maps

The constants are bytes. They err on the side of too much: what is predicted to fit should fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gpu.training.album import PYRAMID
from gpu.training.config import TrainConfig
from gpu.training.dataset import View

BASE = 700 << 20
#: Copies of a Gaussian's parameters: itself, its gradient, two moments, and, while the number
#: changes, the new ones beside the old.
COPIES = 6
#: Of a projected Gaussian in one photo: 18 floats and their gradients, and 8 tiles at 24 bytes.
PROJECTED = 2 * 18 * 4 + 8 * 24
#: Of a pixel of one photo: 3 colours and an opacity, 15 maps of SSIM, and the gradients.
PIXEL = 2 * 4 * (4 + 15)
#: Photos may fill this part of the free memory (gpu.training.album), and all may need this.
PHOTOS_PART, ALL_PART = 1 / 4, 0.9
#: What is made smaller, is made this much smaller at a time; and never smaller than these.
STEP, SMALLEST_IMAGE, FEWEST = 0.8, 480, 50_000


@dataclass(frozen=True)
class Plan:
    """What training will use: bytes, and what was made smaller so that they fit."""

    max_gaussians: int
    image_size: int
    photos: int
    gaussians: int
    pixels: int
    is_on_host: bool

    @property
    def total(self) -> int:
        """The bytes that the GPU will need."""
        return BASE + self.gaussians + self.pixels + (0 if self.is_on_host else self.photos)


def predict(
    config: TrainConfig, views: Sequence[View], image_size: int, wanted_size: int, free: int
) -> Plan:
    """Return what training needs with photos of `image_size` that now are of `wanted_size`."""
    shrink = (image_size / wanted_size) ** 2
    photos = int(sum(view.image.numel() for view in views) * PYRAMID * shrink)
    largest = max(view.width * view.height for view in views) * shrink
    floats = 11 + 3 * (config.sh_degree + 1) ** 2
    each = floats * 4 * COPIES + config.views_per_step * PROJECTED
    return Plan(
        config.max_gaussians, image_size, photos, config.max_gaussians * each,
        int(config.views_per_step * largest * PIXEL), photos >= free * PHOTOS_PART,
    )  # fmt: skip


def fitting(config: TrainConfig, views: Sequence[View], image_size: int, free: int) -> Plan:
    """Return what fits into `free` bytes: photos leave the GPU first, then what needs most shrinks.

    Where even the smallest does not fit, that is returned: the prediction errs on the safe side.
    """
    size = image_size
    while True:
        plan = predict(config, views, size, image_size, free)
        if plan.total <= free * ALL_PART:
            return plan
        if not plan.is_on_host and plan.total - plan.photos <= free * ALL_PART:
            return replace(plan, is_on_host=True)
        if plan.pixels > plan.gaussians and size * STEP >= SMALLEST_IMAGE:
            size = int(size * STEP)
        elif config.max_gaussians * STEP >= FEWEST:
            config = replace(config, max_gaussians=int(config.max_gaussians * STEP))
        else:
            return plan


def sentence(plan: Plan, config: TrainConfig, image_size: int, free: int) -> str:
    """Say what was made smaller than wanted, and why; nothing when nothing was."""
    changes = []
    if plan.is_on_host:
        changes.append("the photos stay in the machine's memory")
    if plan.image_size < image_size:
        changes.append(f"photos at {plan.image_size} instead of {image_size} pixels")
    if plan.max_gaussians < config.max_gaussians:
        changes.append(
            f"at most {plan.max_gaussians:,} instead of {config.max_gaussians:,} Gaussians"
        )
    if not changes:
        return ""
    return f"The GPU has {free / 2**30:.1f} GiB free, so: {', '.join(changes)}."
