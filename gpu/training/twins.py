"""Two scenes trained from the same photos, made one: what only one of them believes counts half.

What the photos leave open, each training fills in by chance: floaters, the depth of what one
photo shows, colours beside the photos. The mean picture of several trainings is better than any of
them, but not a scene. The Gaussians of two of them, each with the opacity of which two make one,
are: where both agree they look as either does, and elsewhere the light passes through both. A few
steps settle the rest. What that is worth is in bench/results.md.

An ensemble of scenes that are trained side by side is in CoR-GS (Zhang et al., ECCV 2024), which
compares them while they train and keeps one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training.checkpoint import PIECE, STEPS, Checkpoint, Keeper, State, part_of
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.init import evenly
from gpu.training.trainer import Watch, most_opaque, train

PART = 0.45  #: of all steps are each twin's; the rest is theirs together
OTHER = 1 << 16  #: added to the seed of the second
MEANS_FINAL = 4e-5  #: to which a twin's rate of the positions falls, in scene extents
#: Where the rate of the positions begins and ends for both together, and which part of their first
#: values the other rates begin with, of which they end with another part.
TOGETHER_MEANS, TOGETHER_RATES, TOGETHER_FINAL = (1.2e-5, 4e-6), 0.3, 0.3
LIMIT = 1e-6  #: opacities are kept so far from 0 and 1
ELDER = "twin"  #: what the first one's tensors are called in a state of the second
SCENES = ("first of two scenes", "second of two scenes", "both scenes as one")


@dataclass(frozen=True)
class Piece:
    """Some of a run's steps, those after `begin` up to `end`, as if they were a run of their own.

    It stands for the run's keeper and its watch, who count all `total` steps. What it has `beside`
    is kept with its states, and its number.
    """

    number: int
    begin: int
    end: int
    total: int
    watching: Watch | None
    keeper: Keeper | None
    beside: State = field(default_factory=dict)

    @property
    def steps(self) -> int:
        return self.end - self.begin

    @property
    def found(self) -> Checkpoint | None:
        """The state to go on from, where what was kept is of this piece."""
        found = self.keeper.found if self.keeper is not None else None
        if found is None or found.piece != self.number:
            return None
        return replace(found, state=later(found.state, -self.begin))

    def offer(self, step: int, _iterations: int, state: Callable[[], State]) -> None:
        """Keep the state after a step of this piece if it is time to."""
        if self.keeper is not None:
            self.keeper.offer(self.begin + step, self.total, lambda: self._whole(state()))

    def keep(self, step: int, _iterations: int, state: State) -> None:
        """Keep the last state of all; that of another piece is not needed any more."""
        if self.keeper is not None and self.end == self.total:
            self.keeper.keep(self.begin + step, self.total, self._whole(state))

    def watch(self, done: float, loss: Tensor, gaussians: Gaussians) -> None:
        """Pass on what a step has come to."""
        if self.watching is not None:
            self.watching((self.begin + done * self.steps) / self.total, loss, gaussians)

    def _whole(self, state: State) -> State:
        return later(state, self.begin) | {PIECE: torch.tensor(self.number)} | self.beside


def later(state: State, steps: int) -> State:
    """Return a run's state with so many more steps behind it."""
    taken, first = state[STEPS].tolist()
    return state | {STEPS: torch.tensor([taken + steps, first])}


def grow(
    gaussians: Gaussians,
    views: Sequence[View],
    config: TrainConfig,
    device: torch.device,
    watch: Watch | None = None,
    keeper: Keeper | None = None,
) -> Gaussians:
    """Train as twins where the config says so, else as `train`; return what is handed out."""
    if config.alone is None:
        trained = train(gaussians, views, config, device, watch, keeper)
    else:
        all_pieces = pieces(config.iterations, watch, keeper)
        trained = _as_twins(gaussians, views, config, device, all_pieces)
    return wider(trained, config.wider)


def _as_twins(
    gaussians: Gaussians,
    views: Sequence[View],
    config: TrainConfig,
    device: torch.device,
    all_pieces: Sequence[Piece],
) -> Gaussians:
    first, second, last = all_pieces
    if last.found is None:
        each = config.max_gaussians // 2
        start = gaussians
        if len(start) > each:
            start = start.select(evenly(len(start), each).to(start.means.device))
        elder = found_elder(second, each, device)
        if elder is None:
            elder = train(start, views, twin(config, first, 0), device, first.watch, first)
        second = replace(second, beside={f"{ELDER}/{k}": t for k, t in elder.tensors().items()})
        younger = train(start, views, twin(config, second, OTHER), device, second.watch, second)
        gaussians = merged(elder, younger)
        del start, elder, second, younger  # All that is kept of them is in the one scene.
    return train(gaussians, views, settling(config, last), device, last.watch, last)


def pieces(total: int, watch: Watch | None, keeper: Keeper | None) -> list[Piece]:
    """Return the steps of one twin, of the other, and of both together."""
    parts = enumerate(spans(total))
    return [Piece(i, begin, end, total, watch, keeper) for i, (begin, end) in parts]


def spans(total: int) -> list[tuple[int, int]]:
    """Return after which of all steps each piece begins and ends."""
    each = round(total * PART)
    return list(pairwise((0, each, 2 * each, total)))


def place(step: int, total: int) -> tuple[str, float]:
    """Return which scene a step of all is of, in words, and the part of it that is over then."""
    parts = zip(spans(total), SCENES, strict=True)
    return next((scene, (step - a) / (b - a)) for (a, b), scene in parts if step <= b)


def found_elder(second: Piece, most: int, device: torch.device) -> Gaussians | None:
    """Return at most so many Gaussians of the first twin where it was kept beside the second."""
    if second.found is None:
        return None
    elder = Gaussians(**part_of(second.found.state, ELDER))
    return elder.select(most_opaque(elder, most)).to(device)


def twin(config: TrainConfig, piece: Piece, other: int) -> TrainConfig:
    """Return the config of one of the twins, with a number to add to the seed."""
    return replace(
        config,
        iterations=piece.steps,
        max_gaussians=config.max_gaussians // 2,
        rates=replace(config.rates, means_final=MEANS_FINAL),
        seed=config.seed + other,
        alone=None,
    )


def settling(config: TrainConfig, piece: Piece) -> TrainConfig:
    """Return the config of what both are trained with together."""
    means, means_final = TOGETHER_MEANS
    rates = config.rates.slower(TOGETHER_RATES)
    return replace(
        config.continued(piece.steps),
        rates=replace(rates, means=means, means_final=means_final, final=TOGETHER_FINAL),
        grow_until=0.0,
    )


def merged(a: Gaussians, b: Gaussians) -> Gaussians:
    """Return the Gaussians of two scenes as one, which lets through as much as they on the mean.

    The mean is the geometric one: of a Gaussian of opacity o it leaves 1 - sqrt(1 - o).
    """
    tensors = {name: torch.cat([t, b.tensors()[name]]) for name, t in a.tensors().items()}
    opacities = torch.cat([a.opacities, b.opacities]).clamp(LIMIT, 1 - LIMIT)
    return Gaussians(**{**tensors, "logit_opacities": (1 - (1 - opacities).sqrt()).logit()})


def wider(gaussians: Gaussians, factor: float) -> Gaussians:
    """Return the Gaussians so many times as large.

    Few photos are fitted a little too sharply: those that were not trained on like it wider.
    """
    return replace(gaussians, log_scales=gaussians.log_scales + math.log(factor))
