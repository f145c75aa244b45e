"""A first look while the scene trains: it is published beside the loop, and never in the way."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpu.export import preview
from gpu.export.preview import MOST, Preview
from gpu.export.publish import headers_for
from gpu.export.sog import read_sog
from gpu.gaussians import Gaussians
from gpu.job import Target
from gpu.job.paths import OUTPUTS
from gpu.stage import Context
from gpu.training.dataset import Dataset, load_dataset
from tests.gpu.photographed import WIDTH, job, recorded, truth


@pytest.fixture(scope="module")
def trains(tmp_path_factory: pytest.TempPathFactory) -> tuple[Context, Dataset]:
    ctx = job(tmp_path_factory.mktemp("job"))
    recorded(ctx)
    return ctx, load_dataset(ctx.paths.undistorted, WIDTH, 8)


class Run:
    """A training run of so many seconds whose results go to a folder."""

    def __init__(self, trains: tuple[Context, Dataset], target: Target | None) -> None:
        self.now = 0.0
        ctx = replace(trains[0], spec=replace(trains[0].spec, target=target))
        self.preview = Preview(ctx, trains[1], lambda: self.now)

    def until(self, done: float, seconds: float = 60.0, begin: float = 0.0) -> None:
        """Offer the scene at every tenth of the steps."""
        while begin <= done:
            self.now = begin * seconds
            self.preview.offer(begin, truth())
            begin = round(begin + 0.1, 1)
        self.preview.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "published"


@pytest.fixture
def run(trains: tuple[Context, Dataset], folder: Path) -> Run:
    return Run(trains, Target(path=str(folder)))


def test_a_fifth_of_the_way_there_is_something_to_look_at(run: Run, folder: Path) -> None:
    run.until(0.1)
    assert not folder.exists()
    run.until(0.9, begin=0.2)
    assert run.preview.is_there
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["preview"] == {"done": 0.2}
    assert sorted(file.name for file in folder.iterdir()) == ["manifest.json", "preview.sog"]
    [level] = manifest["levels"]
    shown = read_sog(folder / level["url"])
    assert len(shown) == level["gaussians"] == len(truth())
    assert level["bytes"] == (folder / level["url"]).stat().st_size
    assert manifest["metadata"]["psnr"] is None
    assert manifest["camera_defaults"]["position"][2] == pytest.approx(8.0, abs=0.5)


def test_its_file_has_a_name_that_no_result_has(run: Run, folder: Path) -> None:
    """What has once had a name is kept by browsers for a year."""
    run.until(0.3)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["splat_url"] not in OUTPUTS
    assert {each["url"] for each in manifest["formats"]} == {manifest["splat_url"]}


@pytest.mark.parametrize(("seconds", "begin"), [(29.0, 0.0), (60.0, 0.3)])
def test_who_waits_only_shortly_or_has_had_one_gets_none(
    run: Run, folder: Path, seconds: float, begin: float
) -> None:
    run.until(1.0, seconds, begin)
    assert not run.preview.is_there and not folder.exists()


def test_a_job_that_publishes_nothing_shows_nothing(trains: tuple[Context, Dataset]) -> None:
    run = Run(trains, None)
    run.until(1.0)
    assert not run.preview.is_there


def test_what_comes_too_late_does_not_take_the_final_place(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = preview.write_sog

    def slow(gaussians: Gaussians, path: Path) -> None:
        write(gaussians, path)
        run.preview.end()

    monkeypatch.setattr(preview, "write_sog", slow)
    run.until(0.3)
    assert not run.preview.is_there and not (folder / "manifest.json").exists()


def test_a_storage_that_is_away_fails_nothing_and_is_no_secret_s_end(
    trains: tuple[Context, Dataset], caplog: pytest.LogCaptureFixture
) -> None:
    url = "http://127.0.0.1:1/preview?X-Amz-Signature=hidden"
    run = Run(trains, Target(urls={"preview.sog": url, "preview/manifest.json": url}))
    with caplog.at_level(logging.WARNING):
        run.until(1.0)
    assert not run.preview.is_there
    assert "ConnectError" in caplog.text and "hidden" not in caplog.text


def test_a_memory_that_is_full_fails_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Gaussians) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(preview, "importance", full)
    run.until(1.0)
    assert not run.preview.is_there


def test_of_many_gaussians_the_most_important_are_shown(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST * 20 < 4 << 20  # bytes of each in a .sog, about
    monkeypatch.setattr(preview, "MOST", 100)
    run.until(0.3)
    shown = read_sog(folder / "preview.sog")
    least = preview.importance(truth()).sort(descending=True).values[99]
    assert len(shown) == 100
    assert float(preview.importance(shown).min()) > 0.9 * float(least)


def test_an_address_that_is_signed_for_everybody_is_used_for_everybody() -> None:
    signed = "https://b.example/k?X-Amz-SignedHeaders=host%3Bx-amz-acl&X-Amz-Signature=s"
    assert headers_for(signed, 3)["x-amz-acl"] == "public-read"
    assert headers_for("https://b.example/k?X-Amz-SignedHeaders=host", 3) == {"Content-Length": "3"}
