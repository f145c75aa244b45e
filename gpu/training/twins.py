"""Two or three scenes trained from the same photos, made one: what only one believes counts less.

What the photos leave open, each training fills in by chance: floaters, the depth of what one
photo shows, colours beside the photos. The mean picture of several trainings is better than any of
them, but not a scene. The Gaussians of two of them, each with the opacity of which two make one,
are: where both agree they look as either does, and elsewhere the light passes through both. A few
steps settle the rest. Of three it is the same. What that is worth is in bench/results.md.

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
from gpu.training.checkpoint import PIECE, SCENES, STEPS, Checkpoint, Keeper, State, part_of
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.init import evenly
from gpu.training.trainer import Watch, most_opaque, train

PART = 0.9  #: of all steps are the twins', evenly; the rest is theirs together
OTHER = 1 << 16  #: added to the seed from each to the next
MEANS_FINAL = 4e-5  #: to which a twin's rate of the positions falls, in scene extents
#: Where the rate of the positions begins and ends for all together, and which part of their first
#: values the other rates begin with, of which they end with another part.
TOGETHER_MEANS, TOGETHER_RATES, TOGETHER_FINAL = (1.2e-5, 4e-6), 0.3, 0.3
LIMIT = 1e-6  #: opacities are kept so far from 0 and 1
ELDER = "twin{}"  #: what the tensors of one are called in a state of a later one, by its number
WHICH = ("first", "second", "third")


@dataclass(frozen=True)
class Piece:
    """Some of a run's steps, those after `begin` up to `end`, as if they were a run of their own.

    It stands for the run's keeper and its watch, who count all `total` steps. What it has `beside`
    is kept with its states, and its number, which is that of the `scenes` once they are one.
    """

    number: int
    scenes: int
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
        if found is None or found.piece != (self.number, self.scenes):
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
        piece = torch.tensor([self.number, self.scenes])
        return later(state, self.begin) | {PIECE: piece} | self.beside


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
    if config.scenes == 1:
        return wider(train(gaussians, views, config, device, watch, keeper), config.wider)
    *twins, last = pieces(config, watch, keeper)
    if last.found is None:
        gaussians = _as_twins(gaussians, views, config, device, twins)
    trained = train(gaussians, views, settling(config, last), device, last.watch, last)
    return wider(trained, config.wider)


def _as_twins(
    start: Gaussians,
    views: Sequence[View],
    config: TrainConfig,
    device: torch.device,
    twins: Sequence[Piece],
) -> Gaussians:
    """Return the scene that those become that are trained each by itself."""
    each = config.max_gaussians // config.scenes
    if len(start) > each:
        start = start.select(evenly(len(start), each).to(start.means.device))
    trained = found_elders(twins, each, device)
    for piece in twins[len(trained) :]:
        keeper = replace(piece, beside=_named(trained))
        trained.append(train(start, views, twin(config, piece), device, piece.watch, keeper))
    return merged(*trained)


def pieces(config: TrainConfig, watch: Watch | None, keeper: Keeper | None) -> list[Piece]:
    """Return the steps of each twin, and of all together."""
    total, scenes = config.iterations, config.scenes
    parts = enumerate(spans(total, scenes))
    return [Piece(i, scenes, begin, end, total, watch, keeper) for i, (begin, end) in parts]


def spans(total: int, scenes: int) -> list[tuple[int, int]]:
    """Return after which of all steps each piece begins and ends."""
    each = round(total * PART / scenes)
    return list(pairwise((*range(0, scenes * each + 1, each), total)))


def place(step: int, total: int, scenes: int) -> tuple[str, float]:
    """Return which scene a step of all is of, in words, and the part of it that is over then."""
    together = "both scenes" if scenes == 2 else f"all {SCENES[scenes]}"
    names = [*(f"{which} of {SCENES[scenes]}" for which in WHICH[:scenes]), f"{together} as one"]
    parts = zip(spans(total, scenes), names, strict=True)
    return next((name, (step - a) / (b - a)) for (a, b), name in parts if step <= b)


def found_elders(twins: Sequence[Piece], most: int, device: torch.device) -> list[Gaussians]:
    """Return at most so many Gaussians of each twin that was kept beside a later one."""
    for piece in twins:
        if piece.found is not None:
            kept = [part_of(piece.found.state, ELDER.format(i)) for i in range(piece.number)]
            elders = [Gaussians(**tensors) for tensors in kept]
            return [elder.select(most_opaque(elder, most)).to(device) for elder in elders]
    return []


def _named(elders: Sequence[Gaussians]) -> State:
    """Return the tensors of those that are trained, as a later one's state has them."""
    named = [(ELDER.format(i), elder.tensors()) for i, elder in enumerate(elders)]
    return {f"{elder}/{name}": tensor for elder, all_ in named for name, tensor in all_.items()}


def twin(config: TrainConfig, piece: Piece) -> TrainConfig:
    """Return the config of one of the twins."""
    return replace(
        config,
        iterations=piece.steps,
        max_gaussians=config.max_gaussians // config.scenes,
        rates=replace(config.rates, means_final=MEANS_FINAL),
        seed=config.seed + piece.number * OTHER,
        scenes=1,
        alone=None,
    )


def settling(config: TrainConfig, piece: Piece) -> TrainConfig:
    """Return the config of what all are trained with together."""
    means, means_final = TOGETHER_MEANS
    rates = config.rates.slower(TOGETHER_RATES)
    return replace(
        config.continued(piece.steps),
        rates=replace(rates, means=means, means_final=means_final, final=TOGETHER_FINAL),
        grow_until=0.0,
    )


def merged(*scenes: Gaussians) -> Gaussians:
    """Return the Gaussians of n scenes as one, which lets through as much as they on the mean.

    The mean is the geometric one: of a Gaussian of opacity o it leaves 1 - (1 - o)^(1/n).
    """
    names, all_ = scenes[0].tensors(), [scene.tensors() for scene in scenes]
    tensors = {name: torch.cat([its[name] for its in all_]) for name in names}
    opacities = torch.cat([scene.opacities for scene in scenes]).clamp(LIMIT, 1 - LIMIT)
    opacities = 1 - (1 - opacities) ** (1 / len(scenes))
    return Gaussians(**{**tensors, "logit_opacities": opacities.logit()})


def wider(gaussians: Gaussians, factor: float) -> Gaussians:
    """Return the Gaussians so many times as large.

    Few photos are fitted a little too sharply: those that were not trained on like it wider.
    """
    return replace(gaussians, log_scales=gaussians.log_scales + math.log(factor))
