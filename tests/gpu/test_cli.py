"""`splatbot run`: the pipeline alone, from the command line."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from gpu import cli, pipeline
from gpu.job import (
    Event,
    InvalidValue,
    JobPaths,
    JobSpec,
    Pipeline,
    Source,
    SplatError,
    Stage,
    Status,
)
from gpu.job.paths import METRICS
from gpu.job.spec import stages_of
from gpu.stage import Context, Outcome, StageFunction
from gpu.stamps import LEAVES
from tests.gpu.photos_on_disk import fingerprint, unrelated_photos


def arguments(*given: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return parser.parse_args([str(each) for each in given])


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Callable[[Stage], StageFunction]:
    """Stages that leave what the real ones leave, at once."""

    def find(stage: Stage) -> StageFunction:
        def function(ctx: Context) -> Outcome:
            for file in LEAVES[stage](ctx.paths):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
            figures = {"photos": 9, "photos_registered": 8, "gaussians": 1234, "psnr": 25.126,
                       "seconds": {"train": 7.4}}  # fmt: skip
            (ctx.paths.root / METRICS).write_text(json.dumps(figures))
            return Outcome(f"Did {stage}.")

        return function

    monkeypatch.setattr(
        pipeline.run_job, "__kwdefaults__", {**pipeline.run_job.__kwdefaults__, "find": find}
    )
    return find


def test_the_end_says_where_the_scene_is_and_how_good(
    tmp_path: Path, stages: object, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = unrelated_photos(tmp_path / "photos", count=2)
    assert cli.run(arguments(photos, "--out", tmp_path / "My Scene")) == 0
    said = capsys.readouterr().out
    assert "My Scene/scene.splat: 8 of 9 photos, 1,234 Gaussians" in said
    assert "held-out PSNR 25.13 dB, 7 s" in said


def test_what_a_line_has_no_room_for_is_said_at_the_end(
    tmp_path: Path, stages: object, capsys: pytest.CaptureFixture[str]
) -> None:
    bars = cli.StageBars(
        JobSpec("a", "d", Source(path=".")), Console(width=80, stderr=True, soft_wrap=True)
    )
    long = "9 of 12 photos are usable (left out: a.jpg: blurred, b.jpg: too dark, c.jpg: blurred)."
    with bars:
        bars.hear(Event("a", 1, 1, Stage.FETCH, Status.DONE, 1.0, "Fetched 12 photos.", 0.0))
        bars.hear(Event("a", 1, 2, Stage.PREPROCESS, Status.DONE, 1.0, long, 0.0))
    capsys.readouterr()
    bars.tell_what_was_cut()
    assert capsys.readouterr().err == f"preprocess: {long}\n"


def test_every_stage_has_a_line(
    tmp_path: Path, stages: object, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = unrelated_photos(tmp_path / "photos", count=2)
    cli.run(arguments(photos, "--out", tmp_path / "out", "--pipeline", "aerial"))
    shown = capsys.readouterr().err
    assert all(str(stage) in shown for stage in stages_of(Pipeline.AERIAL))


def test_all_options_reach_the_job(tmp_path: Path, stages: object) -> None:
    photos = unrelated_photos(tmp_path / "photos", count=2)
    options = (
        "--pipeline aerial --iterations 70 --holdout 5 --image-size 320 --max-views 9 --seed 4"
    )
    cli.run(arguments(photos, "--out", tmp_path / "My Scene", *options.split()))
    job = json.loads(JobPaths(tmp_path / "My Scene").spec.read_text())
    assert job["job_id"] == "my-scene"
    assert job["source"]["path"] == str(photos)
    assert [job[name] for name in ("pipeline", "iterations", "holdout", "image_size")] == [
        "aerial", 70, 5, 320,
    ]  # fmt: skip
    assert [job["max_views"], job["seed"]] == [9, 4]


def test_a_failure_is_said_on_stderr_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = unrelated_photos(tmp_path / "photos", count=2)
    before = fingerprint(photos)
    assert cli.run(arguments(photos, "--out", tmp_path / "out")) == 1
    said = capsys.readouterr()
    assert "splatbot: Only 2 photos are usable, and at least 3 are needed. Add photos" in said.err
    assert said.out == ""
    assert fingerprint(photos) == before


def test_the_photos_folder_is_no_place_for_results(tmp_path: Path) -> None:
    photos = unrelated_photos(tmp_path / "photos", count=2)
    for out in (photos, photos / "out"):
        with pytest.raises(SplatError, match="inside the folder of the photos"):
            cli.run(arguments(photos, "--out", out))
    assert len(list(photos.iterdir())) == 2


def test_a_value_out_of_range_is_refused_with_the_range(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="50 to 100,000"):
        cli.run(arguments(tmp_path / "p", "--out", tmp_path / "o", "--iterations", "3"))


def test_a_file_is_no_place_for_results(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(SplatError, match="is a file"):
        cli.run(arguments(tmp_path / "p", "--out", tmp_path / "out"))


def test_ctrl_c_says_that_the_run_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run_job", interrupted)
    assert cli.run(arguments(tmp_path / "p", "--out", tmp_path / "out")) == 130
    assert "goes on from here" in capsys.readouterr().err


def test_without_the_pipelines_packages_the_remedy_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(SplatError, match=r"needs torch.*\[gpu\]"):
        cli.run(arguments(tmp_path / "p", "--out", tmp_path / "out"))
