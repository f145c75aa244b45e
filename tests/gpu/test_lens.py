"""Lenses that bend: what straightening loses, and how photos train that are not straightened."""

import math
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pycolmap
import pytest
import torch
from PIL import Image

from gpu.ingest.poses import FAINTLY
from gpu.rendering import unscented
from gpu.rendering.rasterize import Rendering, rasterize
from gpu.training import render, stage
from gpu.training.album import Album, Batch
from gpu.training.checkpoint import scene_digest
from gpu.training.config import TrainConfig
from gpu.training.dataset import View, border_lost, load_bent, load_dataset
from gpu.training.lens import Lens, lens_of, lost
from gpu.training.metrics import Score, evaluate
from gpu.training.step import Step
from gpu.training.strategy import Strategy
from gpu.training.trainer import step_for, train
from tests.gpu.photographed import (
    FOCAL,
    HEIGHT,
    WIDTH,
    Recorder,
    aerial_views,
    job,
    photograph,
    truth,
)

CPU, GPU = torch.device("cpu"), torch.device("cuda")
FISHEYE = Lens("fisheye", (0.02, -0.01, 0.003, 0.001))


def camera(model: str, params: list[float]) -> pycolmap.Camera:
    return pycolmap.Camera(model=model, width=800, height=600, params=params, camera_id=1)


def wide(focal: float) -> pycolmap.Camera:
    return camera("OPENCV_FISHEYE", [focal, focal, 400, 300, 0, 0, 0, 0])


def by_opencv(lens: Lens, x: float, y: float) -> tuple[float, float]:
    """OpenCV's formulas, as gsplat has them: docs.opencv.org, "Camera Calibration"."""
    r = math.hypot(x, y)
    if lens.kind == "fisheye":
        t = math.atan(r)
        bent = t * (1 + sum(k * t ** (2 * i + 2) for i, k in enumerate(lens.radial)))
        return x * bent / r, y * bent / r
    k1, k2, k3, k4, k5, k6 = lens.radial
    p1, p2 = lens.tangential
    along = (1 + k1 * r**2 + k2 * r**4 + k3 * r**6) / (1 + k4 * r**2 + k5 * r**4 + k6 * r**6)
    return (
        x * along + 2 * p1 * x * y + p2 * (r**2 + 2 * x**2),
        y * along + p1 * (r**2 + 2 * y**2) + 2 * p2 * x * y,
    )


@pytest.mark.parametrize(
    ("model", "params"),
    [
        ("SIMPLE_PINHOLE", [500, 400, 300]),
        ("PINHOLE", [500, 500, 400, 300]),
        ("SIMPLE_RADIAL", [500, 400, 300, -0.1]),
        ("RADIAL", [500, 400, 300, -0.1, 0.02]),
        ("OPENCV", [500, 500, 400, 300, -0.1, 0.02, 0.001, -0.002]),
        ("FULL_OPENCV", [500, 500, 400, 300, -0.1, 0.02, 0.001, -0.002, 0.01, 0.02, 0.003, 0.004]),
        ("SIMPLE_RADIAL_FISHEYE", [500, 400, 300, 0.02]),
        ("RADIAL_FISHEYE", [500, 400, 300, 0.02, -0.01]),
        ("OPENCV_FISHEYE", [500, 500, 400, 300, 0.02, -0.01, 0.003, 0.001]),
    ],
)
def test_a_lens_bends_as_colmaps_camera_does(model: str, params: list[float]) -> None:
    there = camera(model, params)
    lens = lens_of(there)
    assert lens is not None
    for x, y in ((0.3, 0.2), (-0.5, 0.4), (0.1, -0.6)):
        u, v = there.img_from_cam(np.array([[x, y, 1.0]]))[0]
        assert by_opencv(lens, x, y) == pytest.approx(((u - 400) / 500, (v - 300) / 500), abs=1e-6)


def test_a_model_that_gsplat_does_not_know_has_no_lens() -> None:
    assert lens_of(camera("FOV", [500, 500, 400, 300, 0.9])) is None


def test_what_straightening_loses_is_the_border_of_a_wide_lens() -> None:
    assert lost([camera("PINHOLE", [500, 500, 400, 300])]) == 0
    assert lost([camera("SIMPLE_RADIAL", [800, 400, 300, -0.1])]) < 0.05
    shares = [lost([wide(focal)]) for focal in (600, 417, 330)]
    assert shares == sorted(shares) and shares[0] > 0.05 and shares[-1] > 0.15
    assert lost([wide(330), camera("PINHOLE", [500, 500, 400, 300])]) == shares[-1] / 2


