"""Cameras from learned models: predicted poses, made exact by triangulation and adjustment.

Every method gives poses; `from_poses` (gpu.geometry.posed) turns them into a COLMAP model with the
photos' own features. Where code and weights are: gpu.geometry.installed.

map-anything-apache: code and weights are Apache-2.0 (facebookresearch/map-anything).
mast3r: code and weights are CC BY-NC-SA 4.0 (naver/mast3r), for non-commercial use alone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pycolmap
from numpy.typing import NDArray

from gpu.geometry.installed import folder_of

Array = NDArray[np.float64]


class Predictor(Protocol):
    """Predicts where photos were taken from."""

    def __call__(self, weights: Path, photos: Sequence[Path]) -> Sequence[Array]:
        """Return each photo's pose, camera to world [4, 4] (x right, y down, z ahead)."""
        ...


def predict(
    name: str, images: Path, names: Sequence[str], predictor: Predictor | None = None
) -> dict[str, pycolmap.Rigid3d]:
    """Return the poses (cam_from_world) of the photos `names` in the folder `images`."""
    home = folder_of(name)
    sys.path[:0] = [str(path) for path in (home / "code", *(home / "code").glob("dust3r"))]
    found = (predictor or PREDICTORS[name])(home / "weights", [images / n for n in names])
    return {name: to_rigid(pose) for name, pose in zip(names, found, strict=True)}


def to_rigid(camera_to_world: Array) -> pycolmap.Rigid3d:
    """Turn a pose, camera to world [4, 4], into COLMAP's cam_from_world.

    Networks give rotations that are nearly ones: the nearest rotation is taken (Schönemann,
    "A generalized solution of the orthogonal Procrustes problem", 1966).
    """
    left, _, right = np.linalg.svd(camera_to_world[:3, :3])
    sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left @ sign @ right).T
    moved = np.concatenate([rotation, -(rotation @ camera_to_world[:3, 3])[:, None]], axis=1)
    return pycolmap.Rigid3d(moved)


def map_anything(weights: Path, photos: Sequence[Path]) -> list[Array]:
    """Ask MapAnything (Keetha et al., 2025): one pass over all photos."""
    torch = import_module("torch")
    views = import_module("mapanything.utils.image").load_images([str(p) for p in photos])
    model = import_module("mapanything.models").MapAnything.from_pretrained(str(weights))
    answers = model.to(_device(torch)).infer(views, memory_efficient_inference=True, use_amp=True)
    return [_numpy(answer["camera_poses"][0]) for answer in answers]


def mast3r(weights: Path, photos: Sequence[Path]) -> list[Array]:
    """Ask MASt3R-SfM (Duisterhof et al., 2024): all pairs, aligned together."""
    device = _device(import_module("torch"))
    files = [str(photo) for photo in photos]
    model = import_module("mast3r.model").AsymmetricMASt3R.from_pretrained(str(weights))
    read = import_module("dust3r.utils.image").load_images(files, size=512)
    pairs = import_module("dust3r.image_pairs").make_pairs(
        read, scene_graph="complete", symmetrize=True
    )
    align = import_module("mast3r.cloud_opt.sparse_ga").sparse_global_alignment
    cache = photos[0].parent.parent / "mast3r"
    scene = align(files, pairs, str(cache), model.to(device), device=device)
    return [_numpy(pose) for pose in scene.get_im_poses()]


PREDICTORS: Mapping[str, Predictor] = {"map-anything-apache": map_anything, "mast3r": mast3r}


def _device(torch: Any) -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _numpy(tensor: Any) -> Array:
    return np.asarray(tensor.detach().float().cpu(), dtype=np.float64)
