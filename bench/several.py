"""One GPU beside all of a machine's, on one scene with many Gaussians: likeness, seconds, memory.

On one GPU it trains as a job does that has one (gpu.training.step_cuda). Every training begins in
new processes, which have to load their kernels, though not to compile them. The memory is that of
the first process.

`python -m bench several` on a machine with two NVIDIA GPUs or more, with SCENE=, GAUSSIANS= and
STEPS= for others than the usual, and GPUS= for other numbers of GPUs than one and all; what it
needs besides, bench/train.py says. The steps, and the photos of a step, are the same for all. Each
figure is the median of three seeds; a short run before has the kernels compiled.
"""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from bench.train import (
    CUDA,
    HOLDOUT,
    REPOSITORY,
    SEEDS,
    SIZE,
    WARM,
    Run,
    job,
    posed,
    run_with,
    score,
)
from gpu.export.ply import read_ply
from gpu.training.config import TrainConfig
from gpu.training.dataset import Dataset, load_dataset
from gpu.training.launch import torchrun
from gpu.training.together import Plan

SCENE, GAUSSIANS, STEPS, WEIGHT = "caliterra", 3_200_000, 2_400, 0.001


class Figures(NamedTuple):
    """Of a run: seconds, memory of each GPU in GiB, PSNR in dB, SSIM, and how many Gaussians."""

    seconds: float
    memory: float
    psnr: float
    ssim: float
    gaussians: float

    def row(self, label: str) -> str:
        """Return a table's row."""
        cost = f"{self.seconds:.1f} | {self.memory:.2f} GiB"
        likeness = f"{self.psnr:.2f} dB | {self.ssim:.4f}"
        return f"| {label} | {cost} | {likeness} | {self.gaussians:,.0f} |"


def trained_on(
    gpus: int, name: str, dataset: Dataset, gaussians: int, seed: int, steps: int
) -> Figures:
    """Train one scene on so many GPUs, as a job does that has them."""
    spec = job(name, seed, steps, "best")
    config = TrainConfig.of(spec, CUDA, len(dataset.train), len(dataset.points)).single
    # With the usual weights most of so many would be pulled away again.
    config = replace(config, max_gaussians=gaussians, opacity_weight=WEIGHT, scale_weight=WEIGHT)
    if gpus > 1:
        return _on_several(gpus, name, dataset, config)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as anew:
        one = anew.submit(_on_one, name, config).result()
    return Figures(one.seconds, one.memory, one.psnr, one.ssim, one.gaussians)


def _on_one(name: str, config: TrainConfig) -> Run:
    torch.cuda.synchronize()  # What several begin with, too, before their time counts.
    return run_with(name, lambda _: config)


def _on_several(gpus: int, name: str, dataset: Dataset, config: TrainConfig) -> Figures:
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
    return Figures(figures["seconds"], figures["memory"] / 2**30, psnr, ssim, len(scene))


def main() -> None:
    gpus = torch.cuda.device_count()
    counts = [int(n) for n in os.environ.get("GPUS", f"1,{max(2, gpus)}").split(",")]
    if gpus < max(counts):
        print(f"This benchmark needs {max(counts)} NVIDIA GPUs.")
        return
    name, gaussians = os.environ.get("SCENE", SCENE), int(os.environ.get("GAUSSIANS", GAUSSIANS))
    steps = int(os.environ.get("STEPS", STEPS))
    dataset = load_dataset(posed(name), SIZE, HOLDOUT)
    print(f"{torch.cuda.get_device_name()}, {name}, up to {gaussians:,} Gaussians\n")
    print("| GPUs | seconds | GPU memory, each | held-out | SSIM | Gaussians |")
    print("|---|---|---|---|---|---|")
    for count in counts:
        trained_on(count, name, dataset, gaussians, SEEDS[0], WARM)
        runs = []
        for seed in SEEDS:
            runs.append(trained_on(count, name, dataset, gaussians, seed, steps))
            print(runs[-1].row(f"{count}, seed {seed}"), flush=True)
        print(Figures(*map(median, zip(*runs, strict=True))).row(f"{count}"), flush=True)


if __name__ == "__main__":
    main()
