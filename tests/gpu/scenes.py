"""Random scenes and cameras for the rendering tests."""

import math

import torch
from torch import Tensor

WIDTH, HEIGHT = 64, 48


def random_scene(n: int, seed: int, degree: int = 1) -> dict[str, Tensor]:
    """Return activated parameters of `n` Gaussians in front of the cameras, leaves of autograd."""
    make = torch.Generator().manual_seed(seed)

    def uniform(*shape: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=make)

    scene = {
        "means": uniform(n, 3, low=-1.6, high=1.6),
        "quats": torch.randn(n, 4, generator=make),
        "scales": uniform(n, 3, low=0.02, high=0.35),
        "opacities": uniform(n, low=0.05, high=0.98),
        "colors": 0.5 * torch.randn(n, (degree + 1) ** 2, 3, generator=make),
    }
    return {name: value.requires_grad_() for name, value in scene.items()}


def cameras(count: int, width: int = WIDTH, height: int = HEIGHT) -> tuple[Tensor, Tensor]:
    """Return world-to-camera matrices [C, 4, 4] on an arc that looks at the origin, and Ks."""
    views = []
    for i in range(count):
        angle = 0.5 * i
        view = torch.eye(4)
        view[0, 0] = view[2, 2] = math.cos(angle)
        view[0, 2], view[2, 0] = math.sin(angle), -math.sin(angle)
        view[:3, 3] = torch.tensor([0.1, -0.05, 4.0 + 0.3 * i])
        views.append(view)
    focal = 0.9 * width
    K = torch.tensor([[focal, 0, width / 2 - 1.3], [0, 1.05 * focal, height / 2 + 0.7], [0, 0, 1]])
    return torch.stack(views), K.expand(count, 3, 3).contiguous()
