"""Gaussians divided among processes: what is sent arrives where it belongs, and comes back."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed
import torch.multiprocessing

import gpu.training.together
from gpu.export.ply import read_ply, write_ply
from gpu.gaussians import Gaussians
from gpu.job import JobSpec, Source
from gpu.training.checkpoint import Keeper, State, read_checkpoint
from gpu.training.config import TrainConfig
from gpu.training.dataset import load_dataset
from gpu.training.glimpse import Glimpse
from gpu.training.launch import GpusFull, TrainingStopped, train_on_all
from gpu.training.shards import Shards
from gpu.training.shared_state import STEPS, divided, together
from gpu.training.stage import gpus_for
from gpu.training.step import Step
from gpu.training.together import Keeping, Plan, train_together
from gpu.training.trainer import train
from tests.gpu.photographed import Recorder, aerial_views, job, photograph, truth

#: Five Gaussians in two processes, and four photos in a step.
GAUSSIANS, WORLD, PHOTOS = 5, 2, 4
TRAINED = TrainConfig(4, 1_000, sh_degree=0, views_per_step=2, refine_every=2, dropout=0.1)
CPU = torch.device("cpu")


def scene() -> Gaussians:
    number = torch.arange(GAUSSIANS, dtype=torch.float32)
    return Gaussians(
        means=number[:, None].repeat(1, 3),
        quats=torch.ones(GAUSSIANS, 4),
        log_scales=torch.zeros(GAUSSIANS, 3),
        logit_opacities=number,
        sh0=torch.zeros(GAUSSIANS, 1, 3),
        shN=torch.zeros(GAUSSIANS, 0, 3),
    )


def work(rank: int, meeting: str, out: str) -> None:
    """Send (photo, Gaussian) pairs to the photos' processes and back; keep what arrived.

    A photo sees the Gaussians whose number is not its own.
    """
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=WORLD)
    shards = Shards.here()
    mine = shards.part(scene())
    photo = torch.arange(PHOTOS, dtype=torch.float32)[:, None].expand(-1, len(mine))
    pairs = torch.stack([photo, mine.logit_opacities.expand(PHOTOS, -1)], -1)
    seen = pairs[..., 0] != pairs[..., 1]
    route = shards.route(seen.sum(1))
    there = route.to_photos(pairs[seen])
    # The first process's Gaussians are seen by nobody, then nobody's are.
    few = [shards.route(seen.sum(1) * (rank if only else 0)) for only in (True, False)]
    found = {
        "few": [len(r.to_gaussians(r.to_photos(torch.ones(sum(r.sent), 2)))) for r in few],
        "there": there,
        "photos": route.photos,
        "sent": sum(route.sent),
        "returned": torch.equal(route.to_gaussians(there), pairs[seen]),
        "gathered": shards.gathered(mine).logit_opacities,
        "own": shards.own(PHOTOS),
    }
    found |= {"brought": [brought(shards, empty) for empty in range(WORLD)]}
    found |= shown(shards, Path(out)) | trained(rank, Path(out))
    torch.save(found, Path(out) / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def brought(shards: Shards, empty: int) -> State:
    """Bring together what is kept where one process has no Gaussians, and none was seen yet."""
    count = 0 if shards.rank == empty else 2
    means = torch.full((count, 3), float(shards.rank))
    unseen = {"strategy/seen": torch.zeros(0), STEPS: torch.tensor([1, count])}
    return together(shards, {"optimizer/means": means, **unseen}, CPU)


def shown(shards: Shards, out: Path) -> dict[str, object]:
    """Offer a glimpse of what takes long, one of what does not, and one of what was resumed."""
    said: list[object] = []
    for name, seconds, dones in (
        ("long", 60, (0.1, 0.2, 0.3)),
        ("short", 1, (0.1, 0.2)),
        ("resumed", 60, (0.4,)),
    ):
        # The first process's clock alone counts.
        now = iter([seconds * done if shards.rank == 0 else 0.0 for done in dones])
        glimpse = Glimpse(out / f"{name}.ply", CPU, said.append, lambda now=now: next(now))  # type: ignore[misc]
        for done in dones:
            glimpse.offer(shards, done, shards.part(scene()))
    return {"said": said}


class Looks:
    """Stands for a glimpse: when it was offered, and how many Gaussians."""

    def __init__(self) -> None:
        self.offers: list[tuple[float, int]] = []

    def offer(self, shards: Shards, done: float, gaussians: Gaussians) -> None:
        self.offers.append((done, len(gaussians)))


def trained(rank: int, out: Path) -> dict[str, object]:
    """Train for four steps, keep the state, and go on for two more; return what came of it.

    Without a GPU a process draws its own Gaussians alone: all else is as it is with one.
    """
    photos = [photograph(truth(), view) for view in aerial_views(4)]
    go = partial(train_together, truth(), photos, device=CPU, kind=Step)
    keeper, looks = Keeper(out / "checkpoint.npz", "j", "scene"), Looks()
    gpu.training.together.LOOK = 2
    whole = go(config=TRAINED, keeper=keeper, glimpse=looks)
    keeper.wait()
    torch.distributed.barrier()
    keeping = Keeping(out / "checkpoint.npz", "j", "scene", continued=True, goes_on=True)
    again = keeping.keeper()
    assert again.found is not None
    restored = divided(Shards.here(), again.found.state, 0, CPU)
    torch.distributed.barrier()  # else the first one may write while the other one reads
    longer = go(config=TRAINED.continued(6), keeper=again)
    again.wait()
    torch.distributed.barrier()
    return {
        "whole": whole.means, "kept": again.found, "longer": longer.means,
        "after": read_checkpoint(out / "checkpoint.npz"), "lots": restored["run/chance"],
        "part": restored["optimizer/means"], "looks": looks.offers,
    }  # fmt: skip


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of the processes found."""
    folder = tmp_path_factory.mktemp("processes")
    meeting = f"file://{folder}/meeting"
    torch.multiprocessing.spawn(work, (meeting, str(folder)), nprocs=WORLD)  # type: ignore[no-untyped-call]
    found = [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(WORLD)]
    return [each | {"folder": folder} for each in found]


