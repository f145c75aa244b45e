"""Where Gaussians are added and removed.

One rule with a hard cap, small enough for a CPU: every so often the faint ones go, and those whose
image positions the loss pulls at most are split in two along their longest axis until the
schedule's number is reached. The pull is the mean absolute gradient (AbsGS, Ye et al. 2024) in
half image widths; taking the top few up to a budget follows Taming 3DGS (Mallick et al. 2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gpu.gaussians import Gaussians, rotation_matrices
from gpu.training.checkpoint import State

MIN_OPACITY = 0.01
#: A half of a split Gaussian lies this many standard deviations from the middle and has this part
#: of the length: together they have about the parent's extent.
OFFSET, SHORTER = 0.5, 0.6


@dataclass(frozen=True)
class Refined:
    """The Gaussians after a refinement [M], whose children they are, and which ones changed."""

    gaussians: Gaussians
    parents: Tensor
    fresh: Tensor


class Strategy:
    """Watches the renders of a training run and says what to split and what to drop."""

    def __init__(self) -> None:
        self._pull: Tensor | None = None
        self._seen: Tensor | None = None

    def state(self) -> State:
        """Return what was seen since the last refinement; not copied."""
        if self._pull is None or self._seen is None:
            return {}
        return {"pull": self._pull, "seen": self._seen}

    def restore(self, state: State) -> None:
        """Go on where the strategy was whose state this is."""
        self._pull, self._seen = state.get("pull"), state.get("seen")

    @torch.no_grad()
    def observe(self, meta: dict[str, Any]) -> None:
        """Add the gradients that a backward pass left in a render's `meta` (with absgrad)."""
        gradient, visible = meta["means2d"].absgrad, meta["radii"][..., 0] > 0
        if self._pull is None or self._seen is None:
            self._pull, self._seen = gradient.new_zeros(2, gradient.shape[1])
        self._pull.add_(gradient.norm(dim=-1).sum(0), alpha=meta["width"] / 2)
        self._seen += visible.sum(0)

    @torch.no_grad()
    def refine(self, gaussians: Gaussians, target: int) -> Refined:
        """Drop what is faint, split towards `target` Gaussians, and start watching anew."""
        alive = torch.nonzero(gaussians.opacities > MIN_OPACITY)[:, 0]
        wanted = min(max(0, target - len(alive)), len(alive))
        chosen = torch.zeros(len(gaussians), dtype=torch.bool, device=gaussians.means.device)
        if wanted and self._pull is not None and self._seen is not None:
            score = self._pull / self._seen.clamp_min(1)
            chosen[alive[score[alive].topk(wanted).indices]] = True
        self._pull = self._seen = None
        parents = torch.cat([alive, torch.nonzero(chosen)[:, 0]])
        second = torch.arange(len(parents), device=parents.device) >= len(alive)
        fresh = chosen[parents]
        return Refined(_split(gaussians.select(parents), fresh, second), parents, fresh)


def _split(gaussians: Gaussians, which: Tensor, second: Tensor) -> Gaussians:
    """Move the chosen Gaussians along their longest axis, one way or the other, and halve them."""
    longest = torch.nn.functional.one_hot(gaussians.log_scales.argmax(1), 3).bool()
    length = gaussians.scales[longest]
    direction = rotation_matrices(gaussians.quats).transpose(1, 2)[longest]
    offset = OFFSET * length * torch.where(second, -1.0, 1.0) * which
    return replace(
        gaussians,
        means=gaussians.means + offset[:, None] * direction,
        log_scales=gaussians.log_scales + math.log(SHORTER) * (longest & which[:, None]),
    )
