"""The way from projected Gaussians to gradients, with a rasterizer of a few lines for gsplat's."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import pytest
import torch
from torch import Tensor

from gpu.training.album import Batch
from gpu.training.compare_cuda import Comparison
from gpu.training.config import TrainConfig
from gpu.training.draw_cuda import Projected, Pulls, draw
from gpu.training.shards import Route, Shards
from gpu.training.step import Parts
from gpu.training.step_cuda import Kind
from gpu.training.step_sharded import ShardedRecording
from gpu.training.strategy import Strategy

PHOTOS, GAUSSIANS, HEIGHT, WIDTH = 4, 6, 12, 16
CONFIG = TrainConfig(iterations=100, max_gaussians=10, sh_degree=2)


def render(
    means2d: Tensor, conics: Tensor, colors: Tensor, opacities: Tensor
) -> tuple[Tensor, Tensor]:
    """Add up soft dots, [B, H, W, 3], and how opaque they are together, [B, H, W, 1]."""
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    x, y = (columns - means2d[..., 0, None, None]), (rows - means2d[..., 1, None, None])
    a, b, c = (conics[..., i, None, None] for i in range(3))
    weight = opacities[..., None, None] * torch.exp(-(a * x * x + b * x * y + c * y * y) / 50)
    return torch.einsum("bnhw,bnc->bhwc", weight, colors), weight.sum(1)[..., None] / GAUSSIANS


def before(renders: Tensor, alphas: Tensor, backgrounds: Tensor) -> Tensor:
    """Put a colour behind each photo's render."""
    return renders + (1 - alphas) * backgrounds[:, None, None]


def gsplat() -> ModuleType:
    """Return what `draw` asks of gsplat; the absolute gradient of a position is 7, say."""
    module, order = ModuleType("gsplat"), {}

    def intersect(
        _m: Tensor, radii: Tensor, _d: Tensor, *_: int, image_ids: Tensor | None, **_more: object
    ) -> tuple[Tensor, ...]:
        order["seen"], order["photos"] = radii.amin(-1) > 0, image_ids
        return (torch.empty(0),) * 3

    def rasterize(
        *arguments: Tensor, backgrounds: Tensor | None, packed: bool, absgrad: bool
    ) -> tuple[Tensor, Tensor]:
        means2d, conics, colors, opacities = arguments[:4]
        if absgrad:
            means2d.absgrad = torch.full_like(means2d, 7.0)  # type: ignore[attr-defined]
        drawn = means2d, conics, colors, opacities * order["seen"]
        photos = order["photos"]
        assert packed == (photos is not None)
        if photos is not None:
            assert backgrounds is None, "gsplat takes none of pairs"
            count = int(photos.max()) + 1
            each = [render(*(t[photos == i][None] for t in drawn)) for i in range(count)]
            renders, alphas = map(torch.cat, zip(*each, strict=True))
            return renders, alphas
        assert backgrounds is not None
        renders, alphas = render(*drawn)
        return before(renders, alphas, backgrounds), alphas

    def offsets(_order: Tensor, count: int, width: int, height: int) -> Tensor:
        return torch.zeros(count * width * height)

    vars(module).update(
        isect_tiles=intersect,
        isect_offset_encode=offsets,
        rasterize_to_pixels=rasterize,
    )
    return module


class Squares(Comparison):
    """Compares by squares, where there are no graphs."""

    def __init__(self) -> None:
        """Record nothing."""

    def __call__(self, renders: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        difference = renders - batch.pixels
        return difference.square().sum(), 2 * difference


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gsplat", gsplat())


def seen() -> Projected:
    make = torch.Generator().manual_seed(0)
    numbers = torch.rand(PHOTOS, GAUSSIANS, 9, generator=make)
    means2d, conics, colors, opacity = torch.split(numbers, [2, 3, 3, 1], -1)
    radii = torch.randint(0, 4, (PHOTOS, GAUSSIANS, 2), generator=make, dtype=torch.int32)
    depths = torch.arange(PHOTOS * GAUSSIANS, dtype=torch.float32)
    return Projected(
        radii, depths.view(PHOTOS, GAUSSIANS),
        means2d * 10, conics, colors, opacity[..., 0].contiguous(),
    )  # fmt: skip


def visible() -> Tensor:
    """Which photo [B, N] sees which Gaussian at all."""
    return seen().radii.amin(-1) > 0


def photos() -> Batch:
    make = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (PHOTOS, HEIGHT, WIDTH, 3), generator=make, dtype=torch.uint8)
    cameras = torch.eye(4).repeat(PHOTOS, 1, 1), torch.eye(3).repeat(PHOTOS, 1, 1)
    return Batch(images, *cameras, torch.zeros(PHOTOS, 3))


