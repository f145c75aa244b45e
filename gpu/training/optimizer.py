"""Adam over Gaussians whose number changes."""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training.checkpoint import State
from gpu.training.config import Rates

MOMENTS = ("exp_avg", "exp_avg_sq")


class SceneOptimizer:
    """Owns the parameters and Adam's moments for them."""

    def __init__(self, gaussians: Gaussians, rates: Rates) -> None:
        self._rates = asdict(rates)
        leaves = gaussians.detach().tensors()
        groups = [
            {"params": [leaf.requires_grad_()], "name": name, "lr": self._rates[name]}
            for name, leaf in leaves.items()
        ]
        self._adam = torch.optim.Adam(groups, eps=1e-15, fused=True)

    @property
    def gaussians(self) -> Gaussians:
        """The parameters themselves: leaves of autograd, changed by every step."""
        return Gaussians(**{group["name"]: group["params"][0] for group in self._adam.param_groups})

    def step(self, position_rate: float) -> None:
        """Take one step along the gradients and clear them.

        Where a gradient is not finite the whole step is left out; nothing waits for the GPU.
        """
        for group in self._adam.param_groups:
            if group["name"] == "means":
                group["lr"] = position_rate
        gradients = [t.grad for t in self.gaussians.tensors().values() if t.grad is not None]
        length = torch.nn.utils.get_total_norm(gradients)
        # What torch's own GradScaler sets: 1 makes the fused kernel change nothing.
        self._adam.found_inf = torch.where(length.isfinite(), 0.0, 1.0)  # type: ignore[attr-defined]
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def state(self) -> State:
        """Return the parameters, and Adam's moments and step for each; not copied."""
        found: State = dict(self.gaussians.tensors())
        for group in self._adam.param_groups:
            moments = self._adam.state.get(group["params"][0], {})
            found |= {f"{group['name']}.{key}": value for key, value in moments.items()}
        return found

    def restore(self, state: State) -> None:
        """Go on where the optimizer was whose state this is."""
        for group in self._adam.param_groups:
            name, old = group["name"], group["params"][0]
            self._adam.state.pop(old, None)
            leaf = state[name].detach().clone().requires_grad_()
            group["params"] = [leaf]
            moments = {key: state.get(f"{name}.{key}") for key in (*MOMENTS, "step")}
            if moments["step"] is not None:
                self._adam.state[leaf] = moments

    def replace(self, gaussians: Gaussians, parents: Tensor, fresh: Tensor) -> None:
        """Go on with other Gaussians [M].

        `parents` [M] are the indices that they come from, and whose moments they keep unless
        the mask `fresh` [M] says that they changed.
        """
        new = gaussians.detach().tensors()
        for group in self._adam.param_groups:
            old = group["params"][0]
            state = self._adam.state.pop(old, {})
            leaf = new[group["name"]].requires_grad_()
            group["params"] = [leaf]
            for key in MOMENTS:
                if key in state:
                    state[key] = state[key][parents]
                    state[key][fresh] = 0
            if state:
                self._adam.state[leaf] = state
