"""Our CPU rasterizer beside gsplat's CUDA kernels: values, gradients and the training loop.

`python -m bench gsplat_agreement` on a machine with an NVIDIA GPU. The same random scenes are
rendered by both; the table holds the relative error ||ours - gsplat|| / ||gsplat|| of the image,
the coverage and every gradient, worst over the scenes. Then a synthetic scene is trained on CUDA.
"""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.rendering import rasterize
from gpu.training.config import TrainConfig
from gpu.training.dataset import View
from gpu.training.init import gaussians_from_points
from gpu.training.metrics import Score, evaluate
from gpu.training.render import render_view
from gpu.training.ssim import ssim, ssim_by_convolution
from gpu.training.trainer import train

WIDTH, HEIGHT, COUNT, DEGREE = 320, 240, 3_000, 2
PARAMETERS = ("means", "quats", "scales", "opacities", "colors")


def scene(seed: int) -> list[Tensor]:
    """Return activated parameters in the order of PARAMETERS."""
    make = torch.Generator().manual_seed(seed)
    return [
        (torch.rand(COUNT, 3, generator=make) - 0.5) * 4,
        torch.randn(COUNT, 4, generator=make),
        0.01 + 0.12 * torch.rand(COUNT, 3, generator=make),
        0.05 + 0.93 * torch.rand(COUNT, generator=make),
        0.5 * torch.randn(COUNT, (DEGREE + 1) ** 2, 3, generator=make),
    ]


def cameras() -> tuple[Tensor, Tensor]:
    """Return two cameras that look at the cloud from a distance of four."""
    views = torch.eye(4).repeat(2, 1, 1)
    views[:, 2, 3] = torch.tensor([4.0, 4.5])
    views[1, :3, :3] = torch.tensor([[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]])
    K = torch.tensor([[300.0, 0, WIDTH / 2], [0, 310.0, HEIGHT / 2], [0, 0, 1]])
    return views, K.repeat(2, 1, 1)


def outputs(device: str, seed: int, rasterize_mode: str) -> dict[str, Tensor]:
    """Return the images and the gradients of a fixed random loss, on the CPU."""
    parameters = [p.to(device).requires_grad_() for p in scene(seed)]
    views, Ks = (t.to(device) for t in cameras())
    means, quats, scales, opacities, colors = parameters
    renders, alphas, _ = rasterize(
        means,
        quats,
        scales,
        opacities,
        colors,
        views,
        Ks,
        WIDTH,
        HEIGHT,
        sh_degree=DEGREE,
        render_mode="RGB+ED",
        rasterize_mode="antialiased" if rasterize_mode == "antialiased" else "classic",
    )
    make = torch.Generator().manual_seed(seed)
    weights = torch.randn(renders.shape, generator=make).to(device)
    gradients = torch.autograd.grad((renders * weights).sum() + alphas.sum(), parameters)
    named = dict(zip(PARAMETERS, gradients, strict=True))
    return {k: v.detach().cpu() for k, v in {"image": renders, "alpha": alphas, **named}.items()}


def agreement() -> None:
    print("| quantity | classic | antialiased |\n|---|---|---|")
    errors: dict[str, list[float]] = {}
    for mode in ("classic", "antialiased"):
        pairs = [(outputs("cpu", s, mode), outputs("cuda", s, mode)) for s in range(4)]
        for name in pairs[0][0]:
            worst = max(float((a[name] - b[name]).norm() / b[name].norm()) for a, b in pairs)
            errors.setdefault(name, []).append(worst)
    for name, (classic, antialiased) in errors.items():
        print(f"| {name} | {classic:.1e} | {antialiased:.1e} |")


def similarity() -> None:
    """Our SSIM kernels beside convolutions: the value, and its derivative by the image."""
    torch.backends.cudnn.allow_tf32 = False
    make = torch.Generator().manual_seed(0)
    image = torch.rand(2, 100, 131, 3, generator=make).cuda().requires_grad_()
    photo = (torch.rand(2, 100, 131, 3, generator=make) * 255).byte().cuda()
    planes = [t.permute(0, 3, 1, 2).flatten(0, 1) for t in (image, photo.float() / 255)]
    pair = ssim(image, photo.float() / 255), ssim_by_convolution(*planes)
    ours, theirs = (torch.autograd.grad(value, image)[0] for value in pair)
    values = [float(value.detach()) for value in pair]
    print(f"\nSSIM {values[0]:.7f}, by convolutions {values[1]:.7f}; relative error of the")
    print(f"derivative {float((ours - theirs).norm() / theirs.norm()):.1e}")


def ring(truth: Gaussians, count: int, size: int) -> list[View]:
    """Photograph a scene from cameras on a ring around it."""
    views = []
    for i in range(count):
        angle = torch.tensor(2 * torch.pi * i / count)
        cos, sin = float(angle.cos()), float(angle.sin())
        viewmat = torch.eye(4)
        viewmat[:3, :3] = torch.tensor([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        viewmat[2, 3] = 4.0
        K = torch.tensor([[size, 0, size / 2], [0, size, size / 2], [0, 0, 1.0]])
        empty = View(f"{i:03}", torch.zeros(size, size, 3, dtype=torch.uint8), viewmat, K)
        image = render_view(truth, empty).renders[0].clamp(0, 1)
        views.append(replace(empty, image=(image * 255).round().byte()))
    return views


def training(device: torch.device, iterations: int, size: int, cap: int) -> None:
    """Train a synthetic scene from a thinned, shaken copy of its points."""
    make = torch.Generator().manual_seed(0)
    points = (torch.rand(4_000, 3, generator=make) - 0.5) * 2
    colors = torch.rand(4_000, 3, generator=make)
    truth = gaussians_from_points(points, colors, 0, 4_000)
    truth = replace(truth, logit_opacities=torch.full((4_000,), 3.0))
    views = ring(truth, 40, size)
    held_out, seen = views[::8], [v for i, v in enumerate(views) if i % 8]
    shaken = points[::4] + 0.02 * torch.randn(1_000, 3, generator=make)
    start = gaussians_from_points(shaken, torch.full((1_000, 3), 0.5), 1, cap)
    config = TrainConfig(iterations, cap, sh_degree=1)
    before = Score.of(evaluate(start, held_out)).psnr
    begun = time.perf_counter()
    trained = train(start, seen, config, device)
    rate = iterations / (time.perf_counter() - begun)
    after = Score.of(evaluate(trained, held_out)).psnr
    print(f"| {device.type} | {iterations} | {size} | {len(trained):,} | {rate:.1f} ", end="")
    print(f"| {before:.2f} | {after:.2f} |")


def main() -> None:
    if not torch.cuda.is_available():
        print("This benchmark needs an NVIDIA GPU.")
        return
    print(torch.cuda.get_device_name(), "\n")
    agreement()
    similarity()
    print("\n| device | steps | size | Gaussians | steps/s | PSNR before | PSNR after |")
    print("|---|---|---|---|---|---|---|")
    for iterations, size, cap in ((500, 256, 6_000), (1_000, 512, 30_000)):
        training(torch.device("cuda"), iterations, size, cap)
    training(torch.device("cpu"), 500, 256, 6_000)


if __name__ == "__main__":
    main()
