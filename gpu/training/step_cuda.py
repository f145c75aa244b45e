"""A step on the GPU that is not held up by Python.

A step is some 150 small kernels and a few large ones: started one by one, they take longer than
they run. Most depend on nothing but the number of Gaussians and the size of the photos, so they are
recorded as CUDA graphs and played back with a call each:

    project    activations, harmonics, projection: recorded
    draw       tiles and compositing, and their gradients: not recorded, tiles vary in number
    compare    the loss, between the two halves of `draw`: recorded (gpu.training.compare_cuda)
    descend    the gradients of `project`, regularisation, what densification sees, Adam: recorded

It is the same arithmetic as `Step`'s. After a refinement the graphs are recorded again.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gpu.training import schedules
from gpu.training.album import Batch
from gpu.training.compare_cuda import Comparison
from gpu.training.config import TrainConfig
from gpu.training.draw_cuda import Projected, Pulls, draw
from gpu.training.losses import regularise, thinned
from gpu.training.recording import Pool, aside, is_hoarding, recorded
from gpu.training.step import Parts, Step


class Kind(NamedTuple):
    """What a recording depends on, besides the Gaussians."""

    photos: int
    width: int
    height: int
    masked: bool
    sh_degree: int
    growing: bool

    @classmethod
    def of(cls, batch: Batch, config: TrainConfig, done: float) -> Kind:
        """Return the kind of step that a batch needs when a part `done` of all is over."""
        size = len(batch.images), batch.width, batch.height
        degree, growing = schedules.sh_degree(config, done), done < config.grow_until
        return cls(*size, batch.masks is not None, degree, growing)

    def outlives(self, other: Kind) -> bool:
        """Whether no step of the other kind comes after one of this kind."""
        return (self.sh_degree, self.growing) != (other.sh_degree, other.growing)


class RecordedStep(Step):
    """A step whose small kernels are recorded once for each kind of step, and played back."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._recordings: dict[Kind, Recording] = {}
        if is_hoarding():  # A run before has left it, and none is given back while one records.
            torch.cuda.empty_cache()
        self._fill_pool()

    def _fill_pool(self) -> None:
        """Begin a pool of memory for recordings.

        They are played one after the other, and may share memory for what lies between. A pool
        ends with its last graph: an empty one keeps it.
        """
        self._pool: Pool = torch.cuda.graph_pool_handle()
        self._anchor = torch.cuda.CUDAGraph()
        with recorded(self._anchor, self._pool):
            torch.zeros(1, device=self._parts.chance.device)

    def __call__(self, batch: Batch, done: float) -> Tensor:
        config = self._parts.config
        kind = Kind.of(batch, config, done)
        if kind not in self._recordings:
            for over in [other for other in self._recordings if kind.outlives(other)]:
                del self._recordings[over]
            self._recordings[kind] = self._record(kind, batch)
        recording = self._recordings[kind]
        if config.dropout:
            recording.noise.uniform_(generator=self._parts.chance)
            recording.dropout.fill_(config.dropout * done)
        self._set_rates(done)
        return recording.play(batch, self._backgrounds(batch))

    def forget(self) -> None:
        self._recordings.clear()
        if is_hoarding():
            del self._anchor  # First: to begin another pool takes memory, and there may be none.
            torch.cuda.empty_cache()
            self._fill_pool()

    def _record(self, kind: Kind, batch: Batch) -> Recording:
        return Recording(self._parts, kind, batch, self._pool)


class Recording:
    """The graphs of one kind of step, and the memory that they read and write."""

    #: Whether what densification sees is added up in `descend`, from all photos and Gaussians.
    observes = True

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
        watched = kind.growing and self.observes
        self._pulls = Pulls.like(self._projected.drawn, growing=watched)
        own = batch.some(self._own)
        part, weight = len(own.images) / kind.photos, parts.config.ssim_weight
        # Recorded where it is played, between the two: earlier or later it could be given memory
        # that `descend` still needs.
        self._compare = Comparison(own, weight, part, pool)
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

    @property
    def _own(self) -> slice:
        """Which photos of a batch are drawn here."""
        return slice(None)

    def _warm_up(self) -> None:
        """Run once what will be recorded: kernels are loaded when they are first used."""
        self._parts.optimizer.prepare()
        with aside():
            drawn = self._seen().drawn
            leaves = list(self._parts.optimizer.gaussians.tensors().values())
            torch.autograd.grad(drawn, leaves, [torch.zeros_like(t) for t in drawn])

    def _seen(self) -> Projected:
        """Return the Gaussians as the photos see them."""
        from gsplat import fully_fused_projection

        from gpu.training.harmonics_cuda import SeenColors

        viewmats, Ks, positions = self._cameras
        gaussians, kind = self._parts.optimizer.gaussians, self._kind
        opacities = thinned(gaussians.opacities, self.dropout, self.noise)
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
        lit = gaussians.means, positions, gaussians.sh0, gaussians.shN, radii
        colors = SeenColors.apply(kind.sh_degree, *lit)  # type: ignore[no-untyped-call]
        return Projected(radii, depths, means2d, conics, colors, opacities * ratios)

    def _draw(self, batch: Batch, backgrounds: Tensor | None) -> Tensor:
        """Write the gradients of a batch's loss by what was projected; return the loss."""
        growing = self._kind.growing
        loss, pulls = draw(self._projected, batch, backgrounds, self._compare, growing=growing)
        self._pulls.copy_(pulls)
        return loss

    def _go(self) -> None:
        """Finish the gradients and take Adam's step."""
        parts, gaussians = self._parts, self._parts.optimizer.gaussians
        leaves = list(gaussians.tensors().values())
        gradients = torch.autograd.grad(self._projected.drawn, leaves, self._pulls.gradients)
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.grad = gradient.contiguous()  # Adam's kernel reads memory in its order.
        regularise(gaussians, parts.config, parts.extent)
        if self._pulls.stretch is not None:
            parts.strategy.observe(self._pulls.stretch, self._projected.radii, self._kind.width)
        parts.optimizer.step()
