"""The held-out photos join the training in the end, and the figures stay those from before."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpu.export import compress
from gpu.export.ply import read_ply, write_ply
from gpu.export.sog import read_sog
from gpu.gaussians import Gaussians
from gpu.job import Pipeline, Stage
from gpu.job.paths import SOG
from gpu.stage import Context, Outcome
from gpu.stamps import keys
from gpu.training import descend, joining, stage
from gpu.training.checkpoint import read_checkpoint
from gpu.training.config import Rates, TrainConfig
from gpu.training.dataset import View, load_dataset
from gpu.training.metrics import Score, evaluate
from gpu.training.nadir import Reprojector
from gpu.training.schedules import position_rate, reductions, slower
from gpu.training.stage import run_train
from tests.gpu.photographed import WIDTH, Recorder, job, recorded, truth

CPU = torch.device("cpu")
CONFIG = TrainConfig(1_000, 900, sh_degree=0, rates=Rates(final=0.1), coarsest=0.2)


def capture(folder: Path, **options: int | str) -> Context:
    """A job of any capture, whose training is the last stage that compares."""
    ctx = job(folder)
    return replace(ctx, spec=replace(ctx.spec, pipeline=Pipeline.SPLAT, **options))  # type: ignore[arg-type]


def likeness(ctx: Context, scene: Gaussians) -> float:
    """The PSNR of the job's held-out photos."""
    psnr = Score.of(evaluate(scene, load_dataset(ctx.paths.undistorted, WIDTH, 8).held_out)).psnr
    assert psnr is not None
    return psnr


def messages(ctx: Context) -> str:
    assert isinstance(ctx.progress, Recorder)
    return " ".join(ctx.progress.messages)


def test_the_last_steps_are_small_and_see_whole_photos() -> None:
    last = joining.joining(CONFIG)
    assert (last.iterations, reductions(last)) == (200, [1])
    begin, end = (position_rate(last, done, 1.0) for done in (0.0, 1.0))
    assert position_rate(CONFIG, 0.5, 1.0) > begin > end
    assert end == pytest.approx(position_rate(CONFIG, 1.0, 1.0))
    assert slower(last, 1.0) == pytest.approx(slower(CONFIG, 1.0))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Context, Outcome]:
    ctx = capture(tmp_path_factory.mktemp("job"), iterations=50)
    return ctx, run_train(ctx)


class TestTraining:
    @pytest.fixture
    def ctx(self, trained: tuple[Context, Outcome]) -> Context:
        return trained[0]

    def test_the_photos_join_once_they_are_measured(
        self, ctx: Context, trained: tuple[Context, Outcome]
    ) -> None:
        outcome = trained[1]
        measured = likeness(ctx, read_ply(ctx.paths.gaussians(Stage.TRAIN)))
        joined = likeness(ctx, read_ply(ctx.paths.all_photos))
        assert outcome.metrics["psnr"] == pytest.approx(measured, abs=0.01)
        assert joined > measured
        assert outcome.metrics["joined"] == 2
        assert outcome.message.endswith("Then the 2 held-out photos joined the training.")

    def test_what_a_later_job_goes_on_from_has_not_seen_them(self, ctx: Context) -> None:
        kept = read_checkpoint(ctx.paths.checkpoint)
        assert kept is not None and kept.header.is_finished and kept.header.step == 50
        before = read_ply(ctx.paths.gaussians(Stage.TRAIN))
        assert torch.equal(kept.state["optimizer/means"], before.means)

    def test_the_stage_tells_of_it_and_its_fraction_only_grows(self, ctx: Context) -> None:
        assert "now with the 2 held-out photos too: step 10 of 10" in messages(ctx)
        assert isinstance(ctx.progress, Recorder)
        assert ctx.progress.fractions == sorted(ctx.progress.fractions)
        assert ctx.progress.fractions[-1] == 1

    def test_whoever_wants_them_out_has_them_out(self, ctx: Context) -> None:
        assert ctx.paths.all_photos.exists()
        outcome = run_train(replace(ctx, spec=replace(ctx.spec, use_all_photos="no")))
        assert outcome.metrics["joined"] == 0 and "joined" not in outcome.message
        assert not ctx.paths.all_photos.exists()


