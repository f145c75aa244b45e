"""A small synthetic scene, photographed from known cameras and written as a COLMAP model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import torch
from PIL import Image
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.geometry.record import Geometry
from gpu.ingest.photos import Photo, Photos
from gpu.job import JobPaths, JobSpec, Pipeline, Source
from gpu.job.events import Metric
from gpu.stage import Context
from gpu.training.dataset import View
from gpu.training.init import gaussians_from_points
from gpu.training.render import render_view

WIDTH, HEIGHT, FOCAL = 96, 72, 90.0
CAMERA_HEIGHT = 8.0


def truth(seed: int = 0) -> Gaussians:
    """Return a bumpy, many-coloured piece of ground, Z up, ten units wide."""
    make = torch.Generator().manual_seed(seed)
    points = torch.rand(900, 3, generator=make) * torch.tensor([10.0, 10.0, 0.6])
    points -= torch.tensor([5.0, 5.0, 0.0])
    scene = gaussians_from_points(points, torch.rand(900, 3, generator=make), 0, 900)
    return replace(scene, logit_opacities=torch.full((900,), 3.0))


def aerial_views(count: int = 12) -> list[View]:
    """Return empty views from a drone's grid, nearly straight down."""
    views = []
    for i in range(count):
        x, y = 2.0 * (i % 4) - 3.0, 2.0 * (i // 4) - 2.0
        views.append(looking_down(f"photo_{i:02}.jpg", x, y, CAMERA_HEIGHT, tilt=0.05 * (i % 3)))
    return views


def looking_down(name: str, x: float, y: float, z: float, tilt: float) -> View:
    cos, sin = float(np.cos(tilt)), float(np.sin(tilt))
    rotation = torch.tensor([[1.0, 0, 0], [0, -cos, -sin], [0, sin, -cos]])
    viewmat = torch.eye(4)
    viewmat[:3, :3], viewmat[:3, 3] = rotation, -rotation @ torch.tensor([x, y, z])
    K = torch.tensor([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]])
    return View(name, torch.zeros(HEIGHT, WIDTH, 3, dtype=torch.uint8), viewmat, K)


def photograph(scene: Gaussians, view: View) -> View:
    image = render_view(scene, view).renders[0].clamp(0, 1)
    return replace(view, image=(image * 255).round().byte())


def write_model(folder: Path, views: list[View], points: Tensor) -> None:
    """Write `folder`/images and `folder`/sparse as the geometry stage does."""
    (folder / "images").mkdir(parents=True)
    (folder / "sparse").mkdir()
    model = pycolmap.Reconstruction()
    params = [FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2]
    camera = pycolmap.Camera(
        model="PINHOLE", width=WIDTH, height=HEIGHT, params=params, camera_id=1
    )
    model.add_camera_with_trivial_rig(camera)
    for i, view in enumerate(views, start=1):
        Image.fromarray(view.image.numpy()).save(folder / "images" / view.name, quality=95)
        pose = pycolmap.Rigid3d(view.viewmat[:3].double().numpy())
        image = pycolmap.Image(name=view.name, camera_id=1, image_id=i)
        model.add_image_with_trivial_frame(image, pose)
    for point in points:
        grey = np.array([128, 128, 128], np.uint8)
        model.add_point3D(point.double().numpy(), pycolmap.Track(), grey)
    model.write(folder / "sparse")


class Recorder:
    """Keeps what a stage reports."""

    def __init__(self) -> None:
        self.fractions: list[float] = []
        self.messages: list[str] = []
        self.pictures: list[str] = []

    def __call__(
        self,
        fraction: float,
        message: str,
        *,
        metrics: dict[str, Metric] | None = None,
        pictures: tuple[str, ...] = (),
    ) -> None:
        self.fractions.append(fraction)
        self.messages.append(message)
        self.pictures.extend(pictures)


def recorded(ctx: Context) -> None:
    """Leave what `preprocess` and `geometry` tell of a job's photos."""
    names = sorted(file.name for file in (ctx.paths.undistorted / "images").iterdir())
    Photos(tuple(Photo(n, n, WIDTH, HEIGHT, "c") for n in names), {}).save(ctx.paths)
    ctx.paths.geometry.mkdir()
    Geometry(
        registered=tuple(names), left_out=(), images=tuple(names), points=900,
        reprojection_error=0.3, track_length=4.0, rung=1, metric=True, gps_rmse=None,
        gps_agreeing=0, origin=None, ground_z=0.0, camera_height=CAMERA_HEIGHT,
        scene_distance=CAMERA_HEIGHT,
    ).save(ctx.paths)  # fmt: skip


def job(folder: Path, **options: int | str) -> Context:
    """Return the context of a job whose geometry is done."""
    spec = JobSpec("j", "synthetic", Source(path="."), pipeline=Pipeline.AERIAL, **options)  # type: ignore[arg-type]
    paths = JobPaths(folder)
    scene = truth()
    views = [photograph(scene, view) for view in aerial_views()]
    write_model(paths.undistorted, views, scene.means[::3])
    return Context(spec, paths, Recorder())  # type: ignore[arg-type]
