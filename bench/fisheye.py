"""Photos through a fisheye lens, straightened and as they are: likeness of all of their pixels.

`python -m bench fisheye` on a machine with an NVIDIA GPU; PHOTOS= and SIZE= (the longer side) for
others than the usual. The photos are of the demo's parcel, whose rays are traced into five
pinholes a photo and brought together by the lens's formula, with the true cameras. One scene trains
on what COLMAP's straightening leaves, one on the photos themselves (gsplat's 3DGUT). Both are then
shown through the lens, and through the straightened held-out photos' pinholes.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pycolmap
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import grid_sample

from bench.train import CUDA, HOLDOUT
from gpu.geometry.worker import _undistort
from gpu.ingest.poses import FAINTLY
from gpu.job import JobPaths, JobSpec, Source
from gpu.parcel.camera import Shot, flight
from gpu.parcel.ground import height
from gpu.parcel.render import FILM_STEPS, World, _film, bake, paint
from gpu.training.config import TrainConfig
from gpu.training.dataset import Dataset, border_lost, load_bent, load_dataset
from gpu.training.init import gaussians_from_points
from gpu.training.metrics import Score, evaluate
from gpu.training.twins import grow

PHOTOS, SIZE, SEED, POINTS = 32, 560, 7, 8_000
CORNER = 1.45  #: radians from the middle of a photo to its corner
VIGNETTE = 0.12  #: of the parcel's pinholes (gpu.parcel.render): it is taken out again
#: The right, down and forward axes of each pinhole, in the camera's frame.
FACES = np.array([
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
    [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
    [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
], np.float64)  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """What came of one way: seconds, and the likeness of all pixels and of those left over."""

    seconds: float
    steps: int
    whole: Score
    straight: Score

    def __str__(self) -> str:
        scores = " | ".join(f"{s.psnr:.2f} dB | {s.ssim:.4f}" for s in (self.whole, self.straight))
        return f"{scores} | {self.seconds:.1f} | {self.steps / self.seconds:.0f}"


def camera(size: int) -> pycolmap.Camera:
    """Return an equidistant fisheye's camera, 4 : 3, `size` pixels wide."""
    rows = size * 3 // 4
    focal = np.hypot(size, rows) / 2 / CORNER
    params = [focal, focal, size / 2, rows / 2, FAINTLY, 0, 0, 0]
    model = "OPENCV_FISHEYE"
    return pycolmap.Camera(model=model, width=size, height=rows, params=params, camera_id=1)


def photograph(world: World, shot: Shot, lens: pycolmap.Camera) -> NDArray[np.uint8]:
    """Return one photo through the lens, [H, W, 3] sRGB."""
    ys, xs = np.mgrid[0 : lens.height, 0 : lens.width] + 0.5
    flat = np.asarray(lens.cam_from_img(np.stack([xs.ravel(), ys.ravel()], 1)))
    rays = np.column_stack([flat, np.ones(len(flat))])
    light = torch.zeros(len(rays), 3)
    for axes in FACES:
        there = rays @ axes.T
        place = there[:, :2] / np.maximum(there[:, 2:], 1e-9)
        mine = torch.from_numpy((there[:, 2] > 0) & (np.abs(place) <= 1).all(axis=1))
        grid = torch.from_numpy(place).float()[None, None]
        side = round(2 * lens.focal_length_x)  # as fine as the photo in its middle
        seen = grid_sample(_face(world, shot, axes, side), grid, align_corners=False,
                           padding_mode="border")[0, :, 0].T  # fmt: skip
        light = torch.where(mine[:, None], seen, light)
    steps = (light * FILM_STEPS).long().clamp(0, len(_film()) - 1).numpy()
    photo: NDArray[np.uint8] = _film()[steps].reshape(lens.height, lens.width, 3)
    return photo


def _face(world: World, shot: Shot, axes: NDArray[np.float64], side: int) -> Tensor:
    """Return the radiance that a pinhole of 90 degrees sees, [1, 3, side, side]."""
    picture = np.zeros((side, side, 3), np.uint8)
    o = (float(shot.centre[0]), float(shot.centre[1]), float(shot.centre[2]))
    parts = (world.solids, world.shadows, world.heights, world.fine, world.coarse)
    paint(*parts, axes @ shot.rotation, o, side / 2, 1.0, world.salt, _film(), picture)
    radiance = np.searchsorted(_film(), picture) / FILM_STEPS
    across = (np.arange(side) + 0.5) / (side / 2) - 1
    dimmed = 1 - VIGNETTE * (across[:, None] ** 2 + across[None] ** 2)
    return torch.from_numpy(radiance / dimmed[..., None]).float().permute(2, 0, 1)[None]


def make(paths: JobPaths, photos: int, size: int) -> None:
    """Write the photos, their model, and what straightening leaves of them."""
    lens, shots = camera(size), flight(photos, SEED)
    world = bake(SEED, 25.0 / lens.focal_length_x)
    model = pycolmap.Reconstruction()
    model.add_camera_with_trivial_rig(lens)
    paths.images.mkdir(parents=True)
    for i, shot in enumerate(shots, start=1):
        name = f"photo_{i:03}.jpg"
        Image.fromarray(photograph(world, shot, lens)).save(paths.images / name, quality=97)
        pose = pycolmap.Rigid3d(shot.world_to_camera[:3])
        image = pycolmap.Image(name=name, camera_id=1, image_id=i)
        model.add_image_with_trivial_frame(image, pose)
    random = np.random.default_rng(SEED)
    for x, y in random.uniform((-40, -40), (40, 40), (POINTS, 2)):
        place = np.array([x, y, height(x, y)])
        model.add_point3D(place, pycolmap.Track(), np.array([128, 128, 128], np.uint8))
    paths.geometry.mkdir()
    model.write(paths.geometry)
    _undistort(paths, None)


def trained(dataset: Dataset, bent: Dataset, straight: Dataset) -> Trained:
    """Train on one of the two and measure on both."""
    spec = JobSpec("fisheye", "parcel", Source(path="."))
    config = TrainConfig.of(spec, CUDA, len(dataset.train), len(dataset.points))
    points, colors = dataset.points.to(CUDA), dataset.colors.to(CUDA)
    begun = time.perf_counter()
    start = gaussians_from_points(points, colors, config.sh_degree, config.max_gaussians)
    scene = grow(start, dataset.train, config, CUDA)
    torch.cuda.synchronize()
    seconds = time.perf_counter() - begun
    scores = (Score.of(evaluate(scene, each.held_out)) for each in (bent, straight))
    return Trained(seconds, config.iterations, *scores)


def main() -> None:
    if not torch.cuda.is_available():
        print("This benchmark needs an NVIDIA GPU.")
        return
    photos, size = (int(os.environ.get(k, v)) for k, v in (("PHOTOS", PHOTOS), ("SIZE", SIZE)))
    with TemporaryDirectory() as folder:
        paths = JobPaths(Path(folder))
        make(paths, photos, size)
        bent, straight = (
            load_bent(paths, size, HOLDOUT),
            load_dataset(paths.undistorted, 4 * size, HOLDOUT),
        )
        share = border_lost(paths.geometry)
        print(f"{torch.cuda.get_device_name()}, {photos} photos; straightening loses {share:.1%}\n")
        print("| trained on | all pixels | SSIM | straightened | SSIM | seconds | steps/s |")
        print("|---|---|---|---|---|---|---|")
        for label, dataset in (("straightened photos", straight), ("the photos", bent)):
            print(f"| {label} | {trained(dataset, bent, straight)} |", flush=True)


if __name__ == "__main__":
    main()
