"""The training loop: a few photos a step, Adam, more Gaussians where the loss pulls most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training import schedules
from gpu.training.album import Album
from gpu.training.checkpoint import STEPS, Keeps, State, part_of
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.optimizer import SceneOptimizer
from gpu.training.step import Parts, Step
from gpu.training.strategy import Strategy

#: Called after every step with the part that is done, the loss (a scalar on the device: reading it
#: waits for the GPU) and the Gaussians.
Watch = Callable[[float, Tensor, Gaussians], None]


def train(
    gaussians: Gaussians,
    views: Sequence[View],
    config: TrainConfig,
    device: torch.device,
    watch: Watch | None = None,
    keeper: Keeps | None = None,
) -> Gaussians:
    """Return Gaussians that render like the photos of `views`, on `device`.

    Deterministic on the CPU for one seed and number of cores, also when it goes on from what a
    `keeper` has found. The keeper has the last state too.
    """
    run = Run(gaussians.to(device), config, scene_extent(views), step_for(views))
    if keeper is not None and keeper.found is not None:
        run.restore(keeper.found.state)
    for _ in steps(run, views, config, device, min(config.views_per_step, len(views)), watch):
        if keeper is not None:
            keeper.offer(run.steps, config.iterations, run.state)
    if keeper is not None:
        keeper.keep(run.steps, config.iterations, run.state())
    return run.gaussians.detach()


def steps(
    run: Run,
    views: Sequence[View],
    config: TrainConfig,
    device: torch.device,
    photos: int,
    watch: Watch | None,
) -> Iterator[None]:
    """Take what is left of a run's steps, each towards so many `photos`; yield after each.

    What is watched is the scene before a refinement: Gaussians that were just split leave holes.
    """
    album = Album(views, schedules.reductions(config), device)
    for some in islice(album.order(photos, config.seed), run.steps, config.iterations):
        loss = run.step(album, some)
        if watch is not None:
            watch(run.done, loss, run.gaussians)
        run.refine()
        yield


def step_on(device: torch.device) -> type[Step]:
    """Return the kind of step that is fastest on a device."""
    if device.type != "cuda":
        return Step
    from gpu.training.step_cuda import RecordedStep

    return RecordedStep


def step_for(views: Sequence[View]) -> type[Step] | None:
    """Return the kind of step that a lens needs, which can not be recorded; None for pinholes."""
    return Step if any(view.lens is not None for view in views) else None


class Run:
    """The state of a training run: after `steps` steps, with what the next one depends on.

    The order of the photos is not part of it: it follows from the seed and the number of steps.
    """

    def __init__(
        self,
        gaussians: Gaussians,
        config: TrainConfig,
        extent: float,
        kind: type[Step] | None = None,
    ) -> None:
        """Start with some Gaussians; `kind` None takes the kind of step that is fastest there."""
        self.steps = 0
        self._config, self._extent = config, extent
        self._optimizer = SceneOptimizer(gaussians, config.rates)
        self._strategy = Strategy()
        self._chance = torch.Generator(gaussians.means.device).manual_seed(config.seed)
        self._first = len(gaussians)
        parts = Parts(config, extent, self._optimizer, self._strategy, self._chance)
        self._step = (kind or step_on(gaussians.means.device))(parts)

    @property
    def gaussians(self) -> Gaussians:
        return self._optimizer.gaussians

    @property
    def done(self) -> float:
        """The part of the iterations that is over, 0 to 1."""
        return self.steps / self._config.iterations

    def step(self, album: Album, photos: Sequence[int]) -> Tensor:
        """Step towards some of the photos; return the loss, a scalar."""
        done = self.done
        loss = self._step(album.batch(photos, schedules.reduction(self._config, done)), done)
        self.steps += 1
        return loss

    def refine(self) -> None:
        """Drop and split Gaussians if it is time to after the last step."""
        config, done = self._config, (self.steps - 1) / self._config.iterations
        if self.steps % config.refine_every or done >= config.grow_until:
            return
        target = schedules.target_count(config, done, self._first)
        self._step.forget()  # First: what it keeps of the old ones makes room for the new.
        refined = self._strategy.refine(self.gaussians, target)
        self._optimizer.replace(refined.gaussians, refined.parents, refined.fresh)

    def state(self) -> State:
        """Return all that the next steps depend on besides photos and config; not copied."""
        return {
            STEPS: torch.tensor([self.steps, self._first]),
            "run/chance": self._chance.get_state(),
            **{f"optimizer/{name}": t for name, t in self._optimizer.state().items()},
            **{f"strategy/{name}": t for name, t in self._strategy.state().items()},
        }

    def restore(self, state: State) -> None:
        """Go on where the run was whose state this is; its tensors may be on another device."""
        device = self.gaussians.means.device
        self.steps, self._first = state[STEPS].tolist()
        self._chance.set_state(state["run/chance"])
        # Copies on the CPU too: steps change them where they lie, and the state is its owner's.
        there = {name: tensor.to(device, copy=True) for name, tensor in state.items()}
        self._optimizer.restore(part_of(there, "optimizer"))
        self._strategy.restore(part_of(there, "strategy"))
        self._limit(self._config.max_gaussians)
        self._step.forget()

    def _limit(self, most: int) -> None:
        """Keep the most opaque Gaussians where there are too many: the memory did not suffice."""
        if len(self.gaussians) > most:
            kept = most_opaque(self.gaussians, most)
            fresh = torch.zeros_like(kept, dtype=torch.bool)
            self._optimizer.replace(self.gaussians.select(kept), kept, fresh)
            self._strategy.forget()


def most_opaque(gaussians: Gaussians, most: int) -> Tensor:
    """Return the indices of the most opaque Gaussians, in their order."""
    return gaussians.opacities.topk(min(most, len(gaussians))).indices.sort().values


def scene_extent(views: Sequence[View]) -> float:
    """Return the radius of the cameras' positions around their mean, world units (as in 3DGS)."""
    positions = torch.stack([view.position for view in views])
    return max(float((positions - positions.mean(0)).norm(dim=1).max()) * 1.1, 1e-3)
