"""Gaussians divided among processes: what is sent arrives where it belongs, and comes back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import torch.distributed
import torch.multiprocessing

from gpu.gaussians import Gaussians
from gpu.job import JobSpec, Source
from gpu.training.config import TrainConfig
from gpu.training.shards import Shards

#: Five Gaussians in two processes, and four photos in a step.
GAUSSIANS, WORLD, PHOTOS = 5, 2, 4


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
    """Send (photo, Gaussian) pairs to the photos' processes and back; keep what was seen."""
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=WORLD)
    shards = Shards.here()
    mine = shards.part(scene())
    counts = shards.counts(len(mine), torch.device("cpu"))
    photo = torch.arange(PHOTOS, dtype=torch.float32)[:, None].expand(-1, len(mine))
    pairs = torch.stack([photo, mine.logit_opacities.expand(PHOTOS, -1)], -1)
    there = shards.to_photos(pairs, counts)
    found = {
        "there": there,
        "returned": torch.equal(shards.to_gaussians(there, counts), pairs),
        "gathered": shards.gathered(mine).logit_opacities,
        "own": shards.own(PHOTOS),
    }
    torch.save(found, Path(out) / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.skipif(sys.platform != "linux", reason="the droplets run Linux")
def test_each_photo_gets_all_gaussians_and_sends_their_gradients_back(tmp_path: Path) -> None:
    meeting = f"file://{tmp_path}/meeting"
    torch.multiprocessing.spawn(work, (meeting, str(tmp_path)), nprocs=WORLD)  # type: ignore[no-untyped-call]
    for rank in range(WORLD):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=False)
        there = found["there"]
        assert there[:, 0, 0].tolist() == list(range(PHOTOS))[found["own"]]
        assert there[0, :, 1].tolist() == [0, 2, 4, 1, 3]
        assert found["returned"]
        assert found["gathered"].tolist() == [0, 2, 4, 1, 3]


def test_all_processes_together_train_with_the_config() -> None:
    spec = JobSpec("j", "d", Source(path="."), preset="best")
    whole = TrainConfig.of(spec, torch.device("cuda"), 40, 50_000)
    part = Shards(1, 3).config(whole)
    assert part.max_gaussians * 3 == pytest.approx(whole.max_gaussians, abs=3)
    assert part.opacity_weight * 3 == pytest.approx(whole.opacity_weight)
    assert part.views_per_step == 6 >= whole.views_per_step
