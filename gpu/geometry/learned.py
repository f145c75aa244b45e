"""Cameras from learned models: predicted poses, made exact by triangulation and adjustment.

Every method gives poses; `from_poses` (gpu.geometry.posed) turns them into a COLMAP model with the
photos' own features. Where code and weights are: gpu.geometry.installed.

map-anything-apache: code and weights are Apache-2.0 (facebookresearch/map-anything).
mast3r: code and weights are CC BY-NC-SA 4.0 (naver/mast3r), for non-commercial use alone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
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
    _find_code(name)
    weights = folder_of(name) / "weights"
    with redirect_stdout(sys.stderr):  # what networks say is for the log, not for who listens
        found = (predictor or PREDICTORS[name])(weights, [images / n for n in names])
    return {name: to_rigid(pose) for name, pose in zip(names, found, strict=True)}


def _find_code(name: str) -> None:
    code = folder_of(name) / "code"
    sys.path[:0] = [str(path) for path in (code, *code.glob("dust3r"))]


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
    image, models = map(import_module, MODULES["map-anything-apache"])
    views = image.load_images([str(p) for p in photos])
    model = models.MapAnything.from_pretrained(str(weights)).to(_device())
    answers = model.infer(views, memory_efficient_inference=True, use_amp=True)
    return [_numpy(answer["camera_poses"][0]) for answer in answers]


def mast3r(weights: Path, photos: Sequence[Path]) -> list[Array]:
    """Ask MASt3R-SfM (Duisterhof et al., 2024): all pairs, aligned together."""
    models, image, image_pairs, sparse_ga = map(import_module, MODULES["mast3r"])
    device, files = _device(), [str(photo) for photo in photos]
    model = models.AsymmetricMASt3R.from_pretrained(str(weights)).to(device)
    read = image.load_images(files, size=512)
    pairs = image_pairs.make_pairs(read, scene_graph="complete", symmetrize=True)
    cache = photos[0].parent.parent / "mast3r"
    scene = sparse_ga.sparse_global_alignment(files, pairs, str(cache), model, device=device)
    return [_numpy(pose) for pose in scene.get_im_poses()]


#: What each needs of its authors' code, in the order in which it is imported.
MODULES: Mapping[str, tuple[str, ...]] = {
    "map-anything-apache": ("mapanything.utils.image", "mapanything.models"),
    "mast3r": (
        "mast3r.model", "dust3r.utils.image", "dust3r.image_pairs", "mast3r.cloud_opt.sparse_ga",
    ),
}  # fmt: skip
PREDICTORS: Mapping[str, Predictor] = {"map-anything-apache": map_anything, "mast3r": mast3r}


def _device() -> str:
    torch = import_module("torch")
    return "cuda" if torch.cuda.is_available() else "cpu"


def _numpy(tensor: Any) -> Array:
    return np.asarray(tensor.detach().float().cpu(), dtype=np.float64)


def main(arguments: list[str]) -> int:
    """`python -m gpu.geometry.learned NAME`: import what a method needs, or print why not."""
    _find_code(arguments[0])
    try:
        with redirect_stdout(sys.stderr):
            for module in MODULES[arguments[0]]:
                import_module(module)
    except Exception as wrong:  # noqa: BLE001 - others' code, which may be anything
        sys.stdout.write(" ".join(f"{wrong}".split())[:200] or type(wrong).__name__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