@pytest.mark.skipif(sys.platform != "linux", reason="the droplets run Linux")
def test_each_photo_gets_the_gaussians_it_sees_and_sends_their_gradients_back(
    processes: list[dict[str, Any]],
) -> None:
    for found in processes:
        own = list(range(PHOTOS))[found["own"]]
        halves = [0, 2, 4], [1, 3]
        arrives = [[photo, g] for half in halves for photo in own for g in half if g != photo]
        assert found["there"].tolist() == arrives
        assert [own[photo] for photo in found["photos"].tolist()] == [row[0] for row in arrives]
        assert found["returned"]
        assert found["few"] == [0 if found is processes[0] else found["sent"], 0]
        assert found["gathered"].tolist() == [0, 2, 4, 1, 3]


@pytest.mark.skipif(sys.platform != "linux", reason="the droplets run Linux")
class TestGlimpses:
    def test_the_first_process_writes_what_all_have_once_a_fifth_is_over(
        self, processes: list[dict[str, Any]]
    ) -> None:
        file = processes[0]["folder"] / "long.ply"
        assert [found["said"] for found in processes] == [[{"glimpse": str(file), "done": 0.2}], []]
        assert sorted(read_ply(file).logit_opacities.tolist()) == list(range(GAUSSIANS))

    def test_nobody_writes_for_a_short_training_or_again_for_a_resumed_one(
        self, processes: list[dict[str, Any]]
    ) -> None:
        for name in ("short", "resumed"):
            assert not (processes[0]["folder"] / f"{name}.ply").exists()

    def test_it_is_offered_before_the_steps_that_a_refinement_may_follow(
        self, processes: list[dict[str, Any]]
    ) -> None:
        for found in processes:
            assert [done for done, _ in found["looks"]] == [0.25, 0.75]


@pytest.mark.skipif(sys.platform != "linux", reason="the droplets run Linux")
class TestCheckpoints:
    def test_what_is_kept_is_the_whole_scene_as_one_gpu_would_keep_it(
        self, processes: list[dict[str, Any]]
    ) -> None:
        kept = processes[0]["kept"]
        assert kept.header.is_finished and kept.header.step == 4
        assert torch.equal(kept.state["optimizer/means"], processes[0]["whole"])
        assert len(kept.state["optimizer/means.exp_avg"]) == len(processes[0]["whole"])
        assert int(kept.state["optimizer/means.step"]) == 4
        assert kept.state["run/steps"].tolist() == [4, len(truth())]

    def test_all_processes_go_on_from_it_with_their_part_and_their_lots(
        self, processes: list[dict[str, Any]]
    ) -> None:
        parts, whole = [found["part"] for found in processes], processes[0]["whole"]
        assert abs(len(parts[0]) - len(parts[1])) <= 1
        assert torch.equal(torch.cat(parts).sort(0).values, whole.sort(0).values)
        assert not torch.equal(*(found["lots"] for found in processes))
        for found in processes:
            assert found["after"].header.step == 6 and found["after"].header.continued
            assert int(found["after"].state["optimizer/means.step"]) == 6
            assert torch.equal(found["after"].state["optimizer/means"], found["longer"])

    def test_a_process_without_gaussians_keeps_nobody_waiting(
        self, processes: list[dict[str, Any]]
    ) -> None:
        for empty, whole in enumerate(processes[0]["brought"]):
            assert torch.equal(whole["optimizer/means"], torch.full((2, 3), 1.0 - empty))
            assert len(whole["strategy/seen"]) == 0

    def test_one_gpu_goes_on_from_it(self, processes: list[dict[str, Any]], tmp_path: Path) -> None:
        found = processes[0]["kept"]
        keeper = Keeper(tmp_path / "c.npz", "j", "scene", found=found, continued=True)
        photos = [photograph(truth(), view) for view in aerial_views(4)]
        longer = train(truth(), photos, TRAINED.continued(6), CPU, keeper=keeper)
        keeper.wait()
        after = read_checkpoint(tmp_path / "c.npz")
        assert after is not None and after.header.step == 6
        assert len(longer) == len(processes[0]["whole"])


