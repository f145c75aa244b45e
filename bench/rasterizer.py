"""How fast the CPU rasterizer is: forward and backward passes a second.

`python -m bench rasterizer`. The goal is 15 passes a second with 5,000 Gaussians at 256x192 on
two cores, colour only, gradients of every parameter.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from gpu.rendering import rasterize

SECONDS = 3.0


def scene(n: int, seed: int = 0) -> list[Tensor]:
    """Return activated parameters of a cloud that fills the image, leaves of autograd."""
    make = torch.Generator().manual_seed(seed)
    spread = torch.tensor([2.4, 1.8, 1.0])
    size = 0.35 * n ** (-1 / 3)
    values = [
        (torch.rand(n, 3, generator=make) - 0.5) * 2 * spread,
        torch.randn(n, 4, generator=make),
        size * (0.3 + torch.rand(n, 3, generator=make)),
        0.1 + 0.85 * torch.rand(n, generator=make),
        torch.rand(n, 1, 3, generator=make),
    ]
    return [value.requires_grad_() for value in values]


def passes_per_second(n: int, width: int, height: int) -> tuple[float, float]:
    """Return forward-only passes and forward + backward passes a second."""
    parameters = scene(n)
    view = torch.eye(4)[None]
    view[0, 2, 3] = 4.0
    K = torch.tensor([[[0.8 * width, 0, width / 2], [0, 0.8 * width, height / 2], [0, 0, 1]]])

    def forward() -> Tensor:
        means, quats, scales, opacities, colors = parameters
        return rasterize(
            means, quats, scales, opacities, colors, view, K, width, height, sh_degree=0
        ).renders

    def both() -> None:
        torch.autograd.backward(forward().sum())

    return _rate(forward), _rate(both)


def _rate(function: Callable[[], object]) -> float:
    function()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        function()
        count += 1
    return count / (time.perf_counter() - start)


def main() -> None:
    print(f"threads: {torch.get_num_threads()}\n")
    print("| Gaussians | image | forward/s | forward + backward/s |\n|---|---|---|---|")
    for n, width, height in ((5_000, 256, 192), (20_000, 256, 192), (20_000, 512, 384)):
        forward, both = passes_per_second(n, width, height)
        print(f"| {n:,} | {width}x{height} | {forward:.1f} | {both:.1f} |")


if __name__ == "__main__":
    main()
