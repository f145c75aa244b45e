"""Lenses that bend: what of a photo is lost when it is straightened, and how to train without that.

A photo through a fisheye lens that is made a pinhole's loses its border, which is often a good part
of it. gsplat's 3DGUT mode projects Gaussians through the lens itself (Wu et al., "3DGUT: Enabling
Distorted Cameras and Secondary Rays in Gaussian Splatting", CVPR 2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pycolmap
import torch
from torch import Tensor

Kind = Literal["pinhole", "fisheye"]

#: Straightening may lose this part of the pixels without anything being said or done about it.
TOLERABLE = 0.15
GRID = 64  #: places along each side of a photo that are looked at
#: Where COLMAP keeps what OpenCV calls k1 to k6 and p1, p2, by the name of a camera's model.
RADIAL = {
    "SIMPLE_PINHOLE": (), "PINHOLE": (), "SIMPLE_RADIAL": (3,), "RADIAL": (3, 4),
    "OPENCV": (4, 5), "FULL_OPENCV": (4, 5, 8, 9, 10, 11),
    "SIMPLE_RADIAL_FISHEYE": (3,), "RADIAL_FISHEYE": (3, 4), "OPENCV_FISHEYE": (4, 5, 6, 7),
}  # fmt: skip
TANGENTIAL = {"OPENCV": (6, 7), "FULL_OPENCV": (6, 7)}


@dataclass(frozen=True)
class Lens:
    """OpenCV's distortion: `radial` k1 to k6 (a fisheye: k1 to k4), `tangential` p1, p2."""

    kind: Kind
    radial: tuple[float, ...]
    tangential: tuple[float, float] = (0.0, 0.0)

    @property
    def bends(self) -> Tensor:
        """All numbers as gpu.rendering.unscented takes them, [8]."""
        blank = (0.0,) * (6 - len(self.radial))
        return torch.tensor([*self.radial, *blank, *self.tangential])


def lens_of(camera: pycolmap.Camera) -> Lens | None:
    """Return a camera's lens; None where gsplat knows no such model."""
    name = camera.model.name
    if name not in RADIAL:
        return None
    kind: Kind = "fisheye" if name.endswith("FISHEYE") else "pinhole"
    places = 4 if kind == "fisheye" else 6
    found = [float(camera.params[i]) for i in RADIAL[name]]
    radial = tuple(found + [0.0] * (places - len(found)))
    return Lens(kind, radial, _two(camera, TANGENTIAL.get(name)))


def _two(camera: pycolmap.Camera, where: tuple[int, int] | None) -> tuple[float, float]:
    return (float(camera.params[where[0]]), float(camera.params[where[1]])) if where else (0.0, 0.0)


def lost(cameras: Sequence[pycolmap.Camera]) -> float:
    """Return the part of the photos' pixels, 0 to 1, that no straightened photo has."""
    return float(np.mean([_lost(camera) for camera in cameras])) if cameras else 0.0


def _lost(camera: pycolmap.Camera) -> float:
    straight = pycolmap.undistort_camera(pycolmap.UndistortCameraOptions(), camera)
    ys, xs = np.mgrid[0:GRID, 0:GRID] + 0.5
    size = np.array([camera.width, camera.height], np.float64)
    places = np.stack([xs.ravel(), ys.ravel()], 1) / GRID * size
    rays = np.asarray(camera.cam_from_img(places), np.float64)
    ahead = np.asarray(np.all(np.isfinite(rays), axis=1))
    rays = np.where(ahead[:, None], rays, 0.0)
    seen = np.asarray(straight.img_from_cam(np.column_stack([rays, np.ones(len(rays))])))
    inside = np.all((seen >= 0) & (seen <= [straight.width, straight.height]), axis=1)
    return 1.0 - float(np.mean(ahead & inside))
