"""Training real photos on one GPU: held-out PSNR, SSIM and LPIPS, seconds, steps/s, memory.

`python -m bench train` on a machine with an NVIDIA GPU. The protocol is that of gsplat's
simple_trainer: poses from pycolmap, photos undistorted to 1024 px, every 8th by name held out. The
seconds are wall time from reading the photos to the final Gaussians, with the kernels compiled
beforehand; each figure is the median of three seeds. Needs ../shared/datasets, or the posed photos
that an earlier run left in data/bench/train. With PEER=<a checkout of gsplat v1.5.3> its own
trainer runs on the same photos: see bench/peer.py. SCENES= names some of the scenes, PRESETS= other
presets than `fast`, PEER_RUNS= other runs of the peer than default:7000 (mcmc:30000, say), with a
comma between them. LPIPS, of both, where its weights are (gpu/training/lpips.py). Nothing that
measures likeness counts into the seconds or the memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch

from gpu.gaussians import Gaussians
from gpu.job import JobPaths, JobSpec, Source, Stage
from gpu.pipeline import find_stage
from gpu.stage import Context
from gpu.training.album import Album
from gpu.training.config import TrainConfig
from gpu.training.dataset import Dataset, View, load_dataset
from gpu.training.init import gaussians_from_points
from gpu.training.lpips import Lpips
from gpu.training.metrics import Score, evaluate
from gpu.training.step import Step
from gpu.training.step_cuda import RecordedStep
from gpu.training.trainer import Run as TrainingRun
from gpu.training.trainer import scene_extent
from gpu.training.twins import grow

REPOSITORY = Path(__file__).resolve().parent.parent
PHOTOS = REPOSITORY.parent / "shared" / "datasets"
POSED = REPOSITORY / "data" / "bench" / "train"
SCENES = (
    "fox",
    "brighton_beach",
    "herz_jesus_p25",
    "fountain_p11",
    "boruszyn_kap",
    "monstree",
    "caliterra",
)
SIZE, HOLDOUT, SEEDS, WARM = 1024, 8, (0, 1, 2), 60
CUDA = torch.device("cuda")


@dataclass(frozen=True)
class Run:
    """What one training run cost and gave; psnr in dB, memory in GiB, lpips where there is one."""

    seconds: float
    rate: float
    psnr: float
    ssim: float
    lpips: float | None
    gaussians: float
    memory: float

    def __str__(self) -> str:
        """The cells of a table's row."""
        lpips = "" if self.lpips is None else f"{self.lpips:.4f}"
        likeness = f"{self.psnr:.2f} dB | {self.ssim:.4f} | {lpips}"
        cost = f"{self.gaussians:,.0f} | {self.memory:.2f} GiB"
        return f"{self.seconds:.1f} | {self.rate:.0f} | {likeness} | {cost}"


def posed(name: str) -> Path:
    """Return the folder with the undistorted photos and their model; make it where it lacks."""
    paths = JobPaths(POSED / name)
    if not paths.undistorted.is_dir():
        paths.work.mkdir(parents=True, exist_ok=True)
        paths.previews.mkdir(exist_ok=True)
        context = Context(job(name, seed=0), paths, lambda *_, **__: None)
        for stage in (Stage.FETCH, Stage.PREPROCESS, Stage.GEOMETRY):
            find_stage(stage)(context)
    return paths.undistorted


def job(name: str, seed: int, iterations: int | None = None, preset: str | None = None) -> JobSpec:
    """Return the job that trains a scene as all benchmarks do."""
    return JobSpec(
        job_id=name.replace("_", "-"),
        dataset=name,
        source=Source(path=str(PHOTOS / name / "images")),
        image_size=SIZE,
        holdout=HOLDOUT,
        seed=seed,
        iterations=iterations,
        preset=preset,
    )


def run(name: str, seed: int, iterations: int | None = None, preset: str | None = None) -> Run:
    """Train a scene once, with the settings of a preset, and measure it."""
    spec = job(name, seed, iterations, preset)
    return run_with(name, lambda d: TrainConfig.of(spec, CUDA, len(d.train), len(d.points)))


