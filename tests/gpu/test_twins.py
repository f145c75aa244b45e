"""Few photos: two scenes are trained and made one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.job import JobSpec, Source
from gpu.training.checkpoint import Keeper
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.init import gaussians_from_points
from gpu.training.joining import joining
from gpu.training.render import render_view
from gpu.training.trainer import Watch, train
from gpu.training.twins import WIDER, grow, merged
from tests.gpu.photographed import aerial_views, photograph, truth
from tests.gpu.test_checkpoint import Killed, equal, every_minute, kept, killed_after

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
#: 9 steps are each twin's and 2 both's.
CONFIG = TrainConfig(20, 400, sh_degree=1, refine_every=4, dropout=0.2, seed=3, twins=True)


@pytest.fixture(scope="module")
def views() -> list[View]:
    return [photograph(truth(), view) for view in aerial_views(5)]


@pytest.fixture(scope="module")
def uninterrupted(views: list[View]) -> Gaussians:
    return grow(start(), views, CONFIG, CPU)


def start() -> Gaussians:
    points = truth().means[::6]
    return gaussians_from_points(points, torch.full_like(points, 0.5), 1, 400)


def at(distance: float, opacity: float, grey: float) -> Gaussians:
    """One Gaussian straight ahead of a camera in the origin that looks along +z."""
    one = torch.ones(1, 3)
    return Gaussians(
        means=torch.tensor([[0.0, 0.0, distance]]),
        quats=torch.tensor([[1.0, 0, 0, 0]]),
        log_scales=one * 0.5,
        logit_opacities=torch.tensor([opacity]).logit(),
        sh0=one[:, None] * (grey - 0.5) / 0.28209479177387814,
        shN=torch.zeros(1, 0, 3),
    )


def middle(gaussians: Gaussians) -> float:
    """The brightness that this camera has in the middle of its picture."""
    K = torch.tensor([[40.0, 0, 16.5], [0, 40.0, 16.5], [0, 0, 1]])
    view = View("v", torch.zeros(33, 33, 3, dtype=torch.uint8), torch.eye(4), K)
    return float(render_view(gaussians, view).renders[0, 16, 16, 0])


def together(*gaussians: Gaussians) -> Gaussians:
    tensors = zip(*(g.tensors().values() for g in gaussians), strict=True)
    names = gaussians[0].tensors()
    return Gaussians(**{n: torch.cat(t) for n, t in zip(names, tensors, strict=True)})


class TestMerged:
    @pytest.mark.parametrize("opacity", [0.2, 0.7, 0.99])
    def test_two_scenes_that_agree_look_as_either_does(self, opacity: float) -> None:
        scene = at(5.0, opacity, 0.8)
        assert middle(merged(scene, scene)) == pytest.approx(middle(scene), abs=0.5 / 255)

    def test_what_one_scene_alone_believes_lets_more_light_through(self) -> None:
        ground, floater = at(9.0, 0.999, 0.9), at(3.0, 0.75, 0.0)
        clouded = together(floater, ground)
        assert middle(clouded) == pytest.approx(0.9 * 0.25, abs=0.02)
        assert middle(merged(clouded, ground)) == pytest.approx(0.9 * 0.5, abs=0.02)

    def test_opacities_of_nothing_and_all_stay_finite(self) -> None:
        whole = merged(at(3.0, 1.0, 0.5), at(3.0, 0.0, 0.5))
        assert bool(whole.logit_opacities.isfinite().all())


class TestTraining:
    def test_both_are_there_and_never_more_than_the_cap(
        self, views: list[View], uninterrupted: Gaussians
    ) -> None:
        assert 200 < len(uninterrupted) <= CONFIG.max_gaussians
        few = grow(start(), views, replace(CONFIG, max_gaussians=60), CPU)
        assert len(few) <= 60 < 2 * len(start())

    def test_the_twins_are_not_the_same(self, uninterrupted: Gaussians) -> None:
        places = torch.unique(uninterrupted.means, dim=0)  # What no photo sees stays where it was.
        assert len(places) > 0.8 * len(uninterrupted)

    @pytest.mark.parametrize("lived", [1, 8, 9, 10, 17, 18, 19])
    def test_a_run_that_is_killed_and_goes_on_ends_with_the_same_bits(
        self, lived: int, views: list[View], uninterrupted: Gaussians, tmp_path: Path
    ) -> None:
        file = tmp_path / "checkpoint.npz"
        first = Keeper(file, "j", "scene", clock=every_minute())
        with pytest.raises(Killed):
            grow(start(), views, CONFIG, CPU, killed_after(lived, first), first)
        found = kept(file)
        assert (found.header.step, found.header.iterations) == (lived, 20)
        taken = list[float]()
        second = Keeper(file, "j", "scene", found=found)
        watch = noting(taken)
        assert equal(grow(start(), views, CONFIG, CPU, watch, second), uninterrupted)
        assert taken == pytest.approx([(step + 1) / 20 for step in range(lived, 20)])
        second.wait()
        assert kept(file).header.is_finished

    def test_more_steps_go_on_with_both(self, views: list[View], tmp_path: Path) -> None:
        keeper = Keeper(tmp_path / "checkpoint.npz", "j", "scene")
        whole = grow(start(), views, CONFIG, CPU, keeper=keeper)
        keeper.wait()
        learnt = kept(keeper.file).state["optimizer/log_scales"].exp()
        assert torch.allclose(whole.scales, WIDER * learnt)  # Only what is handed out is wider.
        taken = list[float]()
        again = Keeper(keeper.file, "j", "scene", found=kept(keeper.file))
        more = grow(start(), views, CONFIG.continued(24), CPU, noting(taken), again)
        assert len(taken) == 4
        assert len(more) >= len(whole)


class TestConfig:
    SPEC = JobSpec("j", "d", Source(path="."))

    @pytest.mark.parametrize(
        ("device", "photos", "preset", "has"),
        [
            (CUDA, 16, "fast", True), (CUDA, 16, "best", True), (CUDA, 16, "draft", False),
            (CUDA, 17, "fast", False), (CUDA, 9, "fast", False), (CPU, 16, "fast", False),
        ],
    )  # fmt: skip
    def test_twins_are_for_few_photos_on_a_gpu(
        self, device: torch.device, photos: int, preset: str, *, has: bool
    ) -> None:
        spec = replace(self.SPEC, preset=preset)
        assert TrainConfig.of(spec, device, photos, 5_000).twins is has

    def test_what_goes_on_from_a_scene_has_no_twins(self) -> None:
        config = TrainConfig.of(self.SPEC, CUDA, 15, 5_000)
        assert not joining(config).twins and not config.continued(9_000).twins
        assert joining(config).iterations == config.iterations // 8

    def test_asked_for_steps_are_those_of_all_together(self) -> None:
        spec = replace(self.SPEC, iterations=500)
        config = TrainConfig.of(spec, CUDA, 15, 5_000)
        assert (config.iterations, config.single.iterations) == (500, 312)


def test_without_twins_it_is_the_usual_training(views: Sequence[View]) -> None:
    config = replace(CONFIG, twins=False)
    assert equal(grow(start(), views, config, CPU), train(start(), views, config, CPU))


def noting(taken: list[float]) -> Watch:
    def watch(done: float, _loss: Tensor, _gaussians: Gaussians) -> None:
        taken.append(done)

    return watch
