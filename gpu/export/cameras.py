"""Where a viewer starts: over the scene, in a photographer's place, or on foot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpu.export.ground import Ground
from gpu.geometry.record import Geometry
from gpu.job import Pipeline
from gpu.training.dataset import View

#: The eye above the ground: metres, and units of a scene that GPS did not scale (where the median
#: camera is 10 units away).
EYE_METRES, EYE_UNITS = 1.7, 1.7
#: Sideways part of the look down: north stays up, and houses show a wall.
TILT = 0.25
#: A walker starts this part of the scene's shorter side away from its middle.
ASIDE = 0.3
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


def first_camera(
    pipeline: Pipeline,
    geometry: Geometry,
    low: Sequence[float],
    high: Sequence[float],
    views: Sequence[View],
    points: Tensor,
) -> Camera:
    """Return where the viewer starts: over a flight's scene, else in a photographer's place."""
    if pipeline is not Pipeline.AERIAL:
        return as_photographed(central_view(views), points)
    size = [b - a for a, b in zip(low, high, strict=True)]
    centre = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    return above(centre, size, geometry.ground_z, geometry.camera_height)


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


def on_foot(
    start: Camera, size: Sequence[float], ground: Ground | None, ground_z: float, *, metric: bool
) -> Camera:
    """Stand free on the ground, aside of what `start` looks at, and look at it on the level."""
    eye = EYE_METRES if metric else EYE_UNITS
    (to_x, to_y, _), away = start.look_at, ASIDE * min(size[0], size[1])
    dx, dy = start.position[0] - to_x, start.position[1] - to_y
    far = away / max((dx**2 + dy**2) ** 0.5, 1e-9)
    x, y = to_x + far * dx, to_y + far * dy
    if ground is None:
        return Camera((x, y, ground_z + eye), (to_x, to_y, ground_z + eye))
    x, y = ground.nearest_free(x, y)
    height = ground.at(x, y) + eye
    return Camera((x, y, height), (to_x, to_y, height))


def _point(values: Tensor) -> Point:
    x, y, z = (float(v) for v in values)
    return x, y, z
