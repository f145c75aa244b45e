"""Two scenes, or three, are trained from the same photos and made one."""

import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gpu.export.ply import read_ply
from gpu.gaussians import SH_C0, Gaussians
from gpu.job import JobSpec, Source, Stage
from gpu.stage import Context
from gpu.training import stage
from gpu.training.checkpoint import Checkpoint, Keeper, scene_digest, write_checkpoint
from gpu.training.config import TrainConfig
from gpu.training.dataset import View, load_dataset
from gpu.training.joining import joining
from gpu.training.render import render_view
from gpu.training.resume import beginning
from gpu.training.stage import run_train
from gpu.training.trainer import train
from gpu.training.twins import grow, merged, pieces, place
from tests.gpu.photographed import Recorder, aerial_views, job, photograph, truth
from tests.gpu.test_checkpoint import Killed, equal, every_minute, kept, killed_after, start

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
#: 9 steps are each twin's and 2 both's.
SINGLE = TrainConfig(12, 300, sh_degree=1, refine_every=4, dropout=0.2, seed=3)
CONFIG = replace(SINGLE, iterations=20, max_gaussians=400, scenes=2, alone=SINGLE, wider=1.05)
#: 6 steps are each one's and 2 those of all three.
THREE = replace(CONFIG, max_gaussians=600, scenes=3)


@pytest.fixture(scope="module")
def views() -> list[View]:
    return [photograph(truth(), view) for view in aerial_views(5)]


@pytest.fixture(scope="module")
def uninterrupted(views: list[View]) -> Gaussians:
    return grow(start(), views, CONFIG, CPU)


@pytest.fixture(scope="module")
def three(views: list[View]) -> Gaussians:
    return grow(start(), views, THREE, CPU)


