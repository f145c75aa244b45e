"""Starts training on all GPUs of the machine, and passes on what it says."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gpu.export.ply import DamagedPly, read_ply
from gpu.export.preview import Preview
from gpu.gaussians import Gaussians
from gpu.job import SplatError
from gpu.job.events import Metric
from gpu.stage import Context
from gpu.training.together import Plan

logger = logging.getLogger(__name__)


class TrainingStopped(SplatError):
    """One of several training processes ended before the scene was done."""


class GpusFull(TrainingStopped):
    """It ended because a GPU's memory did not suffice."""


def torchrun(gpus: int) -> list[str]:
    """Return the command that trains on so many GPUs; the plan's path follows it."""
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return [*run, f"--nproc-per-node={gpus}", "-m", "gpu.training.together"]


def train_on_all(
    ctx: Context,
    plan: Plan,
    gpus: int,
    preview: Preview,
    command: Callable[[int], Sequence[str]] = torchrun,
) -> Gaussians:
    """Train a plan with a process for each GPU; tell how far it is; return the Gaussians.

    The preview is published when the processes have written what it shows. Where they fail once
    the scene is done, `plan.joined` is not there.
    Raises TrainingStopped when a process fails before, GpusFull for want of memory: the next
    attempt goes on from the last checkpoint.
    """
    path = ctx.paths.work / "together.json"
    plan.write(path)
    for made in filter(None, (plan.out, plan.joined)):
        made.unlink(missing_ok=True)  # An earlier attempt's.
    ctx.progress(0.0, f"One GPU is too small for this scene: it is divided among {gpus}.")
    log = path.with_suffix(".log")
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [*command(gpus), str(path)], stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                _pass_on(ctx, line, plan.config.iterations, preview)
        except BaseException:
            process.terminate()
            raise
    if process.returncode and plan.out.is_file():
        logger.warning("the held-out photos did not join: %s", log.read_text("utf-8")[-2_000:])
    elif process.returncode:
        raise _failure(log.read_text("utf-8"))
    return read_ply(plan.out)


def _failure(said: str) -> TrainingStopped:
    """Return why training failed, from what the processes said of it: torch, CUDA or NCCL."""
    kind = GpusFull if "out of memory" in said.lower() else TrainingStopped
    error = kind(
        "Training on several GPUs ended early.",
        hint="Try again on a droplet with one GPU and `--image-size 1024`.",
    )
    error.__cause__ = RuntimeError(said[-2_000:])
    return error


def _pass_on(ctx: Context, line: str, iterations: int, preview: Preview) -> None:
    """Tell what a process printed, where it is how far it is, or show what it says is there."""
    try:
        figures = json.loads(line)
        done = figures["done"]
        if "glimpse" in figures:
            preview.publish(done, read_ply(Path(figures["glimpse"])))
            return
        loss, gaussians = figures["loss"], figures["gaussians"]
    except (ValueError, KeyError, TypeError, DamagedPly):
        return
    said = f"Step {round(done * iterations):,} of {iterations:,}, {gaussians:,} Gaussians each."
    shown: dict[str, Metric] = {"preview": True} if preview.is_there else {}
    ctx.progress(done, said, metrics={"loss": loss, "gaussians": gaussians, **shown})
