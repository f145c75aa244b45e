"""Adam over Gaussians whose number changes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training.checkpoint import State
from gpu.training.config import Rates

MOMENTS = ("exp_avg", "exp_avg_sq")
EPS = 1e-15  #: as in 3DGS


class SceneOptimizer:
    """Owns the parameters and Adam's moments for them."""

    def __init__(self, gaussians: Gaussians, rates: Rates) -> None:
        leaves = gaussians.detach().tensors()
        device = gaussians.means.device
        # Adam reads the rates where they lie, so that a recorded step sees them change.
        self._first = torch.tensor([getattr(rates, name) for name in leaves], device=device)
        self._rates = self._first.clone()
        groups = [
            {"params": [leaf.requires_grad_()], "name": name, "lr": rate}
            for (name, leaf), rate in zip(leaves.items(), self._rates, strict=True)
        ]
        self._adam = _adam(groups, self._rates)
        for leaf in leaves.values():
            # As Adam does in its first step, which must not be a recorded one.
            moments = {key: torch.zeros_like(leaf) for key in MOMENTS}
            self._adam.state[leaf] = {"step": torch.zeros((), device=device), **moments}

    @property
    def gaussians(self) -> Gaussians:
        """The parameters themselves: leaves of autograd, changed by every step."""
        return Gaussians(**{group["name"]: group["params"][0] for group in self._adam.param_groups})

    def set_rates(self, position: float, others: float) -> None:
        """Set the positions' learning rate, and the part of their first rates that others have."""
        torch.mul(self._first, others, out=self._rates)
        self._rates[0] = position  # The means are a Gaussian's first tensor.

    def step(self) -> None:
        """Take one step along the gradients and clear them.

        Where a gradient is not finite the whole step is left out; nothing waits for the GPU.
        """
        gradients = [t.grad for t in self.gaussians.tensors().values() if t.grad is not None]
        length = torch.nn.utils.get_total_norm(gradients)
        # What torch's own GradScaler sets: 1 makes the fused kernel change nothing.
        self._adam.found_inf = torch.where(length.isfinite(), 0.0, 1.0)  # type: ignore[attr-defined]
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def prepare(self) -> None:
        """Load what a step on the GPU needs, before steps are recorded; nothing changes."""
        from gpu.training.adam_cuda import GpuAdam

        assert isinstance(self._adam, GpuAdam)
        self._adam.prepare()

    def state(self) -> State:
        """Return the parameters, and Adam's moments and step for each; not copied."""
        found: State = dict(self.gaussians.tensors())
        for group in self._adam.param_groups:
            moments = self._adam.state[group["params"][0]]
            found |= {f"{group['name']}.{key}": value for key, value in moments.items()}
        return found

    def restore(self, state: State) -> None:
        """Go on where the optimizer was whose state this is."""
        for group in self._adam.param_groups:
            name, old = group["name"], group["params"][0]
            del self._adam.state[old]
            leaf = state[name].detach().clone().requires_grad_()
            group["params"] = [leaf]
            self._adam.state[leaf] = {key: state[f"{name}.{key}"] for key in (*MOMENTS, "step")}

    def replace(self, gaussians: Gaussians, parents: Tensor, fresh: Tensor) -> None:
        """Go on with other Gaussians [M].

        `parents` [M] are the indices that they come from, and whose moments they keep unless
        the mask `fresh` [M] says that they changed.
        """
        new = gaussians.detach().tensors()
        for group in self._adam.param_groups:
            old = group["params"][0]
            state = self._adam.state.pop(old)
            leaf = new[group["name"]].requires_grad_()
            group["params"] = [leaf]
            for key in MOMENTS:
                state[key] = state[key][parents]
                state[key][fresh] = 0
            self._adam.state[leaf] = state


def _adam(groups: list[dict[str, Any]], rates: Tensor) -> torch.optim.Adam:
    """Return the fastest Adam there is for parameters that lie where their rates do."""
    if rates.is_cuda:
        from gpu.training.adam_cuda import GpuAdam

        return GpuAdam(groups, rates, EPS)
    return torch.optim.Adam(groups, eps=EPS, fused=True)