def at(distance: float, opacity: float, grey: float) -> Gaussians:
    """One Gaussian straight ahead of a camera in the origin that looks along +z."""
    one = torch.ones(1, 3)
    return Gaussians(
        means=torch.tensor([[0.0, 0.0, distance]]),
        quats=torch.tensor([[1.0, 0, 0, 0]]),
        log_scales=one * 0.5,
        logit_opacities=torch.tensor([opacity]).logit(),
        sh0=one[:, None] * (grey - 0.5) / SH_C0,
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
        for several in ([scene] * 2, [scene] * 3):
            assert middle(merged(*several)) == pytest.approx(middle(scene), abs=0.5 / 255)

    def test_what_one_scene_alone_believes_lets_more_light_through(self) -> None:
        ground, floater = at(9.0, 0.999, 0.9), at(3.0, 0.75, 0.0)
        clouded = together(floater, ground)
        assert middle(clouded) == pytest.approx(0.9 * 0.25, abs=0.02)
        assert middle(merged(clouded, ground)) == pytest.approx(0.9 * 0.5, abs=0.02)
        third = 0.9 * 0.25 ** (1 / 3)
        assert middle(merged(clouded, ground, ground)) == pytest.approx(third, abs=0.02)

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

    def test_of_three_none_is_another_and_each_has_its_share(self, three: Gaussians) -> None:
        assert 300 < len(three) <= THREE.max_gaussians
        assert len(torch.unique(three.means, dim=0)) > 0.8 * len(three)

    @pytest.mark.parametrize("lived", [3, 9, 14, 18])
    def test_of_three_a_run_that_is_killed_goes_on_with_those_that_are_there(
        self, lived: int, views: list[View], three: Gaussians, tmp_path: Path
    ) -> None:
        first = Keeper(tmp_path / "checkpoint.npz", "j", "scene", clock=every_minute())
        with pytest.raises(Killed):
            grow(start(), views, THREE, CPU, killed_after(lived, first), first)
        taken = list[float]()
        second = Keeper(first.file, "j", "scene", found=kept(first.file))
        again = grow(start(), views, THREE, CPU, lambda done, *_: taken.append(done), second)
        assert equal(again, three)
        assert len(taken) == 20 - lived

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
        again = grow(start(), views, CONFIG, CPU, lambda done, *_: taken.append(done), second)
        assert equal(again, uninterrupted)
        assert taken == pytest.approx([(step + 1) / 20 for step in range(lived, 20)])
        assert kept_after(second).header.is_finished

    def test_more_steps_go_on_with_both(self, views: list[View], tmp_path: Path) -> None:
        keeper = Keeper(tmp_path / "checkpoint.npz", "j", "scene")
        whole = grow(start(), views, CONFIG, CPU, keeper=keeper)
        found = kept_after(keeper)
        learnt = found.state["optimizer/log_scales"].exp()
        assert torch.allclose(whole.scales, 1.05 * learnt)  # Only what is handed out is wider.
        taken = list[float]()
        again = Keeper(keeper.file, "j", "scene", found=found)
        longer, watch = CONFIG.continued(24), lambda done, *_: taken.append(done)
        more = grow(start(), views, longer, CPU, watch, again)
        assert len(taken) == 4
        assert len(more) == len(whole) and not torch.equal(more.means, whole.means)
        learnt = 1.05 * kept_after(again).state["optimizer/log_scales"].exp()
        assert torch.allclose(more.scales, learnt)

    def test_a_full_memory_leaves_both_twins_fewer(self, views: list[View], tmp_path: Path) -> None:
        """Killed in the second, and gone on with half as many."""
        first = Keeper(tmp_path / "checkpoint.npz", "j", "scene", clock=every_minute())
        with pytest.raises(Killed):
            grow(start(), views, CONFIG, CPU, killed_after(14, first), first)
        second = Keeper(first.file, "j", "scene", found=kept(first.file))
        few = grow(start(), views, replace(CONFIG, max_gaussians=100), CPU, keeper=second)
        assert 50 < len(few) <= 100


def test_neither_of_two_scenes_takes_memory_while_the_one_that_they_became_is_trained(
    views: Sequence[View], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, there = list[weakref.ref[Tensor]](), list[int]()

    def trained(gaussians: Gaussians, *others: Any) -> Gaussians:
        there.append(sum(ref() is not None for ref in made))
        scene = train(gaussians, *others)
        made.extend(weakref.ref(tensor) for tensor in scene.tensors().values())
        return scene

    monkeypatch.setattr("gpu.training.twins.train", trained)
    grow(start(), views, CONFIG, CPU)
    assert there == [0, 6, 0]


class TestConfig:
    SPEC = JobSpec("j", "d", Source(path="."))

    @pytest.mark.parametrize(
        ("device", "photos", "preset", "scenes"),
        [
            (CUDA, 16, "fast", 3), (CUDA, 16, "best", 2), (CUDA, 16, "draft", 1),
            (CUDA, 17, "fast", 1), (CUDA, 10, "fast", 3), (CUDA, 9, "fast", 1),
            (CPU, 16, "fast", 1), (CUDA, 9, "best", 2), (CUDA, 99, "best", 2),
            (CUDA, 100, "best", 1), (CUDA, 8, "best", 1), (CPU, 50, "best", 1),
        ],
    )  # fmt: skip
    def test_twins_are_for_few_photos_on_a_gpu_and_for_more_where_it_may_take_its_time(
        self, device: torch.device, photos: int, preset: str, scenes: int
    ) -> None:
        config = TrainConfig.of(replace(self.SPEC, preset=preset), device, photos, 5_000)
        assert (config.scenes, config.alone is not None) == (scenes, scenes > 1)
        assert (config.single.scenes, config.continued(9_000).scenes) == (1, 1)

    @pytest.mark.parametrize(("asked", "has"), [(50, False), (1_199, False), (1_200, True)])
    def test_asked_for_steps_are_all_steps_and_few_are_those_of_one(
        self, asked: int, *, has: bool
    ) -> None:
        config = TrainConfig.of(replace(self.SPEC, iterations=asked), CUDA, 15, 5_000)
        assert (config.iterations, config.single.iterations) == (asked, asked)
        assert (config.alone is not None) is has

    def test_many_photos_need_more_steps_to_be_worth_two_scenes(self) -> None:
        usual = self.config(50, "best").single.iterations
        assert self.config(50, "best", iterations=usual).alone is None
        assert self.config(50, "best", iterations=2 * usual).alone is not None

    def test_best_gives_many_photos_more_gaussians_beside_fast_than_few(self) -> None:
        few, many = (
            self.config(photos, "best").max_gaussians / self.config(photos, "fast").max_gaussians
            for photos in (20, 50)
        )
        assert (few, many) == pytest.approx((2, 3))

    def test_only_what_fast_makes_of_three_is_handed_out_wider(self) -> None:
        assert self.config(15, "fast").wider > 1
        assert self.config(15, "best").wider == 1

    def config(self, photos: int, preset: str, iterations: int | None = None) -> TrainConfig:
        spec = replace(self.SPEC, preset=preset, iterations=iterations)
        return TrainConfig.of(spec, CUDA, photos, 5_000)

    def test_what_goes_on_from_a_scene_is_as_if_it_had_always_been_one(self) -> None:
        config = TrainConfig.of(self.SPEC, CUDA, 15, 5_000)
        one = config.single
        assert one.alone is None and one.iterations < config.iterations
        assert joining(config) == joining(one)
        assert config.continued(9_000).alone is None


class TestSeveralGpus:
    """They train one scene alone: two are for where one GPU has the memory."""

    @pytest.mark.parametrize(
        ("there", "gb", "twins", "gpus", "gaussians"),
        [
            (2, 6.0, True, 0, 1_500_000),
            (2, 4.5, False, 0, 1_000_000),
            (2, 3.0, False, 2, 1_000_000),
            (1, 5.0, True, 0, 1_200_000),
            (8, 1.3, False, 8, 640_000),  # each projects its part into eight photos
        ],
    )
    def test_one_scene_is_trained_where_two_do_not_fit_on_one_gpu_of_several(
        self, there: int, gb: float, gpus: int, gaussians: int,
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, twins: bool,
    ) -> None:  # fmt: skip
        one = TrainConfig(1_000, 1_000_000, sh_degree=2, views_per_step=4)
        two = replace(one, iterations=1_600, max_gaussians=1_500_000, scenes=2, alone=one)
        free = round(gb * 1e9)
        monkeypatch.setattr(TrainConfig, "of", lambda *_: two)
        monkeypatch.setattr(stage, "best_device", lambda: CUDA)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, free))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
        work = stage.prepared(job(tmp_path))
        assert (work.config.alone is not None, work.gpus) == (twins, gpus)
        assert work.config.max_gaussians == gaussians


