"""What a recorded step compares and tells apart, on the CPU: a graph there does its work anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from gpu.training import compare_cuda, step_cuda
from gpu.training.album import Album, Batch
from gpu.training.compare_cuda import Comparison
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.losses import photo_loss
from gpu.training.step import Parts
from gpu.training.step_cuda import Kind, RecordedStep

HEIGHT, WIDTH, WEIGHT, PART = 24, 32, 0.2, 0.5
CONFIG = TrainConfig(iterations=100, max_gaussians=10, sh_degree=2)


class Graph:
    """Stands for a CUDA graph: to play it back is to do its work once more."""

    work: Callable[[], None]

    def replay(self) -> None:
        self.work()


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_cuda, "aside", nullcontext)
    monkeypatch.setattr(compare_cuda, "recorded", lambda graph, pool: nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)


def photos(seed: int, *, masked: bool) -> Batch:
    """Return two photos, the upper half of which counts where they are masked."""
    make = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (2, HEIGHT, WIDTH, 3), generator=make, dtype=torch.uint8)
    mask = torch.ones(2, HEIGHT, WIDTH, dtype=torch.bool)
    mask[:, HEIGHT // 2 :] = False
    cameras = torch.eye(4).repeat(2, 1, 1), torch.eye(3).repeat(2, 1, 1), torch.zeros(2, 3)
    return Batch(images, *cameras, mask if masked else None)


def recorded_for(batch: Batch) -> Comparison:
    comparison = Comparison(batch, WEIGHT, PART, None)

    def again() -> None:
        comparison._loss.copy_(comparison._compare())

    comparison._graph.work = again  # type: ignore[attr-defined]
    return comparison


def by_autograd(renders: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    leaf = renders.clone().requires_grad_()
    loss = photo_loss(leaf, batch, WEIGHT) * PART
    return loss.detach(), torch.autograd.grad(loss, leaf)[0]


@pytest.mark.parametrize("masked", [False, True])
def test_what_was_recorded_for_some_photos_compares_others(masked: bool) -> None:
    comparison = recorded_for(photos(1, masked=masked))
    others, renders = photos(2, masked=masked), torch.rand(2, HEIGHT, WIDTH, 3)
    if others.masks is not None:
        others.masks[0] = ~others.masks[0]
    loss, gradient = comparison(renders, others)
    torch.testing.assert_close((loss, gradient), by_autograd(renders, others))


def test_a_loss_stays_what_it_was_when_the_next_photos_come() -> None:
    comparison = recorded_for(photos(1, masked=False))
    renders = torch.rand(2, HEIGHT, WIDTH, 3)
    loss, _ = comparison(renders, photos(1, masked=False))
    before = float(loss)
    comparison(1 - renders, photos(2, masked=False))
    assert float(loss) == before


def test_photos_with_and_without_masks_are_recorded_apart() -> None:
    mask = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    blank = torch.zeros(HEIGHT, WIDTH, 3, dtype=torch.uint8)
    views = [
        View(f"{i}", blank, torch.eye(4), torch.eye(3), mask if i % 3 == 0 else None)
        for i in range(12)
    ]
    album = Album(views, [1], torch.device("cpu"))
    order = album.order(2, seed=0)
    batches = [album.batch(next(order), 1) for _ in range(6)]
    kinds = {Kind.of(batch, CONFIG, 0.5): batch.masks is not None for batch in batches}
    assert sorted(kinds.values()) == [False, True]
    assert all(Kind.of(b, CONFIG, 0.5).masked == (b.masks is not None) for b in batches)


def test_what_growth_or_another_degree_has_ended_is_not_kept() -> None:
    batch = photos(1, masked=False)
    early, late = Kind.of(batch, CONFIG, 0.5), Kind.of(batch, CONFIG, 0.9)
    assert late.outlives(early)
    assert not late.outlives(Kind.of(photos(1, masked=True), CONFIG, 0.9))


class Memory:
    """Stands for a GPU's memory, of which 10 are free and torch keeps some `unused`.

    `emptied` is the number of pools that there were, each time that this was given back.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.unused, self.pools, self.emptied = 0, 0, list[int]()
        monkeypatch.setattr(torch.cuda, "graph_pool_handle", self._pool)
        monkeypatch.setattr(torch.cuda, "empty_cache", self._empty)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 3)
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 3 + self.unused)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (10, 80))
        monkeypatch.setattr(step_cuda, "recorded", lambda graph, pool: nullcontext())

    def _pool(self) -> int:
        self.pools += 1
        return self.pools

    def _empty(self) -> None:
        self.emptied.append(self.pools)
        self.unused = 0


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    return Memory(monkeypatch)


def begun() -> RecordedStep:
    return RecordedStep(Parts(CONFIG, 1.0, None, None, torch.Generator()))  # type: ignore[arg-type]


@pytest.mark.parametrize(("unused", "emptied"), [(4, []), (6, [1])])
def test_what_recordings_have_left_is_given_back_when_it_is_half_of_what_is_free(
    memory: Memory, unused: int, emptied: list[int]
) -> None:
    step = begun()
    memory.unused = unused
    step.forget()
    assert memory.emptied == emptied
    assert step._pool == 1 + len(emptied)  # The next recordings have a pool of their own.


@pytest.mark.parametrize(("unused", "emptied"), [(4, []), (6, [0])])
def test_so_is_what_the_run_before_has_left_before_anything_is_recorded(
    memory: Memory, unused: int, emptied: list[int]
) -> None:
    memory.unused = unused
    begun()
    assert memory.emptied == emptied
