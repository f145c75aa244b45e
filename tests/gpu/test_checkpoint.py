"""Checkpoints: a training run that is killed goes on as if nothing had been."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.stage import Context
from gpu.training import stage as train_stage
from gpu.training.checkpoint import (
    Checkpoint,
    Header,
    Keeper,
    UnusableCheckpoint,
    read_checkpoint,
    scene_digest,
    write_checkpoint,
)
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.init import gaussians_from_points
from gpu.training.stage import run_train
from gpu.training.trainer import train
from tests.gpu.photographed import Recorder, aerial_views, job, photograph, truth

CPU = torch.device("cpu")
#: Everything that has a state: dropout, growth until late, two resolutions, several photos a step.
CONFIG = TrainConfig(16, 400, sh_degree=1, refine_every=4, dropout=0.2, views_per_step=2, seed=3)


class Killed(BaseException):
    """The process ends here."""


def killed_after(steps: int, keeper: Keeper | None = None) -> Callable[..., None]:
    """Return what lets a run live for so many steps, with its checkpoints written."""
    taken = count(1)

    def watch(done: float, loss: Tensor, gaussians: Gaussians) -> None:
        if keeper is not None:
            keeper.wait()
        if next(taken) > steps:
            raise Killed

    return watch


@pytest.fixture(scope="module")
def views() -> list[View]:
    return [photograph(truth(), view) for view in aerial_views(5)]


@pytest.fixture(scope="module")
def uninterrupted(views: list[View]) -> Gaussians:
    return train(start(), views, CONFIG, CPU)


def start() -> Gaussians:
    points = truth().means[::6]
    return gaussians_from_points(points, torch.full_like(points, 0.5), 1, 400)


def every_minute() -> Callable[[], float]:
    """A clock on which a checkpoint is due each time that it is read."""
    minutes = count()
    return lambda: next(minutes) * 60.0


def equal(a: Gaussians, b: Gaussians) -> bool:
    return all(torch.equal(tensor, b.tensors()[name]) for name, tensor in a.tensors().items())


def kept(file: Path) -> Checkpoint:
    found = read_checkpoint(file)
    assert found is not None
    return found


@pytest.mark.parametrize("lived", [1, 6, 8, 15])
def test_a_run_that_is_killed_and_goes_on_ends_with_the_same_bits(
    lived: int, views: list[View], uninterrupted: Gaussians, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoint.npz"
    first = Keeper(file, "j", "scene", clock=every_minute())
    with pytest.raises(Killed):
        train(start(), views, CONFIG, CPU, killed_after(lived, first), first)
    found = kept(file)
    assert found.header == Header("j", "scene", CONFIG.iterations, lived)
    second = Keeper(file, "j", "scene", found=found)
    taken = list[float]()
    again = train(start(), views, CONFIG, CPU, lambda done, *_: taken.append(done), second)
    assert len(taken) == CONFIG.iterations - lived
    assert equal(again, uninterrupted)
    second.wait()
    assert kept(file).header.is_finished


def test_a_state_is_kept_once_a_minute_and_at_the_end(views: list[View], tmp_path: Path) -> None:
    now, file = [0.0], tmp_path / "checkpoint.npz"
    keeper = Keeper(file, "j", "scene", clock=lambda: now[0])
    seen = list[int]()

    def watch(done: float, loss: Tensor, gaussians: Gaussians) -> None:
        now[0] += 10.0
        keeper.wait()
        found = read_checkpoint(file)
        seen.append(found.header.step if found else 0)

    train(start(), views, replace(CONFIG, iterations=14), CPU, watch, keeper)
    assert seen == [0] * 6 + [6] * 6 + [12] * 2
    keeper.wait()
    assert kept(file).header.step == 14


def test_what_is_kept_is_the_state_of_its_moment_though_the_run_goes_on(tmp_path: Path) -> None:
    file, state = tmp_path / "checkpoint.npz", {"a/b": torch.zeros(50_000)}
    keeper = Keeper(file, "j", "scene")
    keeper.keep(3, 9, state)
    state["a/b"] += 1
    keeper.wait()
    assert kept(file).state["a/b"].count_nonzero() == 0


def test_a_disk_without_room_costs_a_checkpoint_and_not_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    keeper = Keeper(tmp_path / "file" / "checkpoint.npz", "j", "scene")
    keeper.keep(3, 9, {"a": torch.zeros(3)})
    keeper.wait()
    assert "no checkpoint at step 3" in caplog.text


def test_an_older_checkpoint_stays_until_a_newer_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    write_checkpoint(file, Checkpoint(Header("j", "s", 9, 3), {"a": torch.ones(3)}))
    (tmp_path / ".checkpoint.npz.partial").write_bytes(file.read_bytes()[:100])  # killed meanwhile
    assert kept(file).header.step == 3


def damaged(file: Path, how: str) -> None:
    whole = file.read_bytes()
    if how == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif how == "bit":
        middle = len(whole) // 2
        file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    else:
        file.write_bytes(b"")


@pytest.mark.parametrize("how", ["cut", "bit", "empty"])
def test_damage_is_seen(how: str, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    write_checkpoint(file, Checkpoint(Header("j", "s", 9, 3), {"a": torch.rand(5_000)}))
    damaged(file, how)
    with pytest.raises(UnusableCheckpoint, match="damaged"):
        read_checkpoint(file)


def test_a_checkpoint_can_not_run_code(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    np.savez(file, header=np.array([object()], dtype=object))
    with pytest.raises(UnusableCheckpoint, match="damaged"):
        read_checkpoint(file)


def test_a_format_to_come_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    write_checkpoint(file, Checkpoint(Header("j", "s", 9, 3, version=99), {}))
    with pytest.raises(UnusableCheckpoint, match="format is 99"):
        read_checkpoint(file)


def test_a_state_is_of_its_photos_cameras_and_seed(views: list[View]) -> None:
    moved = replace(views[0], viewmat=views[0].viewmat + 1e-3)
    others = ((views[1:], 1, 0), ([moved, *views[1:]], 1, 0), (views, 2, 0), (views, 1, 4))
    digests = {scene_digest(*of) for of in (*others, (views, 1, 0))}
    assert len(digests) == 5
    assert scene_digest(list(views), 1, 0) in digests


def test_a_state_that_is_too_large_for_the_memory_is_thinned(
    views: list[View], tmp_path: Path
) -> None:
    file = tmp_path / "checkpoint.npz"
    keeper = Keeper(file, "j", "scene", clock=every_minute())
    with pytest.raises(Killed):
        train(start(), views, CONFIG, CPU, killed_after(9, keeper), keeper)
    found = kept(file)
    assert len(found.state["optimizer/means"]) > 170
    smaller = replace(CONFIG, max_gaussians=170)
    counts = list[int]()
    train(
        start(), views, smaller, CPU, lambda _, __, scene: counts.append(len(scene)),
        Keeper(file, "j", "scene", found=found),
    )  # fmt: skip
    assert counts[0] == 170 and max(counts) <= 170


class TestStage:
    """The stage goes on from what lies in the job's folder, and says so."""

    def interrupted(self, ctx: Context, monkeypatch: pytest.MonkeyPatch, lived: int) -> None:
        """Run the stage until it is killed after some steps."""

        def mortal(*given: object) -> Gaussians:
            keeper = given[-1]
            assert isinstance(keeper, Keeper)
            return train(*given[:4], killed_after(lived, keeper), keeper)  # type: ignore[arg-type]

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(train_stage, "grow", mortal)
            run_train(ctx, clock=every_minute())

    def said(self, ctx: Context) -> list[str]:
        assert isinstance(ctx.progress, Recorder)
        return ctx.progress.messages

    def test_it_trains_the_steps_that_are_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ctx = job(tmp_path, iterations=50)
        self.interrupted(ctx, monkeypatch, 45)
        run_train(ctx, clock=every_minute())
        said = self.said(ctx)
        assert said[-6] == "Going on from step 45 of 50."
        assert [line.split(" of ")[0] for line in said[-5:]] == [f"Step {n}" for n in range(46, 51)]

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"iterations": 60}, "a run of 50 iterations"),
            ({"seed": 1}, "other photos, cameras or another seed"),
            ({"damage": 1}, "damaged"),
        ],
    )
    def test_what_is_not_of_this_run_is_refused_in_words(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, int], why: str
    ) -> None:
        ctx = job(tmp_path, iterations=50)
        self.interrupted(ctx, monkeypatch, 2)
        if change.pop("damage", 0):
            damaged(ctx.paths.checkpoint, "cut")
        begins = list[int]()

        def trained(first: Gaussians, *given: Keeper) -> Gaussians:
            begins.append(given[-1].begin)
            return first

        monkeypatch.setattr(train_stage, "grow", trained)
        run_train(replace(ctx, spec=replace(ctx.spec, **change)))  # type: ignore[arg-type]
        refusal = self.said(ctx)[-1]
        assert why in refusal and "from the beginning" in refusal
        assert begins == [0]

    def test_more_steps_go_on_from_the_end_of_an_earlier_job(self, tmp_path: Path) -> None:
        first = job(tmp_path / "a", iterations=50)
        begun = run_train(first)
        second = job(tmp_path / "b", iterations=50)
        shutil.copy(first.paths.checkpoint, second.paths.work)
        spec = replace(second.spec, job_id="b", more=60, earlier="j")
        second = replace(second, spec=spec)
        outcome = run_train(second, clock=every_minute())
        assert self.said(second)[:1] == ["Going on from step 50 of 110."]
        assert self.said(second)[1].startswith("Step 51 of 110")
        assert outcome.metrics["iterations"] == 110
        assert float(str(outcome.metrics["psnr"])) > float(str(begun.metrics["psnr"]))

    def test_what_was_asked_for_on_top_counts_once_after_a_kill(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ctx = job(tmp_path, iterations=50)
        run_train(ctx)
        ctx = replace(ctx, spec=replace(ctx.spec, job_id="b", more=60, earlier="j"))
        self.interrupted(ctx, monkeypatch, 10)
        assert kept(ctx.paths.checkpoint).header.continued
        assert run_train(ctx).metrics["iterations"] == 110
        assert "Going on from step 60 of 110." in self.said(ctx)
        third = replace(ctx, spec=replace(ctx.spec, job_id="c", earlier="b"))
        assert run_train(third).metrics["iterations"] == 170

    def test_more_of_a_job_that_has_left_nothing_begins_anew_and_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ctx = job(tmp_path, iterations=50)
        ctx = replace(ctx, spec=replace(ctx.spec, more=60, earlier="a"))
        monkeypatch.setattr(train_stage, "grow", lambda first, *_: first)
        assert run_train(ctx).metrics["iterations"] == 110
        assert "job a has left none" in self.said(ctx)[0]


def test_a_header_that_is_no_header_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    np.savez(file, header=np.frombuffer(json.dumps({"step": 1}).encode(), np.uint8))
    with pytest.raises(UnusableCheckpoint, match="damaged"):
        read_checkpoint(file)