def run_with(name: str, settings: Callable[[Dataset], TrainConfig]) -> Run:
    """Train a scene once, with settings that may depend on its photos, and measure it."""
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()  # What measuring an earlier scene has left: cuBLAS's.
    begun = time.perf_counter()
    dataset = load_dataset(posed(name), SIZE, HOLDOUT)
    points, colors = dataset.points.to(CUDA), dataset.colors.to(CUDA)
    config = settings(dataset)
    start = gaussians_from_points(points, colors, config.sh_degree, config.max_gaussians)
    loaded = time.perf_counter()
    trained = grow(start, dataset.train, config, CUDA)
    torch.cuda.synchronize()
    ended = time.perf_counter()
    memory = (torch.cuda.max_memory_allocated() - before) / 2**30
    rate = config.iterations / (ended - loaded)
    likeness = score(trained, dataset.held_out)
    return Run(ended - begun, rate, *likeness, len(trained), memory)


def score(trained: Gaussians, held_out: tuple[View, ...]) -> tuple[float, float, float | None]:
    """Return PSNR in dB, SSIM, and LPIPS where its weights are."""
    total = Score.of(evaluate(trained, held_out, Lpips.installed()))
    assert total.psnr is not None and total.ssim is not None
    return total.psnr, total.ssim, total.lpips


def middle(runs: Sequence[Run]) -> Run:
    """Return the median of each figure; None of one that not every run has."""
    columns: Iterator[tuple[Any, ...]] = zip(*map(astuple, runs), strict=True)
    figures: list[Any] = [None if None in column else median(column) for column in columns]
    return Run(*figures)


def peer_run(checkout: Path, name: str, preset: str = "default", steps: int = 7_000) -> Run:
    """Train a scene with gsplat's own trainer, in a process of its own, and measure it."""
    with TemporaryDirectory() as out:
        command = [sys.executable, "-m", "bench.peer", str(checkout), str(posed(name)), out]
        command += ["--preset", preset, "--steps", str(steps)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    figures = json.loads(done.stdout.splitlines()[-1])
    return Run(rate=steps / figures["seconds"], **figures)


def drift(name: str, steps: int = 40) -> float:
    """Return the greatest relative difference of the loss between plain and recorded steps."""
    dataset = load_dataset(posed(name), SIZE, HOLDOUT)
    points, colors = dataset.points.to(CUDA), dataset.colors.to(CUDA)
    config = TrainConfig.of(job(name, 0), CUDA, len(dataset.train), len(points))
    losses = []
    for kind in (Step, RecordedStep):
        start = gaussians_from_points(points, colors, config.sh_degree, config.max_gaussians)
        run = TrainingRun(start, config, scene_extent(dataset.train), kind)
        album = Album(dataset.train, [4], CUDA)
        order = album.order(config.views_per_step, config.seed)
        losses.append([float(run.step(album, next(order))) for _ in range(steps)])
    return max(abs(a - b) / a for a, b in zip(*losses, strict=True))


def peer_runs() -> list[tuple[str, int]]:
    """Return the presets and steps of the peer's runs."""
    wanted = os.environ.get("PEER_RUNS", "default:7000").split(",")
    return [(preset, int(steps)) for preset, steps in (run.split(":") for run in wanted)]


def main() -> None:
    if not torch.cuda.is_available():
        print("This benchmark needs an NVIDIA GPU.")
        return
    peer = os.environ.get("PEER")
    print(torch.cuda.get_device_name(), "\n")
    names = os.environ.get("SCENES", ",".join(SCENES)).split(",")
    print(f"Recorded steps differ from plain ones by {drift(names[0]):.1e} of the loss at most.\n")
    likeness = "held-out | SSIM | LPIPS"
    print(f"| scene | trainer | seconds | steps/s | {likeness} | Gaussians | GPU memory |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in names:
        run(name, 0, WARM)
        for preset in os.environ.get("PRESETS", "fast").split(","):
            runs = [run(name, seed, preset=preset) for seed in SEEDS]
            print(f"| {name} | {preset} | {middle(runs)} |", flush=True)
        if peer:
            for kind, steps in peer_runs():
                theirs = peer_run(Path(peer), name, kind, steps)
                print(f"| {name} | simple_trainer {kind} {steps:,} | {theirs} |", flush=True)


if __name__ == "__main__":
    main()