BACKGROUNDS = torch.linspace(0, 1, PHOTOS * 3).view(PHOTOS, 3)


def by_autograd() -> tuple[Tensor, Sequence[Tensor]]:
    """Return the loss of all photos and its gradients by what is drawn."""
    leaves = [t.clone().requires_grad_() for t in seen().drawn]
    *others, opacities = leaves
    renders = before(*render(*others, opacities * visible()), BACKGROUNDS)
    loss = (renders - photos().pixels).square().sum()
    return loss.detach(), torch.autograd.grad(loss, leaves)


@pytest.mark.parametrize("growing", [True, False])
def test_the_gradients_of_what_was_projected_are_those_of_the_loss(growing: bool) -> None:
    projected = seen()
    loss, pulls = draw(projected, photos(), BACKGROUNDS, Squares(), growing=growing)
    true_loss, gradients = by_autograd()
    torch.testing.assert_close(loss, true_loss)
    torch.testing.assert_close(list(pulls.gradients), list(gradients))
    assert (pulls.stretch is not None) == growing
    if pulls.stretch is not None:
        assert pulls.stretch.eq(7).all()


@dataclass(frozen=True)
class Beside(Shards):
    """One process of two, whose other one has nothing but the other half of all."""

    def route(self, seen: Tensor) -> Route:
        mine, own = half(self.rank, GAUSSIANS), self.own(PHOTOS)
        assert seen.tolist() == visible()[:, mine].sum(1).tolist()
        halves = [visible()[own, half(rank, GAUSSIANS)].nonzero() for rank in range(self.world)]
        return Way([], [], torch.cat(halves)[:, 0], self)


@dataclass(frozen=True)
class Way(Route):
    """Checks what one process of two sends, and answers for the other one."""

    process: Beside

    def to_photos(self, rows: Tensor) -> Tensor:
        assert torch.equal(rows, self.here(columns(seen())))
        return self.there(columns(seen()))

    def to_gaussians(self, rows: Tensor) -> Tensor:
        _, gradients = by_autograd()
        *others, opacities = gradients
        whole = torch.cat([*others, opacities[..., None]], -1)
        whole = torch.cat([whole, torch.full_like(others[0], 7.0)], -1)
        torch.testing.assert_close(rows, self.there(whole))
        return self.here(whole)

    def here(self, everything: Tensor) -> Tensor:
        """What all photos see of the own Gaussians, of [B, N, D]."""
        mine = half(self.process.rank, GAUSSIANS)
        return everything[:, mine][visible()[:, mine]]

    def there(self, everything: Tensor) -> Tensor:
        """What the own photos see, first of one process's Gaussians, then of the other's."""
        own, both = self.process.own(PHOTOS), [half(rank, GAUSSIANS) for rank in range(2)]
        return torch.cat([everything[own, each][visible()[own, each]] for each in both])


def half(rank: int, count: int) -> slice:
    return slice(rank * count // 2, (rank + 1) * count // 2)


def columns(projected: Projected) -> Tensor:
    """Return what is sent of every Gaussian in every photo, in its order."""
    *others, opacities = projected.drawn
    rest = [opacities[..., None], projected.depths[..., None], projected.radii.float()]
    return torch.cat([*others, *rest], -1)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_draws_what_its_photos_see_and_gets_what_pulls_at_its_own_gaussians(
    rank: int,
) -> None:
    recording = object.__new__(ShardedRecording)
    mine = half(rank, GAUSSIANS)
    own = Projected(*(tensor[:, mine].contiguous() for tensor in seen()[:6]))
    recording._shards, recording._projected = Beside(rank, 2), own
    recording._kind = Kind(PHOTOS, WIDTH, HEIGHT, masked=False, sh_degree=0, growing=True)
    recording._pulls, recording._compare = Pulls.like(own.drawn, growing=False), Squares()
    strategy = Strategy()
    strategy.watch(GAUSSIANS // 2, torch.device("cpu"))
    recording._parts = Parts(CONFIG, 1.0, None, strategy, torch.Generator())  # type: ignore[arg-type]
    for pull in recording._pulls.tensors:
        pull.fill_(3.0)  # What the step before has left.
    recording._draw(photos(), BACKGROUNDS)
    _, gradients = by_autograd()
    got = list(recording._pulls.gradients)
    torch.testing.assert_close(got, [gradient[:, mine] for gradient in gradients])
    seen_by = visible()[:, mine].sum(0)
    assert torch.equal(strategy.state()["seen"], seen_by.float())
    torch.testing.assert_close(strategy.state()["pull"], seen_by * math.hypot(7, 7) * WIDTH / 2)
