"""Where a viewer starts: over the scene, in a photographer's place, or on foot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpu.export.ground import Ground
from gpu.training.dataset import View

#: The eye above the ground: metres, and units of a scene that GPS did not scale (where the median
#: camera is 10 units away).
EYE_METRES, EYE_UNITS = 1.7, 1.7
#: Sideways part of the look down: north stays up, and houses show a wall.
TILT = 0.25
UP = (0.0, 0.0, 1.0)

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """A viewer's camera, world frame."""

    position: Point
    look_at: Point

    def to_json(self) -> dict[str, list[float]]:
        """Return the camera as in the manifest."""
        return {
            "position": [round(v, 4) for v in self.position],
            "look_at": [round(v, 4) for v in self.look_at],
            "up": list(UP),
        }


def above(centre: Sequence[float], size: Sequence[float], ground_z: float, height: float) -> Camera:
    """Look down on the centre from the drone's height, or from as high as the scene needs."""
    x, y = centre[0], centre[1]
    height = max(height, 0.6 * max(size[0], size[1]))
    return Camera((x, y - TILT * height, ground_z + height), (x, y, ground_z))


def central_view(views: Sequence[View]) -> View:
    """Return the view whose place and direction are nearest to all others'."""
    places = torch.stack([view.position for view in views])
    ahead = torch.stack([view.viewmat[2, :3] for view in views])
    spread = torch.cdist(places, places).median().clamp_min(1e-6)
    far = torch.cdist(places, places) / spread + torch.cdist(ahead, ahead)
    return views[int(far.sum(dim=1).argmin())]


def as_photographed(view: View, points: Tensor) -> Camera:
    """Stand where a photo was taken and look at what it shows; points [P, 3] of the scene."""
    ahead = view.viewmat[2, :3]
    depths = (points - view.position) @ ahead
    distance = depths[depths > 0].median() if bool((depths > 0).any()) else torch.tensor(10.0)
    return Camera(_point(view.position), _point(view.position + distance * ahead))


def on_foot(start: Camera, ground: Ground | None, ground_z: float, *, metric: bool) -> Camera:
    """Stand on the ground before what `start` looks at, half as far as it is, and look level."""
    eye = EYE_METRES if metric else EYE_UNITS
    (x, y, _), (to_x, to_y, _) = start.position, start.look_at
    x, y = (x + to_x) / 2, (y + to_y) / 2
    height = (ground.at(x, y) if ground else ground_z) + eye
    return Camera((x, y, height), (to_x, to_y, height))


def _point(values: Tensor) -> Point:
    x, y, z = (float(v) for v in values)
    return x, y, z
