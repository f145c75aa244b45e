"""A small animation of the published scene for the thread: a turn around it, or a swing.

It is a nicety: what it takes is bounded, and whoever calls goes on without it when it fails.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import normalize

from gpu.export.cameras import Camera
from gpu.export.thumbnail import looking
from gpu.gaussians import Gaussians
from gpu.training.dataset import View
from gpu.training.previews import rendered

#: Pixels of the longer side, frames, and milliseconds of a frame: four seconds in all.
LONG_SIDE, FRAMES, FRAME_MS = 360, 32, 125

#: Seconds that it may take. A machine that is too slow for all frames makes half of them, or none.
BUDGET = 20.0

#: A scene that was photographed from one side is seen from there: degrees to either side.
SWING = 20.0

#: Tilt below the horizon of a turn around a scene that was flown over, degrees.
TILT = 50.0

UP = torch.tensor([0.0, 0.0, 1.0])

logger = logging.getLogger(__name__)


def draw_turntable(
    gaussians: Gaussians,
    camera: Camera,
    like: View,
    file: Path,
    *,
    turn: bool,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Write an animated GIF that loops; False when there is no time for it, or it fails.

    `camera` is where the viewer starts; `like` is a photo whose lens and shape are used. With
    `turn` it goes all the way around what the camera looks at, else it swings to both sides.
    """
    try:
        return _draw(gaussians, camera, like, file, turn, clock)
    except Exception as failed:  # noqa: BLE001 - a preview never fails a job
        logger.warning("no turntable: %s", failed)
        return False


def _draw(
    gaussians: Gaussians,
    camera: Camera,
    like: View,
    file: Path,
    turn: bool,
    clock: Callable[[], float],
) -> bool:
    end = clock() + BUDGET
    frames: list[Image.Image] = []
    step = 1
    for number, view in enumerate(_views(camera, like, turn)):
        if number == 2 and _too_slow(end - clock(), BUDGET):
            step = 2  # every other frame, each twice as long
        if clock() > end:
            break
        if number % step == 0:
            pixels = (rendered(gaussians, view) * 255).round().to(torch.uint8)
            frames.append(Image.fromarray(pixels.numpy()).quantize(128))
    if len(frames) < FRAMES // step:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    frames[0].save(
        partial, format="GIF", save_all=True, append_images=frames[1:],
        duration=FRAME_MS * step, loop=0, optimize=True,
    )  # fmt: skip
    partial.replace(file)
    return True


def _too_slow(left: float, budget: float) -> bool:
    """Whether two frames took so long that all of them would not fit."""
    return (budget - left) / 2 * FRAMES > budget


def _views(camera: Camera, like: View, turn: bool) -> Iterator[View]:
    """Yield the views of one loop."""
    centre = torch.tensor(camera.look_at)
    away = torch.tensor(camera.position) - centre
    if turn:
        distance, tilt = float(away.norm()), math.radians(TILT)
        away = distance * torch.tensor([0.0, -math.cos(tilt), math.sin(tilt)])
    for number in range(FRAMES):
        part = number / FRAMES
        degrees = 360 * part if turn else SWING * math.sin(2 * math.pi * part)
        yield _looking(centre + _turned(away, math.radians(degrees)), centre, like)


def _turned(vector: Tensor, angle: float) -> Tensor:
    """Turn a vector about the upward axis."""
    x, y, z = vector.tolist()
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([c * x - s * y, s * x + c * y, z])


def _looking(position: Tensor, at: Tensor, like: View) -> View:
    """Return an empty view (x right, y down, z ahead) with the lens of another."""
    viewmat = looking(position, normalize(at - position, dim=0), UP)
    factor = LONG_SIDE / like.long_side
    width, height = round(like.width * factor), round(like.height * factor)
    scale = torch.tensor([width / like.width, height / like.height, 1.0])
    blank = torch.zeros(height, width, 3, dtype=torch.uint8)
    return View("turntable", blank, viewmat, like.K.cpu() * scale[:, None])