def test_colmap_straightens_a_fisheye_that_bends_faintly(tmp_path: Path) -> None:
    """One without any distortion it takes for a pinhole, and leaves as it is."""
    sizes = []
    for bend in (0.0, FAINTLY):
        folder = tmp_path / str(bend)
        (folder / "sparse").mkdir(parents=True)
        model = pycolmap.Reconstruction()
        params = [330.0, 330.0, 400.0, 300.0, bend, 0, 0, 0]
        model.add_camera_with_trivial_rig(camera("OPENCV_FISHEYE", params))
        image = pycolmap.Image(name="a.jpg", camera_id=1, image_id=1)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(np.eye(4)[:3]))
        model.write(folder / "sparse")
        Image.new("RGB", (800, 600)).save(folder / "a.jpg")
        pycolmap.undistort_images(folder / "out", folder / "sparse", folder)
        sizes.append(Image.open(folder / "out" / "images" / "a.jpg").size)
    assert sizes[0] == (800, 600) and sizes[1][0] > 1_000


def bent(view: View) -> View:
    return replace(view, lens=FISHEYE)


def test_photos_with_other_lenses_are_never_one_batch() -> None:
    views = [photograph(truth(), view) for view in aerial_views(4)]
    album = Album([bent(views[0]), views[1], bent(views[2]), views[3]], [1, 2], CPU)
    order = album.order(2, seed=0)
    assert {tuple(sorted(next(order))) for _ in range(4)} == {(0, 2), (1, 3)}
    for factor in (1, 2):
        batch = album.batch((2, 0), factor)
        assert batch.lens == "fisheye" and batch.bends is not None
        assert torch.equal(batch.bends, FISHEYE.bends.repeat(2, 1))
        assert batch.some(slice(0, 1)).bends is not None
    assert album.batch((1,), 1).bends is None


class Gsplat:
    """Stands for gsplat's kernels: it sees with pinholes, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def rasterization(self, *tensors: Any, **options: Any) -> Rendering:
        self.asked.append(options)
        means, quats, scales, opacities, colors, viewmats, Ks, width, height = tensors
        backgrounds = options["backgrounds"]
        return rasterize(means, quats, scales, opacities, colors, viewmats, Ks, width, height,
                         backgrounds=backgrounds, rasterize_mode="antialiased")  # fmt: skip


@pytest.fixture
def gsplat(monkeypatch: pytest.MonkeyPatch) -> Gsplat:
    """A GPU's way on a CPU: everything of it but the kernels."""
    fake = Gsplat()
    monkeypatch.setitem(sys.modules, "gsplat", SimpleNamespace(rasterization=fake.rasterization))

    monkeypatch.setattr(unscented, "_check_gpu", lambda means: None)
    return fake


def test_gsplat_is_asked_for_the_unscented_transform_with_the_lens(gsplat: Gsplat) -> None:
    views = [photograph(truth(), view) for view in aerial_views(2)]
    curved = Lens("pinhole", (-0.1, 0.02, 0, 0, 0, 0), (0.001, -0.002))
    for lens in (FISHEYE, curved):
        render.render_view(truth(), replace(views[0], lens=lens))
    fisheye, pinhole = gsplat.asked
    for options in (fisheye, pinhole):
        assert options["with_ut"] and options["with_eval3d"] and options["packed"] is False
    assert (fisheye["camera_model"], pinhole["camera_model"]) == ("fisheye", "pinhole")
    assert fisheye["radial_coeffs"].tolist() == [pytest.approx(FISHEYE.radial)]
    assert fisheye["tangential_coeffs"] is None
    assert pinhole["radial_coeffs"].tolist() == [pytest.approx(curved.radial)]
    assert pinhole["tangential_coeffs"].tolist() == [pytest.approx(curved.tangential)]


def test_a_cpu_refuses_a_lens_that_bends() -> None:
    with pytest.raises(ValueError, match="GPU alone"):
        render.render_view(truth(), bent(aerial_views(1)[0]))


def test_photos_behind_a_lens_train_and_more_gaussians_come_where_they_pull(
    gsplat: Gsplat,
) -> None:
    views = [bent(photograph(truth(), view)) for view in aerial_views(8)]
    start = replace(truth().select(torch.arange(0, 900, 3)), sh0=torch.zeros(300, 1, 3))
    config = TrainConfig(16, 500, sh_degree=0, refine_every=5, views_per_step=2)
    before = Score.of(evaluate(start, views[:1])).psnr
    trained = train(start, views[1:], config, CPU)
    after = Score.of(evaluate(trained, views[:1])).psnr
    assert before is not None and after is not None and after > before + 1
    assert len(trained) > len(start)


