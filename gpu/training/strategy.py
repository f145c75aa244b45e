"""Where Gaussians are added and removed.

One rule with a hard cap, small enough for a CPU: every so often the faint ones go, and those whose
image positions the loss pulls at most are split in two along their longest axis until the
schedule's number is reached. The pull is the mean absolute gradient (AbsGS, Ye et al. 2024) in
half image widths; taking the top few up to a budget follows Taming 3DGS (Mallick et al. 2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

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
        self.forget()

    def forget(self) -> None:
        """Start watching anew."""
        self._pull = self._seen = torch.empty(0)

    def state(self) -> State:
        """Return what was seen since the last refinement; not copied."""
        return {"pull": self._pull, "seen": self._seen}

    def restore(self, state: State) -> None:
        """Go on where the strategy was whose state this is."""
        self._pull, self._seen = state["pull"], state["seen"]

    @torch.no_grad()
    def observe(self, gradients: Tensor, radii: Tensor, width: int) -> None:
        """Add what a step saw of each Gaussian.

        gradients [B, N, 2] by the image positions in pixels; radii [B, N, 2], 0 where a photo does
        not see it; width of the photos in pixels.
        """
        self.watch(gradients.shape[1], gradients.device)
        self._pull.add_(gradients.norm(dim=-1).sum(0), alpha=width / 2)
        self._seen += (radii[..., 0] > 0).sum(0)

    @torch.no_grad()
    def observe_pairs(self, which: Tensor, gradients: Tensor, width: int) -> None:
        """Add what a step saw, in pairs of a photo and a Gaussian that it sees.

        which [M] are the Gaussians' indices; gradients [M, 2] and width as in `observe`.
        """
        pull = gradients.norm(dim=-1)
        self._pull.index_add_(0, which, pull, alpha=width / 2)
        self._seen.index_add_(0, which, torch.ones_like(pull))

    def watch(self, count: int, device: torch.device) -> None:
        """Make room for what will be seen of `count` Gaussians, where there is none."""
        if len(self._pull) != count:
            self._pull, self._seen = torch.zeros(2, count, device=device)

    @torch.no_grad()
    def refine(self, gaussians: Gaussians, target: int) -> Refined:
        """Drop what is faint, split towards `target` Gaussians, and start watching anew."""
        alive = torch.nonzero(gaussians.opacities > MIN_OPACITY)[:, 0]
        wanted = min(max(0, target - len(alive)), len(alive))
        chosen = torch.zeros(len(gaussians), dtype=torch.bool, device=gaussians.means.device)
        if wanted and len(self._pull) == len(gaussians):
            score = self._pull / self._seen.clamp_min(1)
            chosen[alive[score[alive].topk(wanted).indices]] = True
        self.forget()
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
