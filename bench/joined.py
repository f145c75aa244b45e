"""What it is worth that the held-out photos join the training in the end (gpu/training/joining.py).

`python -m bench joined`, on a GPU where there is one. What joins can not be measured with, so there
are two kinds of held-out photos here: every 8th by name is never trained on, and every 8th of the
others joins. The likeness of the first kind is told before, after the last steps with the photos
that joined, and after as many steps without them. The photos are as in bench/train.py; SCENES=
names some of them, SIZE= other pixels, ITERATIONS= other steps.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import torch

from bench.train import HOLDOUT, SCENES, SIZE, job, posed
from gpu.gaussians import Gaussians
from gpu.training.config import TrainConfig, best_device
from gpu.training.dataset import View, load_dataset
from gpu.training.init import gaussians_from_points
from gpu.training.joining import joining
from gpu.training.metrics import Score, evaluate
from gpu.training.trainer import train
from gpu.training.twins import grow


def rows(name: str, size: int, iterations: int | None) -> list[str]:
    """Train a scene, then with and without the photos that join; return a table's rows."""
    device, dataset = best_device(), load_dataset(posed(name), size, HOLDOUT)
    joins = dataset.train[::HOLDOUT]
    first = tuple(view for i, view in enumerate(dataset.train) if i % HOLDOUT)
    spec = job(name, 0, iterations)
    config = TrainConfig.of(spec, device, len(first), len(dataset.points))
    points, colors = dataset.points.to(device), dataset.colors.to(device)
    start = gaussians_from_points(points, colors, config.sh_degree, config.max_gaussians)
    begun = time.perf_counter()
    scene = grow(start, first, config, device)
    found = [row(name, "before", scene, (dataset.held_out, joins), begun)]
    for label, views in (("with them", first + joins), ("as many steps without", first)):
        begun = time.perf_counter()
        after = train(scene, views, joining(config), device)
        found.append(row(name, label, after, (dataset.held_out, joins), begun))
    return found


def row(
    name: str, label: str, scene: Gaussians, kinds: Sequence[Sequence[View]], begun: float
) -> str:
    """Return a row: likeness of the photos that never train, and of those that join."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    seconds = time.perf_counter() - begun
    scores = [Score.of(evaluate(scene, views)) for views in kinds]
    cells = " | ".join(f"{score.psnr:.2f} dB | {score.ssim:.4f}" for score in scores)
    return f"| {name} | {label} | {cells} | {seconds:.1f} |"


def main() -> None:
    iterations, size = os.environ.get("ITERATIONS"), int(os.environ.get("SIZE", SIZE))
    print("| scene | | never trained on | SSIM | those that join | SSIM | seconds |")
    print("|---|---|---|---|---|---|---|")
    for name in os.environ.get("SCENES", ",".join(SCENES)).split(","):
        for line in rows(name, size, int(iterations) if iterations else None):
            print(line, flush=True)


if __name__ == "__main__":
    main()
