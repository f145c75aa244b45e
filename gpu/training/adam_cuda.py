"""Adam on the GPU, a launch for each tensor.

torch's fused kernel gives 65,536 numbers to a block, so that a tensor of a scene's few hundred
thousand keeps a handful of the GPU's 132 processors busy, and the others wait: 55 microseconds for
each of the six, however small. The arithmetic is the same.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import triton
from torch import Tensor
from triton import language as tl

from gpu.training.kernels import gpu_kernel

BLOCK, WARPS = 1_024, 4


@gpu_kernel("count", "which")
def _adam(
    values_at: tl.tensor,
    gradients_at: tl.tensor,
    means_at: tl.tensor,
    squares_at: tl.tensor,
    rates_at: tl.tensor,
    step_at: tl.tensor,
    skip_at: tl.tensor,
    which: tl.tensor,
    count: tl.tensor,
    BETA1: tl.constexpr,
    BETA2: tl.constexpr,
    LOG1: tl.constexpr,
    LOG2: tl.constexpr,
    EPS: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """Take a step of some numbers, with the rate of the number `which`, unless `skip` is 1."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < tl.where(tl.load(skip_at) > 0.5, 0, count)
    step = tl.load(step_at).to(tl.float64)
    unbiased1 = (1 / (1 - tl.exp2(step * LOG1))).to(tl.float32)
    unbiased2 = (1 / (1 - tl.exp2(step * LOG2))).to(tl.float32)
    g = tl.load(gradients_at + at, inside, 0.0)
    mean = tl.load(means_at + at, inside, 0.0)
    mean += (1 - BETA1) * (g - mean)
    square = BETA2 * tl.load(squares_at + at, inside, 0.0) + (1 - BETA2) * g * g
    length = tl.sqrt(square * unbiased2) + EPS
    value = tl.load(values_at + at, inside, 0.0)
    value -= tl.load(rates_at + which) * unbiased1 * mean / length
    tl.store(values_at + at, value, inside)
    tl.store(means_at + at, mean, inside)
    tl.store(squares_at + at, square, inside)


class GpuAdam(torch.optim.Adam):
    """torch's Adam for groups of one tensor each, with a kernel of our own.

    The tensors and their gradients have to be contiguous.

    `rates` [groups] on the GPU are the learning rates; `found_inf`, a scalar there, is 1 where a
    step must change nothing.
    """

    found_inf: Tensor

    def __init__(self, groups: list[dict[str, Any]], rates: Tensor, eps: float) -> None:
        super().__init__(groups, eps=eps)
        self._rates = rates

    @torch.no_grad()
    def prepare(self) -> None:
        """Load the kernel, which must not happen while steps are recorded; nothing changes."""
        skip = torch.ones((), device=self._rates.device)
        for which, group in enumerate(self.param_groups):
            self._launch(which, group["params"][0], skip)  # The gradient is not read.

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        """Take a step along the gradients of those tensors that have one."""
        taken = 1 - self.found_inf
        for which, group in enumerate(self.param_groups):
            leaf = group["params"][0]
            if leaf.grad is not None:
                self.state[leaf]["step"].add_(taken)
                self._launch(which, leaf.grad, self.found_inf)

    def _launch(self, which: int, gradient: Tensor, skip: Tensor) -> None:
        group = self.param_groups[which]
        leaf, (beta1, beta2) = group["params"][0], group["betas"]
        state, count = self.state[leaf], leaf.numel()
        if count:
            _adam[(triton.cdiv(count, BLOCK),)](
                leaf, gradient, state["exp_avg"], state["exp_avg_sq"], self._rates,
                state["step"], skip, which, count, BETA1=beta1, BETA2=beta2,
                LOG1=math.log2(beta1), LOG2=math.log2(beta2), EPS=group["eps"], BLOCK=BLOCK,
                num_warps=WARPS,
            )  # fmt: skip