def test_a_flight_s_photos_join_after_the_descent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `train` left is what the descent compares with."""
    ctx, seen = job(tmp_path), list[set[str]]()

    def note(start: Gaussians, views: list[View], *_: object) -> Gaussians:
        seen.append({view.name for view in views})
        return start

    monkeypatch.setattr(stage, "grow", note)
    for module in (descend, joining):
        monkeypatch.setattr(module, "train", note)
    monkeypatch.setattr(Reprojector, "fill", lambda _, view: replace(view, mask=None))
    assert stage.run_train(ctx).metrics["joined"] == 0
    assert descend.run_descend(ctx).metrics["joined"] == 2
    held_out = {"photo_00.jpg", "photo_08.jpg"}
    assert [held_out <= names for names in seen] == [False] * 6 + [True]
    assert any(name.startswith("nadir") for name in seen[-1])
    assert ctx.paths.all_photos.exists()


@pytest.mark.parametrize("factor", [0.2, float("nan")])
def test_a_scene_that_gets_worse_is_not_kept_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    ctx = capture(tmp_path)
    worse = replace(truth(), sh0=truth().sh0 * factor)
    monkeypatch.setattr(joining, "train", lambda *_: worse)
    dataset = load_dataset(ctx.paths.undistorted, WIDTH, 8)
    assert joining.join(ctx, truth(), dataset, CONFIG, CPU) == 0
    assert not ctx.paths.all_photos.exists()
    assert "The 2 held-out photos stay out of the training" in messages(ctx)


def test_a_full_memory_fails_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Gaussians:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    ctx = capture(tmp_path)
    monkeypatch.setattr(joining, "train", full)
    dataset = load_dataset(ctx.paths.undistorted, WIDTH, 8)
    assert joining.join(ctx, truth(), dataset, CONFIG, CPU) == 0
    assert "memory is full" in messages(ctx)


def test_a_changed_mind_trains_again(tmp_path: Path) -> None:
    ctx = capture(tmp_path)
    said, unsaid, no = (
        keys(replace(ctx.spec, use_all_photos=answer)) for answer in ("yes", None, "no")
    )
    assert said == unsaid
    assert said[Stage.GEOMETRY] == no[Stage.GEOMETRY] and said[Stage.TRAIN] != no[Stage.TRAIN]


def test_the_figures_are_those_of_the_scene_from_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The published files hold the scene of every photo; its likeness is told nowhere."""
    monkeypatch.setattr(compress, "draw_turntable", lambda *_, **__: False)
    monkeypatch.setattr(compress, "write_levels", lambda *_: [])
    ctx = capture(tmp_path)
    recorded(ctx)
    before = replace(truth(), sh0=truth().sh0 * 0.8)
    write_ply(before, ctx.paths.gaussians(Stage.TRAIN))
    write_ply(truth(), ctx.paths.all_photos)
    outcome = compress.run_compress(ctx)
    figures = json.loads((tmp_path / "metrics.json").read_text())
    metadata = json.loads((tmp_path / "manifest.json").read_text())["metadata"]
    published = likeness(ctx, read_sog(tmp_path / SOG))
    for told in (
        figures["psnr"],
        metadata["psnr"],
        figures["ply"]["psnr"],
        outcome.metrics["psnr"],
    ):
        assert told == pytest.approx(likeness(ctx, before), abs=0.5)
        assert published > told + 3
    assert figures["held_out_joined"] and metadata["held_out_joined"]
    assert "dB on held-out photos before they joined" in outcome.message
    assert not [file for file in ctx.paths.work.iterdir() if file.name.startswith("tmp")]
