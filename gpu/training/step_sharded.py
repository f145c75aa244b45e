"""A step of one process of several: what the photos see goes where they are drawn, and back.

As in Grendel-GS (Zhao et al., "On Scaling Up 3D Gaussian Splatting Training", ICLR 2025) and
gsplat's distributed mode: every process projects its own Gaussians into all photos of a step, each
photo's process gets what it sees of all of them, draws it, and sends the gradients back. gsplat's
mode knows no absolute gradients, which say what to split; here they go back with the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpu.training.album import Batch
from gpu.training.draw_cuda import Projected, draw
from gpu.training.recording import Pool
from gpu.training.shards import Route, Shards
from gpu.training.step import Parts
from gpu.training.step_cuda import Kind, RecordedStep, Recording

WIDTHS = (2, 3, 3, 1)  #: Numbers of each of Projected.drawn.


class ShardedStep(RecordedStep):
    """A step of one process of several."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._shards = Shards.here()
        # The processes draw different lots for their Gaussians.
        parts.chance.manual_seed(parts.config.seed * self._shards.world + self._shards.rank)

    def _record(self, kind: Kind, batch: Batch) -> Recording:
        return ShardedRecording(self._parts, kind, batch, self._pool, self._shards)


class ShardedRecording(Recording):
    """A recording whose photos are drawn where they belong."""

    observes = False  # What is seen comes back in pairs, and needs no room for all others.

    def __init__(self, parts: Parts, kind: Kind, batch: Batch, pool: Pool, shards: Shards) -> None:
        self._shards = shards
        super().__init__(parts, kind, batch, pool)

    @property
    def _own(self) -> slice:
        return self._shards.own(self._kind.photos)

    def _draw(self, batch: Batch, backgrounds: Tensor | None) -> Tensor:
        mine, growing = self._own, self._kind.growing
        behind = None if backgrounds is None else backgrounds[mine]
        seen = self._projected.radii.amin(-1) > 0
        route = self._shards.route(seen.sum(1))
        places = seen.flatten().nonzero()[:, 0]
        # What the photos see is not kept until its gradients are sent back: either is large.
        loss, pulls = draw(
            self._exchanged(route, places), batch.some(mine), behind, self._compare, growing=growing
        )
        gradients = pulls.tensors
        del pulls
        self._return(gradients, route, places)
        return loss * self._shards.world

    def _exchanged(self, route: Route, places: Tensor) -> Projected:
        """Return what the own photos see, of the Gaussians of all processes.

        `places` [M] say which pairs of a photo and an own Gaussian are seen, of all B N.
        """
        projected = self._projected
        columns = _columns([*projected.drawn, projected.depths, projected.radii])
        rows = torch.cat([column.flatten(0, 1)[places].float() for column in columns], -1)
        got = route.to_photos(rows)
        *columns, size = torch.split(got, [*WIDTHS, 1, 2], -1)
        means2d, conics, colors, opacities, depth = (t.contiguous() for t in columns)
        return Projected(
            size.int(), depth[:, 0], means2d, conics, colors, opacities[:, 0], route.photos
        )

    def _return(self, pulls: list[Tensor], route: Route, places: Tensor) -> None:
        """Send the gradients to where the Gaussians are; they are not kept here."""
        rows = torch.cat([t if t.dim() == 2 else t[:, None] for t in pulls], -1)
        pulls.clear()
        got = route.to_gaussians(rows)
        *gradients, stretch = torch.split(got, [*WIDTHS, got.shape[-1] - sum(WIDTHS)], -1)
        for into, found in zip(_columns(self._pulls.gradients), gradients, strict=True):
            into.zero_().flatten(0, 1).index_copy_(0, places, found)
        if self._kind.growing:
            which = places % self._projected.radii.shape[1]
            self._parts.strategy.observe_pairs(which, stretch, self._kind.width)


def _columns(drawn: Sequence[Tensor]) -> list[Tensor]:
    """Return positions, conics, colours, opacities and more, each with numbers on the last axis."""
    return [t if t.dim() == 3 else t[..., None] for t in drawn]