def test_a_whole_stage_trains_two_and_tells_of_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(CONFIG, iterations=40, max_gaussians=900, sh_degree=0, random_background=True)
    monkeypatch.setattr(TrainConfig, "of", lambda *_: few)
    ctx = job(tmp_path, use_all_photos="no")
    outcome = run_train(ctx)
    assert isinstance(ctx.progress, Recorder)
    assert any("(first of two scenes)" in said for said in ctx.progress.messages)
    assert "Step 40 of 40 (both scenes as one)" in ctx.progress.messages[-1]
    assert outcome.metrics["iterations"] == 40
    assert 450 < int(str(outcome.metrics["gaussians"])) <= 900
    assert len(read_ply(ctx.paths.gaussians(Stage.TRAIN))) == outcome.metrics["gaussians"]
    assert "step 40 of 40" in said_again(ctx)


def said_again(ctx: Context) -> str:
    """Return what is said when the same job trains once more: all is there."""
    again = replace(ctx, progress=Recorder())
    run_train(again)
    assert isinstance(again.progress, Recorder)
    return again.progress.messages[0]


class TestResume:
    """What was kept is gone on with where it is of the same kind of run."""

    def began(
        self, tmp_path: Path, config: TrainConfig, found: Checkpoint, more: int = 0
    ) -> tuple[TrainConfig, int, str]:
        """Return the config, the step and what is said when a job finds a checkpoint."""
        ctx = job(tmp_path)
        earlier = "earlier" if more else None
        ctx = replace(ctx, spec=replace(ctx.spec, more=more or None, earlier=earlier))
        dataset = load_dataset(ctx.paths.undistorted, 96, 8)
        scene = scene_digest(dataset.train, config.sh_degree, config.seed)
        header = replace(found.header, scene=scene, job=earlier or ctx.spec.job_id)
        write_checkpoint(ctx.paths.checkpoint, replace(found, header=header))
        whole, keeper = beginning(ctx, config, dataset, lambda: 0.0)
        assert isinstance(ctx.progress, Recorder)
        return whole, keeper.begin, ctx.progress.messages[-1]

    def killed(self, tmp_path: Path, views: list[View], config: TrainConfig, at: int) -> Checkpoint:
        """Return what a run leaves that lives for so many steps."""
        keeper = Keeper(tmp_path / "killed.npz", "j", "scene", clock=every_minute())
        with pytest.raises(Killed):
            grow(start(), views, config, CPU, killed_after(at, keeper), keeper)
        return kept(keeper.file)

    def test_one_scene_of_as_many_steps_is_not_taken_for_a_twin(
        self, tmp_path: Path, views: list[View]
    ) -> None:
        one = replace(SINGLE, iterations=20)
        found = self.killed(tmp_path, views, one, at=12)
        _, begin, said = self.began(tmp_path, CONFIG, found)
        assert begin == 0 and "one scene, and now two" in said
        assert self.began(tmp_path / "again", one, found)[1] == 12

    def test_two_scenes_are_not_taken_for_two_of_three(
        self, tmp_path: Path, views: list[View]
    ) -> None:
        found = self.killed(tmp_path, views, CONFIG, at=12)
        _, begin, said = self.began(tmp_path, THREE, found)
        assert begin == 0 and "two scenes, and now three" in said

    def test_twins_are_not_taken_for_one_scene(self, tmp_path: Path, views: list[View]) -> None:
        found = self.killed(tmp_path, views, CONFIG, at=12)
        _, begin, said = self.began(tmp_path, replace(SINGLE, iterations=20), found)
        assert begin == 0 and "two scenes, and now one" in said
        assert self.began(tmp_path / "again", CONFIG, found)[1] == 12

    @pytest.mark.parametrize(("lived", "goes_on"), [(5, False), (15, False), (19, True)])
    def test_more_steps_need_both_to_be_one(
        self, lived: int, tmp_path: Path, views: list[View], *, goes_on: bool
    ) -> None:
        found = self.killed(tmp_path, views, CONFIG, lived)
        config, begin, said = self.began(tmp_path, CONFIG, found, more=50)
        assert config.iterations == 70 and ("not one yet" in said) is not goes_on
        assert (begin, config.alone is None) == ((lived, True) if goes_on else (0, False))


TWO_ARE = ["first of two scenes", "second of two scenes", "both scenes as one"]
THREE_ARE = [f"{which} of three scenes" for which in ("first", "second", "third")]


@pytest.mark.parametrize("total", [20, 37, 38, 50, 1_600, 2_128])
@pytest.mark.parametrize("told", [TWO_ARE, [*THREE_ARE, "all three scenes as one"]])
def test_it_is_said_of_each_step_which_scene_it_trains(total: int, told: list[str]) -> None:
    scenes = len(told) - 1
    config = replace(CONFIG, iterations=total, scenes=scenes)
    for piece, scene in zip(pieces(config, None, None), told, strict=True):
        steps = range(piece.begin + 1, piece.end + 1)
        assert {place(step, total, scenes)[0] for step in steps} == {scene}
        parts = [place(step, total, scenes)[1] for step in (steps[0], steps[-1])]
        assert parts == pytest.approx([1 / piece.steps, 1])


def test_without_twins_it_is_the_usual_training(views: Sequence[View]) -> None:
    assert equal(grow(start(), views, SINGLE, CPU), train(start(), views, SINGLE, CPU))


def kept_after(keeper: Keeper) -> Checkpoint:
    keeper.wait()
    return kept(keeper.file)
