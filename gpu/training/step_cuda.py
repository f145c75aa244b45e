"""A step on the GPU that is not held up by Python.

A step is some 120 small kernels and a few large ones: started one by one, they take longer than
they run. Those before and after the tiles are drawn depend on nothing but the number of Gaussians
and the size of the photos, so they are recorded as CUDA graphs and played back with a call each:

    project    activations, harmonics, projection: recorded
    draw       tiles, compositing, the loss and its gradient: not recorded, tiles vary in number
    descend    the gradients of `project`, regularisation, what densification sees, Adam: recorded

It is the same arithmetic as `Step`'s. After a refinement the graphs are recorded again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from gpu.rendering.harmonics import harmonics_colors
from gpu.training import schedules
from gpu.training.album import Batch
from gpu.training.draw_cuda import Projected, Pulls, draw
from gpu.training.losses import regularise, thinned
from gpu.training.step import Parts, Step

Pool: TypeAlias = Any  #: torch's name of a part of the GPU's memory, private to torch


class Kind(NamedTuple):
    """What a recording depends on, besides the Gaussians."""

    photos: int
    width: int
    height: int
    sh_degree: int
    growing: bool


class RecordedStep(Step):
    """A step whose small kernels are recorded once for each kind of step, and played back."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._recordings: dict[Kind, Recording] = {}
        # Recordings are played one after the other, and may share memory for what lies between. A
        # pool ends with its last graph: an empty one keeps it.
        self._pool: Pool = torch.cuda.graph_pool_handle()
        self._anchor = torch.cuda.CUDAGraph()
        with recorded(self._anchor, self._pool):
            torch.zeros(1, device=parts.chance.device)

    def __call__(self, batch: Batch, done: float) -> Tensor:
        config = self._parts.config
        degree = schedules.sh_degree(config, done)
        size = len(batch.images), batch.width, batch.height
        kind = Kind(*size, degree, done < config.grow_until)
        if kind not in self._recordings:
            self._recordings[kind] = self._record(kind, batch)
        recording = self._recordings[kind]
        if config.dropout:
            recording.noise.uniform_(generator=self._parts.chance)
            recording.dropout.fill_(config.dropout * done)
        self._set_rates(done)
        return recording.play(batch, self._backgrounds(batch))

    def forget(self) -> None:
        self._recordings.clear()

    def _record(self, kind: Kind, batch: Batch) -> Recording:
        return Recording(self._parts, kind, batch, self._pool)


@contextmanager
def aside() -> Iterator[None]:
    """Work on a stream of its own, as recording has to, in order with the current stream."""
    here, side = torch.cuda.current_stream(), _side()
    side.wait_stream(here)
    with torch.cuda.stream(side):
        yield
    here.wait_stream(side)


@cache
def _side() -> torch.cuda.Stream:
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]


@contextmanager
def recorded(graph: torch.cuda.CUDAGraph, pool: Pool) -> Iterator[None]:
    """Record what is started within; unlike torch.cuda.graph without emptying torch's caches."""
    with aside():
        # Another thread may copy a checkpoint meanwhile: only this one must not wait for the GPU.
        graph.capture_begin(pool, capture_error_mode="thread_local")
        try:
            yield
        finally:
            graph.capture_end()


class Recording:
    """The two graphs of one kind of step, and the memory that they read and write."""

    def __init__(self, parts: Parts, kind: Kind, batch: Batch, pool: Pool) -> None:
        self._parts, self._kind = parts, kind
        self._cameras = [t.clone() for t in (batch.viewmats, batch.Ks, batch.positions)]
        device = batch.viewmats.device
        count = len(parts.optimizer.gaussians) if parts.config.dropout else 0
        self.noise, self.dropout = torch.ones(count, device=device), torch.zeros((), device=device)
        if kind.growing:
            parts.strategy.watch(len(parts.optimizer.gaussians), device)
        self._warm_up()
        self._project, self._descend = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        with recorded(self._project, pool):
            self._projected = self._seen()
        self._pulls = Pulls.like(self._projected.drawn, growing=kind.growing)
        with recorded(self._descend, pool):
            self._go()

    def play(self, batch: Batch, backgrounds: Tensor | None) -> Tensor:
        """Take a step along the gradients of a batch's loss, and return the loss."""
        cameras = batch.viewmats, batch.Ks, batch.positions
        for mine, theirs in zip(self._cameras, cameras, strict=True):
            mine.copy_(theirs)
        self._project.replay()
        loss = self._draw(batch, backgrounds)
        self._descend.replay()
        return loss

    def _warm_up(self) -> None:
        """Run once what will be recorded: kernels are loaded when they are first used."""
        with aside():
            drawn = self._seen().drawn
            leaves = list(self._parts.optimizer.gaussians.tensors().values())
            torch.autograd.grad(drawn, leaves, [torch.zeros_like(t) for t in drawn])

    def _seen(self) -> Projected:
        """Return the Gaussians as the photos see them."""
        from gsplat import fully_fused_projection

        viewmats, Ks, positions = self._cameras
        gaussians, kind = self._parts.optimizer.gaussians, self._kind
        opacities = thinned(gaussians.opacities, self.dropout, self.noise)
        directions = gaussians.means - positions[:, None]
        colors = harmonics_colors(kind.sh_degree, directions, gaussians.sh)
        radii, means2d, depths, conics, ratios = fully_fused_projection(
            gaussians.means,
            None,
            gaussians.quats,
            gaussians.scales,
            viewmats,
            Ks,
            kind.width,
            kind.height,
            calc_compensations=True,
            opacities=opacities,
        )
        return Projected(radii, depths, means2d, conics, colors, opacities * ratios)

    def _draw(self, batch: Batch, backgrounds: Tensor | None) -> Tensor:
        """Write the gradients of a batch's loss by what was projected; return the loss."""
        weight, photos = self._parts.config.ssim_weight, self._kind.photos
        return draw(self._projected, batch, backgrounds, weight, self._pulls, photos)

    def _go(self) -> None:
        """Finish the gradients and take Adam's step."""
        parts, gaussians = self._parts, self._parts.optimizer.gaussians
        leaves = list(gaussians.tensors().values())
        gradients = torch.autograd.grad(self._projected.drawn, leaves, self._pulls.gradients)
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.grad = (
                gradient.contiguous()
            )  # As Adam's kernel wants it: the harmonics' are a part.
        regularise(gaussians, parts.config, parts.extent)
        if self._pulls.stretch is not None:
            parts.strategy.observe(self._pulls.stretch, self._projected.radii, self._kind.width)
        parts.optimizer.step()