def test_all_processes_together_train_with_the_config() -> None:
    spec = JobSpec("j", "d", Source(path="."), preset="best")
    whole = TrainConfig.of(spec, torch.device("cuda"), 40, 50_000).single
    part = Shards(1, 3).config(whole)
    assert part.max_gaussians * 3 == pytest.approx(whole.max_gaussians, abs=3)
    assert part.opacity_weight * 3 == pytest.approx(whole.opacity_weight)
    assert part.views_per_step == 6 >= whole.views_per_step


#: Stands for torchrun: says how far it is, then writes the plan's scene, or fails.
TRAINS = """
import json, pathlib, shutil, sys
plan = json.loads(pathlib.Path(sys.argv[1]).read_text())
print("noise"); print(json.dumps({"done": 0.5, "loss": 0.25, "gaussians": 3}))
if plan["glimpse"]:
    shutil.copy(pathlib.Path(sys.argv[1]).parent / "made.ply", plan["glimpse"])
    print(json.dumps({"done": 0.5, "glimpse": plan["glimpse"]}))
shutil.copy(pathlib.Path(sys.argv[1]).parent / "made.ply", plan["out"])
"""


class Shows:
    """Stands for the preview: what it was given."""

    is_there = False

    def __init__(self) -> None:
        self.published: list[tuple[float, int]] = []

    def publish(self, done: float, gaussians: Gaussians) -> None:
        self.published.append((done, len(gaussians)))


class TestLaunch:
    @pytest.fixture
    def told(self, tmp_path: Path) -> Recorder:
        self.ctx = replace(job(tmp_path), progress=(told := Recorder()))
        write_ply(scene(), self.ctx.paths.work / "made.ply")
        return told

    @property
    def plan(self) -> Plan:
        paths, config = self.ctx.paths, TrainConfig(100, 900, sh_degree=0)
        keeping = Keeping(paths.checkpoint, "j", "scene", continued=False, goes_on=True)
        photos, out = paths.undistorted, paths.work / "together.ply"
        return Plan(photos, out, 96, 8, config, paths.candidate, keeping, paths.glimpse)

    def train(self, code: str = TRAINS) -> Gaussians:
        self.shown = Shows()
        command = [sys.executable, "-c", code]
        return train_on_all(self.ctx, self.plan, 2, self.shown, lambda _: command)  # type: ignore[arg-type]

    def test_the_thread_hears_how_far_it_is_and_the_scene_comes_back(self, told: Recorder) -> None:
        assert len(self.train()) == GAUSSIANS
        assert told.messages[-1] == "Step 50 of 100, 3 Gaussians each."

    def test_what_the_processes_have_written_early_is_shown(self, told: Recorder) -> None:
        self.train()
        assert self.shown.published == [(0.5, GAUSSIANS)]

    def test_a_glimpse_that_is_not_whole_stops_nothing(self, told: Recorder) -> None:
        code = TRAINS.replace(
            'shutil.copy(pathlib.Path(sys.argv[1]).parent / "made.ply", plan["glimpse"])', ""
        )
        assert len(self.train(code)) == GAUSSIANS
        assert self.shown.published == []

    def test_a_process_that_fails_is_an_error_with_a_hint(self, told: Recorder) -> None:
        with pytest.raises(TrainingStopped) as stopped:
            self.train("exit(3)")
        assert "--image-size" in stopped.value.hint and not isinstance(stopped.value, GpusFull)

    def test_a_full_memory_is_told_apart(self, told: Recorder) -> None:
        with pytest.raises(GpusFull):
            self.train("import sys; sys.exit('torch.OutOfMemoryError: CUDA out of memory.')")

    def test_photos_that_can_not_join_cost_no_scene(self, told: Recorder) -> None:
        assert self.plan.joined is not None
        write_ply(scene(), self.plan.joined)  # An earlier attempt's.
        assert len(self.train(TRAINS + "exit(3)")) == GAUSSIANS
        assert not self.plan.joined.exists()

    def test_a_scene_of_an_earlier_attempt_is_not_taken_for_this_one(self, told: Recorder) -> None:
        self.train()
        with pytest.raises(TrainingStopped):
            self.train("exit(3)")

    def test_a_plan_is_read_back_as_it_was_written(self, told: Recorder) -> None:
        self.plan.write(self.ctx.paths.work / "plan.json")
        assert Plan.read(self.ctx.paths.work / "plan.json") == self.plan

    def test_several_gpus_are_taken_only_for_what_one_can_not_hold(self, told: Recorder) -> None:
        dataset = load_dataset(self.ctx.paths.undistorted, 96, 8)
        config = TrainConfig(100, 1_000_000, sh_degree=2)
        assert gpus_for(config, dataset, 96, 80 << 30, 8) == 0
        assert gpus_for(config, dataset, 96, 1 << 30, 8) == 8
        assert gpus_for(config, dataset, 96, 1 << 30, 1) == 0