def test_the_pull_behind_a_lens_is_about_what_it_is_without(gsplat: Gsplat) -> None:
    """By pixels, and largest at the same Gaussians: places in the world stand for the image's."""
    view = photograph(truth(), aerial_views(1)[0])
    scores = []
    for each in (view, bent(view)):
        scene = replace(truth(), sh0=truth().sh0 * 0.7).map(lambda t: t.clone().requires_grad_())
        batch = Batch.of([each])
        shown = render.render_batch(scene, scene.opacities, batch, sh_degree=0, absgrad=True)
        ((shown.renders - batch.pixels) ** 2).mean().backward()
        strategy = Strategy()
        pulls = (
            shown.meta["means2d"].absgrad
            if each.lens is None
            else render.pull_through_lens(scene, batch, shown.meta["depths"])
        )
        strategy.observe(pulls, shown.meta["radii"], WIDTH)
        scores.append(strategy.state()["pull"])
    plain, behind = scores
    assert 0.1 < float(behind.sum() / plain.sum()) < 10
    most = [set(score.topk(90).indices.tolist()) for score in scores]
    assert len(most[0] & most[1]) > 30  # of 90; by chance it would be 9


def test_a_lens_needs_steps_that_are_not_recorded_and_is_part_of_the_scene() -> None:
    views = aerial_views(2)
    assert step_for(views) is None
    assert step_for([views[0], bent(views[1])]) is Step
    assert scene_digest(views, 0, 0) != scene_digest([*map(bent, views)], 0, 0)


def asked(ctx: Any) -> Any:
    """The same job, which asks for the photos as they are."""
    return replace(ctx, spec=replace(ctx.spec, lens="bent"))


class TestStage:
    @pytest.fixture
    def ctx(self, tmp_path: Path) -> Any:
        """A job whose photos were taken through a wide lens."""
        ctx = job(tmp_path)
        model = pycolmap.Reconstruction(ctx.paths.undistorted / "sparse")
        model.cameras[1].model = pycolmap.CameraModelId.OPENCV_FISHEYE
        model.cameras[1].params = [FOCAL * 0.42, FOCAL * 0.42, WIDTH / 2, HEIGHT / 2, 0, 0, 0, 0]
        ctx.paths.geometry.mkdir()
        model.write(ctx.paths.geometry)
        ctx.paths.images.symlink_to(ctx.paths.undistorted / "images")
        return ctx

    def test_a_gpu_trains_on_the_photos_as_they_are_where_that_is_asked_for(self, ctx: Any) -> None:
        assert stage.stays_bent(asked(ctx), GPU)
        assert isinstance(ctx.progress, Recorder)
        share = border_lost(ctx.paths.geometry)
        assert share > 0.15
        assert f"would lose {share:.0%} of their pixels" in ctx.progress.messages[-1]
        dataset, straight = load_bent(ctx.paths, 48, 8), load_dataset(ctx.paths.undistorted, 48, 8)
        assert {view.lens for view in dataset.train} == {Lens("fisheye", (0.0, 0.0, 0.0, 0.0))}
        assert {view.lens for view in straight.train} == {None}
        assert [v.name for v in dataset.held_out] == [v.name for v in straight.held_out]
        assert dataset.train[0].K[0, 0] == pytest.approx(FOCAL * 0.42 / 2)

    def test_else_it_says_what_is_lost(self, ctx: Any) -> None:
        assert not stage.stays_bent(ctx, GPU)
        assert "With --lens bent a GPU trains on them as they are" in ctx.progress.messages[-1]

    def test_a_cpu_straightens_them_in_any_case(self, ctx: Any) -> None:
        assert not stage.stays_bent(asked(ctx), CPU)
        assert "costs" in ctx.progress.messages[-1]
        assert stage.prepared(ctx).dataset.train[0].lens is None

    def test_of_a_usual_lens_nothing_is_said(self, tmp_path: Path) -> None:
        ctx = job(tmp_path)
        ctx.paths.geometry.symlink_to(ctx.paths.undistorted / "sparse")
        assert not stage.stays_bent(asked(ctx), GPU)
        assert isinstance(ctx.progress, Recorder) and not ctx.progress.messages
