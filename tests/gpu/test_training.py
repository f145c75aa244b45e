"""Training: what it starts from, what it minimises, and that it makes the scene better."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from bot.core import efforts
from gpu.export.ply import read_ply, write_ply
from gpu.gaussians import SH_C0, Gaussians
from gpu.job import JobSpec, Pipeline, Source, Stage
from gpu.job.choices import PRESETS
from gpu.stage import Context
from gpu.training import schedules
from gpu.training import stage as train_stage
from gpu.training.album import Batch
from gpu.training.config import Rates, TrainConfig, image_size
from gpu.training.dataset import load_dataset
from gpu.training.init import gaussians_from_points, neighbour_distances
from gpu.training.launch import GpusFull
from gpu.training.losses import photo_loss, regularise, thinned
from gpu.training.metrics import Score, evaluate
from gpu.training.optimizer import SceneOptimizer
from gpu.training.ssim import ssim
from gpu.training.stage import run_train
from gpu.training.strategy import Strategy
from gpu.training.together import Plan
from gpu.training.trainer import train
from tests.gpu.photographed import HEIGHT, WIDTH, Recorder, aerial_views, job, photograph, truth

CONFIG = TrainConfig(120, 800, sh_degree=1, refine_every=30)
CPU = torch.device("cpu")


def shaken() -> Gaussians:
    make = torch.Generator().manual_seed(1)
    points = truth().means[::3]
    points = points + 0.05 * torch.randn(points.shape, generator=make)
    return gaussians_from_points(points, torch.full_like(points, 0.5), 1, 800)


class TestFirstGaussians:
    def test_one_at_every_point_with_its_colour(self) -> None:
        points, colors = torch.rand(50, 3), torch.rand(50, 3).clamp_min(0.01)
        first = gaussians_from_points(points, colors, 1, 100)
        assert torch.equal(first.means, points)
        assert torch.allclose(first.rgb, colors, atol=1e-6)
        assert first.sh_degree == 1

    def test_a_black_point_is_not_cut_off_for_good(self) -> None:
        first = gaussians_from_points(torch.rand(50, 3), torch.zeros(50, 3), 1, 100)
        assert first.rgb.min() > 0 and first.rgb.max() < 1 / 255

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
        gradient = torch.zeros(1, len(scene), 2)
        gradient[0, pulled] = 1.0
        radii = torch.ones(1, len(scene), 2, dtype=torch.int32)
        strategy = Strategy()
        strategy.observe(gradient, radii, width=10)
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
        optimizer.set_rates(1e-3, 1.0)
        optimizer.step()
        parents = torch.tensor([7, 3, 3])
        fresh = torch.tensor([False, False, True])
        optimizer.replace(optimizer.gaussians.select(parents), parents, fresh)
        moments = optimizer._adam.state[optimizer.gaussians.means]["exp_avg"][:, 0]
        assert moments.tolist() == pytest.approx([0.7, 0.3, 0.0])

    def test_a_step_with_a_gradient_that_is_no_number_is_left_out(self) -> None:
        optimizer = SceneOptimizer(shaken(), CONFIG.rates)
        optimizer.set_rates(1e-3, 1.0)
        before = optimizer.gaussians.detach()
        for value in (torch.nan, torch.inf):
            (optimizer.gaussians.means.sum() + value * optimizer.gaussians.sh0[3].sum()).backward()
            optimizer.step()
        assert all(
            torch.equal(a, before.tensors()[k]) for k, a in optimizer.gaussians.tensors().items()
        )
        optimizer.gaussians.means.sum().backward()
        optimizer.step()
        moved = before.means - optimizer.gaussians.means
        assert torch.allclose(moved, torch.full_like(moved, 1e-3), rtol=1e-3)


class TestLosses:
    def test_regularisation_is_the_gradient_of_mean_opacity_and_mean_scale(self) -> None:
        config = replace(CONFIG, opacity_weight=0.01, scale_weight=0.02)
        scene = shaken().map(lambda tensor: tensor.requires_grad_())
        wanted = 0.01 * scene.opacities.mean() + 0.02 * scene.scales.mean() / 3.0
        leaves = scene.logit_opacities, scene.log_scales
        by_opacity, by_scale = torch.autograd.grad(wanted, leaves)
        for leaf in leaves:
            leaf.grad = torch.zeros_like(leaf)
        regularise(scene, config, extent=3.0)
        assert scene.logit_opacities.grad is not None and scene.log_scales.grad is not None
        assert torch.allclose(scene.logit_opacities.grad, by_opacity, rtol=1e-4)
        assert torch.allclose(scene.log_scales.grad, by_scale, rtol=1e-4)

    def test_a_process_without_gaussians_has_nothing_to_regularise(self) -> None:
        scene = shaken().select(torch.zeros(0, dtype=torch.long))
        for leaf in (scene.logit_opacities, scene.log_scales):
            leaf.grad = torch.zeros_like(leaf)
        regularise(scene, CONFIG, extent=3.0)

    def test_what_is_left_of_the_opacities_makes_up_for_what_is_gone(self) -> None:
        opacities = torch.full((20_000,), 0.5)
        left = thinned(
            opacities, 0.25, torch.rand(len(opacities), generator=torch.Generator().manual_seed(0))
        )
        assert sorted(set(left.tolist())) == pytest.approx([0.0, 0.5 / 0.75])
        assert float(left.mean()) == pytest.approx(0.5, abs=0.01)
        assert thinned(opacities, 0.25, torch.empty(0)) is opacities

    def test_the_likeness_of_a_batch_is_the_mean_of_its_photos(self) -> None:
        make = torch.Generator().manual_seed(0)
        a, b = torch.rand(2, 3, 20, 30, 3, generator=make)
        single = [float(ssim(x, y)) for x, y in zip(a, b, strict=True)]
        assert float(ssim(a, b)) == pytest.approx(sum(single) / 3, abs=1e-6)


class TestConfig:
    SPEC = JobSpec("j", "d", Source(path="."))
    CUDA = torch.device("cuda")

    def test_fewer_photos_mean_fewer_steps_and_more_dropout_and_regularisation(self) -> None:
        few, many = (TrainConfig.of(self.SPEC, self.CUDA, n, 5_000).single for n in (15, 120))
        assert few.iterations < many.iterations
        assert 0.3 >= few.dropout > 10 * many.dropout
        assert few.opacity_weight > many.opacity_weight and few.scale_weight > many.scale_weight

    def test_long_training_on_few_photos_leaves_out_more_of_one_scene(self) -> None:
        best = replace(self.SPEC, preset="best")
        configs = [
            [TrainConfig.of(spec, self.CUDA, photos, 5_000) for spec in (self.SPEC, best)]
            for photos in (9, 29, 30)
        ]
        left_out = [[config.single.dropout for config in pair] for pair in configs]
        assert [long / short for short, long in left_out] == pytest.approx([2, 2, 1])
        assert max(map(max, left_out)) <= 0.3
        for short, long in configs:
            assert long.alone is not None
            assert long.dropout == short.single.dropout

    def test_the_cap_follows_the_sparse_points_within_bounds(self) -> None:
        caps = [
            TrainConfig.of(self.SPEC, self.CUDA, 40, n).max_gaussians for n in (9, 10**4, 10**6)
        ]
        assert caps == [100_000, 150_000, 1_000_000]

    @pytest.mark.parametrize("device", [CPU, CUDA])
    def test_more_care_means_more_steps_and_more_gaussians(self, device: torch.device) -> None:
        draft, fast, best = (
            TrainConfig.of(replace(self.SPEC, preset=preset), device, 40, 50_000)
            for preset in PRESETS
        )
        assert draft.iterations < fast.iterations < best.iterations
        assert draft.max_gaussians < fast.max_gaussians < best.max_gaussians
        assert fast == TrainConfig.of(self.SPEC, device, 40, 50_000)

    @pytest.mark.parametrize("photos", [9, 15, 25, 40, 120])
    @pytest.mark.parametrize("preset", PRESETS)
    def test_the_bot_reckons_with_the_steps_that_a_preset_has(
        self, preset: str, photos: int
    ) -> None:
        asked, usual = (
            TrainConfig.of(replace(self.SPEC, preset=name), self.CUDA, photos, 5_000).iterations
            for name in (preset, efforts.USUAL)
        )
        said = efforts.PRESETS[preset]
        assert said.low <= asked / usual * efforts.A_STEP[preset].middle <= said.high

    def test_what_the_job_says_comes_first(self) -> None:
        spec = replace(self.SPEC, iterations=77, image_size=512)
        for device in (CPU, self.CUDA):
            assert TrainConfig.of(spec, device, 40, 5_000).iterations == 77
            assert image_size(spec, device) == 512


class TestSchedules:
    def test_a_quarter_of_the_resolution_may_come_before(self) -> None:
        config = replace(CONFIG, coarsest=0.2)
        assert [schedules.reduction(config, d) for d in (0.0, 0.19, 0.21, 0.41)] == [4, 4, 2, 1]
        assert schedules.reductions(config) == [1, 2, 4]
        assert schedules.reductions(CONFIG) == [1, 2]

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

    def test_the_other_rates_fall_once_the_number_stays(self) -> None:
        config = replace(CONFIG, rates=Rates(final=0.1), grow_until=0.6)
        factors = [schedules.slower(config, done) for done in (0.0, 0.6, 0.8, 1.0)]
        assert factors == pytest.approx([1.0, 1.0, 0.1**0.5, 0.1])


def test_black_does_not_stand_for_a_dark_photo() -> None:
    """Before colours drawn by lot, what is see-through is no likeness of a black photo."""
    view = aerial_views()[0]
    dark = replace(view, image=torch.zeros_like(view.image))
    black = replace(truth(), sh0=torch.full_like(truth().sh0, -0.5 / SH_C0))
    config = replace(CONFIG, iterations=40, opacity_weight=0.0, grow_until=0.0)
    opacities = [
        float(
            train(black, [dark, dark], replace(config, random_background=lot), CPU).opacities.sum()
        )
        for lot in (False, True)
    ]
    assert opacities[1] > opacities[0] * 1.05


def test_pixels_that_are_not_known_teach_nothing() -> None:
    view = photograph(truth(), aerial_views()[0])
    mask = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    mask[:, : WIDTH // 2] = True
    image = torch.rand(HEIGHT, WIDTH, 3, requires_grad=True)
    photo_loss(image[None], Batch.of([replace(view, mask=mask)]), 0.2).backward()
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


def test_several_photos_a_step_with_dropout_improve_them_too() -> None:
    views = [photograph(truth(), view) for view in aerial_views()]
    config = replace(CONFIG, views_per_step=3, coarsest=0.2, dropout=0.1, iterations=60)
    start = shaken()
    trained = train(start, views[1:], config, CPU)
    before, after = (Score.of(evaluate(scene, views[:1])).psnr for scene in (start, trained))
    assert before is not None and after is not None and after > before + 2


def test_the_same_seed_gives_the_same_scene() -> None:
    views = [photograph(truth(), view) for view in aerial_views(4)]
    config = replace(CONFIG, iterations=40, dropout=0.1)
    once, again = (train(shaken(), views, config, CPU) for _ in range(2))
    assert all(torch.equal(a, again.tensors()[name]) for name, a in once.tensors().items())


def test_nobody_looks_at_a_scene_that_was_just_split() -> None:
    """Its halves leave holes until a step has closed them. The last are split as growth ends."""
    views = [photograph(truth(), view) for view in aerial_views(2)]
    seen = list[int]()
    config = replace(CONFIG, iterations=30, refine_every=7, grow_until=0.7)
    train(shaken(), views, config, CPU, lambda _done, _loss, scene: seen.append(len(scene)))
    assert [step for step in range(1, 30) if seen[step] > seen[step - 1]] == [7, 14, 21]


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


class FullMemory:
    """Training on a GPU that holds only so many Gaussians."""

    def __init__(self, room: int) -> None:
        self.room, self.caps = room, list[int]()

    def __call__(self, start: Gaussians, _: object, config: TrainConfig, *__: object) -> Gaussians:
        self.caps.append(config.max_gaussians)
        assert len(self.caps) < 20, "it tries for ever"
        if config.max_gaussians > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return start


def test_a_full_memory_means_fewer_gaussians_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, memory = job(tmp_path), FullMemory(8_000)
    monkeypatch.setattr(train_stage, "grow", memory)
    run_train(ctx)
    assert memory.caps == [15_000, 7_500]
    assert isinstance(ctx.progress, Recorder)
    assert "again with at most 7,500 Gaussians" in ctx.progress.messages[0]


@pytest.mark.parametrize("joins", [False, True])
def test_a_full_memory_of_several_gpus_means_fewer_gaussians_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, joins: bool
) -> None:
    ctx, caps = job(tmp_path), list[int]()
    ctx = replace(ctx, spec=replace(ctx.spec, pipeline=Pipeline.SPLAT))

    def on_all(ctx: Context, plan: Plan, gpus: int, preview: object) -> Gaussians:
        caps.append(plan.config.max_gaussians)
        if caps[-1] > 8_000:
            raise GpusFull("Training ended early.")
        if joins:
            write_ply(truth(), ctx.paths.candidate)
        return truth()

    prepared = train_stage.prepared(ctx)
    monkeypatch.setattr(train_stage, "prepared", lambda _: replace(prepared, gpus=2))
    monkeypatch.setattr(train_stage, "train_on_all", on_all)
    outcome = run_train(ctx)
    assert caps == [15_000, 7_500]
    assert outcome.metrics["joined"] == (2 if joins else 0)
    assert isinstance(ctx.progress, Recorder)
    assert any("again with at most 7,500 Gaussians" in said for said in ctx.progress.messages)
    assert ("training on with them failed" in ctx.progress.messages[-1]) is not joins


def test_a_memory_that_holds_nothing_ends_the_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_stage, "grow", FullMemory(100))
    with pytest.raises(torch.OutOfMemoryError):
        run_train(job(tmp_path))
