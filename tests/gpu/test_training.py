"""Training: what it reads, what it holds back, and that it makes the scene better."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from gpu.export.ply import read_ply
from gpu.gaussians import Gaussians
from gpu.job import Stage
from gpu.training import schedules
from gpu.training.config import TrainConfig
from gpu.training.dataset import NoModel, load_dataset
from gpu.training.init import gaussians_from_points, neighbour_distances
from gpu.training.losses import photo_loss
from gpu.training.metrics import Score, evaluate
from gpu.training.optimizer import SceneOptimizer
from gpu.training.stage import run_train
from gpu.training.strategy import Strategy
from gpu.training.trainer import train
from tests.gpu.photographed import HEIGHT, WIDTH, Recorder, aerial_views, job, photograph, truth

CONFIG = TrainConfig(120, WIDTH, 800, sh_degree=1, refine_every=30)
CPU = torch.device("cpu")


def shaken() -> Gaussians:
    make = torch.Generator().manual_seed(1)
    points = truth().means[::3]
    points = points + 0.05 * torch.randn(points.shape, generator=make)
    return gaussians_from_points(points, torch.full_like(points, 0.5), 1, 800)


class TestDataset:
    def test_every_eighth_photo_by_name_is_held_out_and_never_trained_on(
        self, tmp_path: Path
    ) -> None:
        ctx = job(tmp_path)
        dataset = load_dataset(ctx.paths.undistorted, WIDTH, holdout=8)
        assert [v.name for v in dataset.held_out] == ["photo_00.jpg", "photo_08.jpg"]
        assert not {v.name for v in dataset.held_out} & {v.name for v in dataset.train}
        assert len(dataset.train) == 10

    def test_cameras_and_points_come_back(self, tmp_path: Path) -> None:
        dataset = load_dataset(job(tmp_path).paths.undistorted, WIDTH, holdout=8)
        wanted = aerial_views()[1]
        assert torch.allclose(dataset.train[0].viewmat, wanted.viewmat, atol=1e-5)
        assert torch.allclose(dataset.train[0].position, wanted.position, atol=1e-4)
        assert torch.allclose(dataset.points[0], truth().means[0], atol=1e-5)

    def test_a_smaller_photo_keeps_its_field_of_view(self, tmp_path: Path) -> None:
        dataset = load_dataset(job(tmp_path).paths.undistorted, WIDTH // 2, holdout=8)
        view = dataset.train[0]
        assert (view.width, view.height) == (WIDTH // 2, HEIGHT // 2)
        assert torch.allclose(view.K[:2], aerial_views()[1].K[:2] / 2)
        assert torch.allclose(view.reduced(2).K[:2], aerial_views()[1].K[:2] / 4)

    def test_photos_are_never_enlarged(self, tmp_path: Path) -> None:
        dataset = load_dataset(job(tmp_path).paths.undistorted, 4 * WIDTH, holdout=8)
        assert dataset.train[0].width == WIDTH

    def test_a_missing_model_is_said_in_words(self, tmp_path: Path) -> None:
        with pytest.raises(NoModel, match="can not be read"):
            load_dataset(tmp_path, WIDTH, holdout=8)

    def test_a_damaged_photo_is_named(self, tmp_path: Path) -> None:
        ctx = job(tmp_path)
        (ctx.paths.undistorted / "images" / "photo_03.jpg").write_bytes(b"\xff\xd8 no photo")
        with pytest.raises(NoModel, match=r"photo_03\.jpg can not be read"):
            load_dataset(ctx.paths.undistorted, WIDTH, holdout=8)


class TestFirstGaussians:
    def test_one_at_every_point_with_its_colour(self) -> None:
        points, colors = torch.rand(50, 3), torch.rand(50, 3)
        first = gaussians_from_points(points, colors, 1, 100)
        assert torch.equal(first.means, points)
        assert torch.allclose(first.rgb, colors, atol=1e-6)
        assert first.sh_degree == 1

    def test_never_more_than_the_cap(self) -> None:
        assert len(gaussians_from_points(torch.rand(50, 3), torch.rand(50, 3), 0, 20)) == 20

    def test_a_lone_point_does_not_cover_the_scene(self) -> None:
        grid = torch.cartesian_prod(*(torch.arange(4.0),) * 3)
        distances = neighbour_distances(torch.cat([grid, torch.tensor([[1000.0, 0, 0]])]))
        assert distances[:-1].allclose(torch.ones(64))
        assert float(distances[-1]) == pytest.approx(10)


class TestStrategy:
    def observed(self, scene: Gaussians, pulled: int) -> Strategy:
        """A strategy that saw the loss pull at one Gaussian only."""
        means2d = torch.zeros(1, len(scene), 2)
        gradient = torch.zeros_like(means2d)
        gradient[0, pulled] = 1.0
        means2d.absgrad = gradient  # type: ignore[attr-defined]
        radii = torch.ones(1, len(scene), 2, dtype=torch.int32)
        strategy = Strategy()
        strategy.observe({"means2d": means2d, "radii": radii, "width": 10, "height": 10})
        return strategy

    def test_splits_what_the_loss_pulls_at_along_its_longest_axis(self) -> None:
        scene = shaken()
        log_scales = scene.log_scales.clone()
        log_scales[5, 1] += 1.0
        scene = replace(scene, log_scales=log_scales)
        refined = self.observed(scene, 5).refine(scene, len(scene) + 1)
        assert refined.parents[-1] == 5
        assert refined.fresh.nonzero()[:, 0].tolist() == [5, len(scene)]
        one, two = refined.gaussians.means[5], refined.gaussians.means[-1]
        assert torch.allclose((one + two) / 2, scene.means[5], atol=1e-6)
        apart = (one - two).abs()
        assert apart[1] > 0 and apart[0] == apart[2] == 0
        assert refined.gaussians.log_scales[5, 1] < log_scales[5, 1]

    def test_drops_the_faint_and_never_exceeds_the_target(self) -> None:
        scene = shaken()
        faint = scene.logit_opacities.clone()
        faint[:10] = -9.0
        refined = self.observed(scene, 20).refine(replace(scene, logit_opacities=faint), 200)
        assert len(refined.gaussians) == len(scene) - 10
        assert int(refined.parents.min()) == 10

    def test_moments_follow_their_gaussians(self) -> None:
        scene = shaken()
        optimizer = SceneOptimizer(scene, CONFIG.rates)
        loss = (optimizer.gaussians.means * torch.arange(len(scene))[:, None]).sum()
        loss.backward()
        optimizer.step(1e-3)
        parents = torch.tensor([7, 3, 3])
        fresh = torch.tensor([False, False, True])
        optimizer.replace(optimizer.gaussians.select(parents), parents, fresh)
        moments = optimizer._adam.state[optimizer.gaussians.means]["exp_avg"][:, 0]
        assert moments.tolist() == pytest.approx([0.7, 0.3, 0.0])


class TestSchedules:
    def test_half_resolution_comes_first(self) -> None:
        assert [schedules.reduction(CONFIG, d) for d in (0.0, 0.39, 0.41, 1.0)] == [2, 2, 1, 1]

    def test_the_number_grows_to_the_cap_and_stays(self) -> None:
        counts = [schedules.target_count(CONFIG, d / 10, 100) for d in range(11)]
        assert counts == sorted(counts)
        assert counts[0] == 100 and counts[7:] == [CONFIG.max_gaussians] * 4

    def test_the_position_rate_decays_to_its_last_value(self) -> None:
        first, last = (schedules.position_rate(CONFIG, d, 2.0) for d in (0.0, 1.0))
        assert first == pytest.approx(2 * CONFIG.rates.means)
        assert last == pytest.approx(2 * CONFIG.rates.means_final)


def test_pixels_that_are_not_known_teach_nothing() -> None:
    view = photograph(truth(), aerial_views()[0])
    mask = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    mask[:, : WIDTH // 2] = True
    image = torch.rand(HEIGHT, WIDTH, 3, requires_grad=True)
    photo_loss(image, replace(view, mask=mask), 0.2).backward()
    assert image.grad is not None
    assert image.grad[:, WIDTH // 2 :].abs().amax() == 0
    assert image.grad[:, : WIDTH // 2].abs().amax() > 0


def test_training_improves_photos_that_it_never_saw() -> None:
    views = [photograph(truth(), view) for view in aerial_views()]
    held_out, seen = views[::8], [v for i, v in enumerate(views) if i % 8]
    start = shaken()
    before = Score.of(evaluate(start, held_out))
    trained = train(start, seen, CONFIG, CPU)
    after = Score.of(evaluate(trained, held_out))
    assert before.psnr is not None and after.psnr is not None
    assert after.psnr > before.psnr + 3
    assert len(start) < len(trained) <= CONFIG.max_gaussians


def test_the_same_seed_gives_the_same_scene() -> None:
    views = [photograph(truth(), view) for view in aerial_views(4)]
    once, again = (train(shaken(), views, replace(CONFIG, iterations=40), CPU) for _ in range(2))
    assert all(torch.equal(a, again.tensors()[name]) for name, a in once.tensors().items())


def test_the_stage_leaves_gaussians_a_picture_and_figures(tmp_path: Path) -> None:
    ctx = job(tmp_path, iterations=60)
    outcome = run_train(ctx)
    trained = read_ply(ctx.paths.gaussians(Stage.TRAIN))
    assert outcome.metrics["gaussians"] == len(trained)
    assert outcome.metrics["held_out"] == 2
    measured = evaluate(trained, load_dataset(ctx.paths.undistorted, WIDTH, 8).held_out)
    for photo in measured:
        assert outcome.metrics[f"psnr/{photo.name}"] == pytest.approx(photo.psnr, abs=0.01)
    assert f"{outcome.metrics['psnr']:.1f} dB" in outcome.message
    assert Image.open(tmp_path / outcome.pictures[0]).size == (2 * WIDTH + 4, HEIGHT)
    recorder = ctx.progress
    assert isinstance(recorder, Recorder)
    assert recorder.fractions == sorted(recorder.fractions) and recorder.fractions[-1] == 1
    assert len(recorder.pictures) == 3
    assert all((tmp_path / name).is_file() for name in recorder.pictures)
