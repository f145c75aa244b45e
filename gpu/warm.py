"""`python -m gpu.warm`: compile the kernels once, at set-up, instead of in somebody's first job."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from gpu.parcel.render import generate
from gpu.rendering.rasterize import rasterize
from gpu.training.ssim import ssim


def main() -> None:
    """Run every kernel on next to nothing; numba keeps what it compiled."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "parcel", photos=8, size=(96, 72))
    picture = _render()
    loss = 1 - ssim(picture, torch.zeros_like(picture))
    torch.autograd.backward(loss)


def _render() -> torch.Tensor:
    """Return a picture [H, W, 3] of one Gaussian, with gradients."""
    one = torch.ones(1, 3, requires_grad=True)
    camera = torch.eye(4)[None]
    intrinsics = torch.tensor([[[32.0, 0.0, 16.0], [0.0, 32.0, 16.0], [0.0, 0.0, 1.0]]])
    drawn = rasterize(
        one, torch.tensor([[1.0, 0.0, 0.0, 0.0]]), one, one[0, :1], one[:, None],
        camera, intrinsics, 32, 32, sh_degree=0, rasterize_mode="antialiased", absgrad=True,
    )  # fmt: skip
    return drawn.renders[0]


if __name__ == "__main__":
    main()
