"""One GPU beside all of a machine's, on one scene with many Gaussians: likeness, seconds, memory.

`python -m bench several` on a machine with two NVIDIA GPUs or more, with SCENE= and GAUSSIANS= for
others than the usual; what it needs besides, bench/train.py says. The steps, and the photos of a
step, are the same for both.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from bench.train import CUDA, HOLDOUT, REPOSITORY, SIZE, job, posed, score
from gpu.export.ply import read_ply
from gpu.training.config import TrainConfig
from gpu.training.dataset import Dataset, load_dataset
from gpu.training.launch import torchrun
from gpu.training.together import Plan

SCENE, GAUSSIANS, SEED, WEIGHT = "caliterra", 3_200_000, 0, 0.001


def trained_on(gpus: int, name: str, dataset: Dataset, gaussians: int) -> str:
    """Train on so many GPUs, each with a process of its own; return a table's row."""
    config = TrainConfig.of(
        job(name, SEED, preset="best"), CUDA, len(dataset.train), len(dataset.points)
    )
    # With the usual weights most of so many would be pulled away again.
    config = replace(config, max_gaussians=gaussians, opacity_weight=WEIGHT, scale_weight=WEIGHT)
    with TemporaryDirectory() as folder:
        plan = Plan(posed(name), Path(folder) / "scene.ply", SIZE, HOLDOUT, config)
        plan.write(Path(folder) / "plan.json")
        done = subprocess.run(
            [*torchrun(gpus), f"{folder}/plan.json"],
            cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        figures = json.loads(done.stdout.splitlines()[-1])
        scene = read_ply(plan.out).to(CUDA)
    psnr, ssim, _ = score(scene, dataset.held_out)
    cost = f"{figures['seconds']:.1f} | {figures['memory'] / 2**30:.2f} GiB"
    return f"| {gpus} | {cost} | {psnr:.2f} dB | {ssim:.4f} | {len(scene):,} |"


def main() -> None:
    gpus = torch.cuda.device_count()
    if gpus < 2:
        print("This benchmark needs two NVIDIA GPUs or more.")
        return
    name, gaussians = os.environ.get("SCENE", SCENE), int(os.environ.get("GAUSSIANS", GAUSSIANS))
    dataset = load_dataset(posed(name), SIZE, HOLDOUT)
    print(f"{torch.cuda.get_device_name()}, {name}, up to {gaussians:,} Gaussians\n")
    print("| GPUs | seconds | GPU memory, each | held-out | SSIM | Gaussians |")
    print("|---|---|---|---|---|---|")
    for count in (1, gpus):
        print(trained_on(count, name, dataset, gaussians), flush=True)


if __name__ == "__main__":
    main()
