"""What training says while it runs, and what it predicts before."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpu.gaussians import Gaussians
from gpu.stage import Context
from gpu.training.config import TrainConfig
from gpu.training.dataset import View, load_dataset
from gpu.training.memory import FEWEST, SMALLEST_IMAGE, fitting, predict, sentence
from gpu.training.progress import Teller, pace
from gpu.training.stage import made_to_fit
from tests.gpu.photographed import Recorder, aerial_views, job, photograph, truth

GIB = 2**30
CONFIG = TrainConfig(200, 1_000_000, sh_degree=2, views_per_step=2)


class Told(Recorder):
    """Keeps the figures too."""

    def __init__(self) -> None:
        super().__init__()
        self.figures: list[dict[str, object]] = []

    def __call__(self, fraction, message, *, metrics=None, pictures=()) -> None:  # type: ignore[no-untyped-def]
        super().__call__(fraction, message, metrics=metrics, pictures=pictures)
        self.figures.append(dict(metrics or {}))


def ran(ctx: Context, seconds_a_step: float, begin: int = 0, config: TrainConfig = CONFIG) -> Told:
    """Return what is told of a run of all steps of a config."""
    told, now = Told(), [0.0]
    ctx = replace(ctx, progress=told)
    view = photograph(truth(), aerial_views(1)[0])
    teller = Teller(ctx, config, view, begin=begin, clock=lambda: now[0])
    scene = truth()
    for step in range(begin, config.iterations):
        now[0] += seconds_a_step
        teller((step + 1) / config.iterations, torch.tensor(0.25), scene)
    return told


def test_at_most_one_message_a_second_and_three_pictures(tmp_path: Path) -> None:
    told = ran(job(tmp_path), seconds_a_step=1 / 64)
    assert len(told.messages) == 4  # in three seconds: the pictures, and the end
    assert told.pictures == [f"previews/train-{n}.jpg" for n in (1, 2, 3)]
    assert all((tmp_path / name).is_file() for name in told.pictures)
    assert told.fractions[-1] == 1


def test_of_two_scenes_it_is_said_which_and_none_is_shown_that_lags_behind(tmp_path: Path) -> None:
    told = ran(job(tmp_path), 1 / 8, config=replace(CONFIG, scenes=2, alone=CONFIG))
    assert told.messages[0].startswith("Step 8 of 200 (first of two scenes), 900 Gaussians")
    assert told.messages[12].startswith("Step 98 of 200 (second of two scenes)")
    assert told.messages[-1].startswith("Step 200 of 200 (both scenes as one)")
    assert told.pictures == ["previews/train-1.jpg", "previews/train-3.jpg"]
    known = [said.split()[1] for said in told.messages if "dB" in said]
    assert "50" in known and "150" in known
    assert not any(91 <= int(step) < 150 or int(step) > 180 for step in known)


@pytest.mark.parametrize("steps", [200, 203])
def test_of_three_scenes_each_is_shown_also_where_steps_do_not_divide_evenly(
    tmp_path: Path, steps: int
) -> None:
    config = replace(CONFIG, iterations=steps, scenes=3, alone=CONFIG)
    assert len(ran(job(tmp_path), 1 / 8, config=config).pictures) == 3


def test_every_message_has_loss_speed_number_and_once_known_the_likeness(tmp_path: Path) -> None:
    told = ran(job(tmp_path), seconds_a_step=1 / 8)
    assert told.messages[0] == "Step 8 of 200, 900 Gaussians, 8 steps a second."
    assert told.figures[0] == {"loss": 0.25, "gaussians": 900, "iterations_per_second": 8.0}
    shown = told.fractions.index(0.25)
    assert "preview_psnr" not in told.figures[shown - 1]
    assert told.figures[shown]["preview_psnr"] > 50  # type: ignore[operator] # its own render
    assert told.messages[shown].endswith("dB.")


def test_slow_training_says_how_long_a_step_takes() -> None:
    said = [pace(rate) for rate in (9.6, 1.5, 1.4, 0.7, 0.6, 0.05, 0.0)]
    assert said[:4] == [
        "10 steps a second",
        "2 steps a second",
        "1 step a second",
        "1 step a second",
    ]
    assert said[4:] == ["2 seconds a step", "20 seconds a step", "100 seconds a step"]


def test_a_preview_is_offered_every_step_and_told_of_once_it_is_there(tmp_path: Path) -> None:
    class Shown:
        offers, is_there = 0, False

        def offer(self, done: float, scene: Gaussians) -> None:
            self.offers += 1
            self.is_there = done > 0.5

    shown, told, now = Shown(), Told(), iter(range(999))
    view = photograph(truth(), aerial_views(1)[0])
    ctx = replace(job(tmp_path), progress=told)
    clock = lambda: float(next(now))  # noqa: E731
    teller = Teller(ctx, CONFIG, view, begin=0, clock=clock, preview=shown)  # type: ignore[arg-type]
    for done in (0.4, 0.6):
        teller(done, torch.tensor(0.25), truth())
    assert shown.offers == 2
    assert [figures.get("preview") for figures in told.figures] == [None, True]


def test_a_run_that_goes_on_counts_from_where_it_was(tmp_path: Path) -> None:
    told = ran(job(tmp_path), seconds_a_step=0.5, begin=150)
    assert told.messages[0] == "Step 152 of 200, 900 Gaussians, 2 steps a second."


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> tuple[View, ...]:
    """Forty photos of 1600 pixels."""
    image = torch.zeros(1200, 1600, 3, dtype=torch.uint8)
    return tuple(replace(view, image=image) for view in aerial_views(12) for _ in range(4))[:40]


class TestMemory:
    def test_each_term_grows_with_what_it_is_of(self, views: tuple[View, ...]) -> None:
        usual = predict(CONFIG, views, 1600, 1600)
        larger = predict(CONFIG, views, 3200, 1600)
        fewer = predict(replace(CONFIG, max_gaussians=500_000), views, 1600, 1600)
        assert larger.pixels == pytest.approx(usual.pixels * 4, rel=1e-6)
        assert fewer.gaussians * 2 == usual.gaussians

    def test_what_fits_stays_as_it_is_and_nothing_is_said(self, views: tuple[View, ...]) -> None:
        plan = fitting(CONFIG, views, 1600, 80 * GIB)
        assert (plan.max_gaussians, plan.image_size) == (1_000_000, 1600)
        assert sentence(plan, CONFIG, 1600, 80 * GIB) == ""

    def test_three_million_gaussians_are_reckoned_with_more_than_sufficed_for_them(
        self, views: tuple[View, ...]
    ) -> None:
        config = replace(CONFIG, max_gaussians=2_957_958, views_per_step=4)
        sufficed = 7 * GIB  # bench/results.md
        assert sufficed < predict(config, views, 1024, 1024).gaussians < 1.2 * sufficed

    @pytest.mark.parametrize("gib", [6, 4, 3, 2])
    def test_less_memory_means_less_and_it_fits(self, gib: int, views: tuple[View, ...]) -> None:
        plan = fitting(CONFIG, views, 1600, gib * GIB)
        assert plan.total <= 0.9 * gib * GIB
        before = predict(CONFIG, views, 1600, 1600)
        assert (plan == before) is (before.total <= 0.9 * gib * GIB)

    def test_what_can_never_fit_ends_at_the_smallest(self, views: tuple[View, ...]) -> None:
        plan = fitting(CONFIG, views, 1600, 1)
        assert plan.max_gaussians * 0.8 < FEWEST or plan.image_size * 0.8 < SMALLEST_IMAGE

    def test_the_thread_hears_before_training_what_is_made_smaller(self, tmp_path: Path) -> None:
        told = Told()
        ctx = replace(job(tmp_path), progress=told)
        dataset = load_dataset(ctx.paths.undistorted, 96, 8)
        config, size = made_to_fit(ctx, CONFIG, dataset, 96, int(1.5 * GIB))
        assert size == 96 and config.max_gaussians < CONFIG.max_gaussians
        wanted = f"at most {config.max_gaussians:,} instead of 1,000,000 Gaussians"
        assert (
            told.messages[0].startswith("The GPU has 1.5 GiB free") and wanted in told.messages[0]
        )
