"""The scene's poster: what the viewer shows first, rendered from what scene.sog holds.

The viewer shows it until it has drawn that itself, and nothing may jump then: the lens, the place
and the background are the viewer's (viewer/src/scene/lens.ts, stage.ts and modes/).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from gpu.export.cameras import Camera
from gpu.export.ground import Ground
from gpu.gaussians import Gaussians
from gpu.training.dataset import View
from gpu.training.previews import write_row
from gpu.training.render import render_view

#: Twice as wide as high: nearly all windows show a part of it, as high as it is.
WIDTH, HEIGHT = 960, 480
#: Of the height, degrees.
FIELD_OF_VIEW = 52.0
BACKGROUND = (0x0D / 255, 0x10 / 255, 0x14 / 255)
NORTH, UP = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
#: Sine of an angle below the horizon under which a camera looks at the ground.
LEVEL = 0.05


@dataclass(frozen=True)
class Place:
    """What the viewer knows of a scene when it chooses where to begin, world units."""

    low: Sequence[float]
    high: Sequence[float]
    ground: Ground | None
    ground_z: float

    @property
    def radius(self) -> float:
        """Half of the diagonal."""
        return math.dist(self.low, self.high) / 2

    def under(self, x: float, y: float) -> float:
        """Return the height of the ground."""
        if self.ground is None:
            return self.ground_z
        return float(self.ground.heights_at(np.array([[x, y]]))[0])


@torch.no_grad()
def draw_thumbnail(gaussians: Gaussians, viewmat: Tensor, file: Path) -> None:
    """Render the scene as a viewer with this camera [4, 4] shows it, as a JPEG."""
    focal = HEIGHT / 2 / math.tan(math.radians(FIELD_OF_VIEW) / 2)
    K = torch.tensor([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1]])
    view = View("poster", torch.zeros(HEIGHT, WIDTH, 3, dtype=torch.uint8), viewmat, K)
    seen = render_view(gaussians, view)
    behind = (1 - seen.alphas[0]) * torch.tensor(BACKGROUND, device=seen.alphas.device)
    write_row([(seen.renders[0] + behind).clamp(0, 1).cpu()], file)


def first_seen(camera: Camera, place: Place, *, from_above: bool) -> Tensor:
    """Return the camera [4, 4], world to camera, with which the viewer begins."""
    position, look_at = torch.tensor([camera.position, camera.look_at], dtype=torch.float32)
    ahead = normalize(look_at - position, dim=0)
    if not from_above:
        return looking(position, ahead, torch.tensor(UP))
    target = position + _distance(position, ahead, place) * ahead
    away = max(float((position - target).norm()), 1.2 * place.radius)
    level = ahead * torch.tensor([1.0, 1.0, 0.0])
    north = level if float(level.norm()) > 1e-3 else torch.tensor(NORTH)
    return looking(target + away * torch.tensor(UP), -torch.tensor(UP), north)


def looking(position: Tensor, ahead: Tensor, upward: Tensor) -> Tensor:
    """Return a camera (x right, y down, z ahead) at a place; `upward` is upwards in its picture."""
    right = normalize(torch.linalg.cross(ahead, upward), dim=0)
    rotation = torch.stack([right, torch.linalg.cross(ahead, right), ahead])
    viewmat = torch.eye(4)
    viewmat[:3, :3], viewmat[:3, 3] = rotation, -rotation @ position
    return viewmat


def _distance(position: Tensor, ahead: Tensor, place: Place) -> float:
    """Return how far ahead the ground is, or the scene's middle where it is not ahead."""
    x, y, z = position.tolist()
    drop, farthest = -float(ahead[2]), 4 * place.radius
    to_ground = (z - place.under(x, y)) / drop if drop > LEVEL else math.inf
    middle = [(low + high) / 2 for low, high in zip(place.low, place.high, strict=True)]
    chosen = to_ground if 0 < to_ground < farthest else math.dist((x, y, z), middle)
    return min(max(chosen, 0.05 * place.radius), farthest)
