"""What training says of itself while it runs: at most once a second, now and then a picture."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gpu.export.preview import Preview
from gpu.gaussians import Gaussians
from gpu.job.events import Metric
from gpu.stage import Context
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.metrics import psnr
from gpu.training.previews import rendered, write_row
from gpu.training.twins import place

PAUSE = 1.0  #: seconds between two messages at least: to read the loss, the loop waits for the GPU
PICTURES = 3  #: while training runs
#: The part of its steps after which one of several scenes is shown: the last of three at a half.
PRESENTABLE = 0.45
SMOOTH = 0.02  #: the part that a new loss has in the mean


class Teller:
    """Tells loss, speed and number of Gaussians; shows one held-out photo beside its render.

    `begin` is the number of steps taken before; `clock` gives seconds. The `preview` is offered
    every step, and told of once it is there.
    """

    def __init__(
        self,
        ctx: Context,
        config: TrainConfig,
        view: View,
        *,
        begin: int,
        clock: Callable[[], float],
        preview: Preview | None = None,
    ) -> None:
        self._preview = preview
        self._ctx, self._view, self._clock = ctx, view, clock
        self._total, self._step = config.iterations, begin
        self._mean: Tensor | None = None
        self._scenes, self._scene, self._is_early = config.scenes, "", False
        self._told_step, self._told_at = begin, clock()
        self._psnr: float | None = None

    def __call__(self, done: float, loss: Tensor, gaussians: Gaussians) -> None:
        """Take note of a step; say something when it is time to."""
        self._step += 1
        if self._scenes > 1:
            self._note(*place(self._step, self._total, self._scenes))
        if self._preview is not None:
            self._preview.offer(done, gaussians)
        self._mean = loss if self._mean is None else self._mean.lerp(loss, SMOOTH)
        now, shows = self._clock(), self._is_shown()
        if now - self._told_at < PAUSE and not shows and self._step < self._total:
            return
        pictures = (self._picture(gaussians),) if shows else ()
        figures = self._figures(now, len(gaussians))
        self._ctx.progress(done, self._sentence(figures), metrics=figures, pictures=pictures)
        self._told_step, self._told_at = self._step, now

    def _note(self, scene: str, part: float) -> None:
        """Take note of which of several scenes is trained: another one's figures are its own."""
        if scene != self._scene:
            self._scene, self._mean, self._psnr = scene, None, None
        self._is_early = part < PRESENTABLE

    def _is_shown(self) -> bool:
        """Whether this step has a picture: PICTURES of them, evenly, none at the end.

        Nor has a scene that is still behind the picture of the one before.
        """
        every = max(1, self._total // (PICTURES + 1))
        is_time = self._step % every == 0 and self._step // every <= PICTURES
        return is_time and not self._is_early

    def _figures(self, now: float, gaussians: int) -> dict[str, Metric]:
        """Return what is known now; `preview_psnr` is that of the last picture's one photo."""
        seconds = max(now - self._told_at, 1e-6)
        figures: dict[str, Metric] = {
            "loss": round(float(self._mean if self._mean is not None else torch.nan), 5),
            "gaussians": gaussians,
            "iterations_per_second": round((self._step - self._told_step) / seconds, 2),
        }
        if self._psnr is not None:
            figures["preview_psnr"] = round(self._psnr, 2)
        if self._preview is not None and self._preview.is_there:
            figures["preview"] = True
        return figures

    def _sentence(self, figures: dict[str, Metric]) -> str:
        likeness = "" if self._psnr is None else f", one held-out photo at {self._psnr:.1f} dB"
        scene = f" ({self._scene})" if self._scene else ""
        return (
            f"Step {self._step:,} of {self._total:,}{scene}, {figures['gaussians']:,} Gaussians, "
            f"{pace(float(figures['iterations_per_second'] or 0.0))}{likeness}."
        )

    def _picture(self, gaussians: Gaussians) -> str:
        """Write the held-out photo (left) and its render (right); return the picture's name."""
        photo, render = self._view.pixels.cpu(), rendered(gaussians, self._view)
        self._psnr = psnr(render, photo)
        name = f"previews/train-{self._step * (PICTURES + 1) // self._total}.jpg"
        write_row([photo, render], self._ctx.paths.root / name)
        return name


def pace(rate: float) -> str:
    """Say how fast training is, from the steps in a second; of slow ones how long each takes."""
    if rate < 2 / 3:
        return f"{1 / max(rate, 0.01):.0f} seconds a step"
    return "1 step a second" if rate < 1.5 else f"{rate:.0f} steps a second"
