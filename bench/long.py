"""gsplat's own trainer at its full length on all scenes, several runs at a time on each GPU.

`PEER=<a checkout of gsplat v1.5.3> python -m bench long` on a machine with NVIDIA GPUs. It is for
likeness alone: runs that share a GPU take longer than each would (`python -m bench train` takes
the time). AT_A_TIME= is how many share one, SCENES= names some of the scenes; what it needs
besides, bench/train.py and bench/peer.py say. What each run has come to lies in data/bench/long,
also where it was ended; those that are through are not run again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import torch

from bench.train import REPOSITORY, SCENES, posed

OUT = REPOSITORY / "data" / "bench" / "long"
PRESETS, STEPS, LOOKS = ("default", "mcmc"), 30_000, (7_000, 15_000, 22_000)
AT_A_TIME = 4


class Run(NamedTuple):
    """One of the peer's runs."""

    scene: str
    preset: str

    @property
    def folder(self) -> Path:
        return OUT / f"{self.scene}-{self.preset}"

    def stats(self, step: int) -> Path:
        """Return the file with what was measured after so many steps."""
        # On the way the trainer counts from 0; bench/peer.py names the end as it is.
        return self.folder / "stats" / f"val_step{step - (step != STEPS):04d}.json"

    def command(self, checkout: Path) -> list[str]:
        command = [sys.executable, "-m", "bench.peer", str(checkout), str(posed(self.scene))]
        command += [str(self.folder), "--preset", self.preset, "--steps", str(STEPS)]
        return [*command, "--looks", *map(str, LOOKS)]

    def rows(self) -> list[str]:
        """Return a table's rows of what is known of it."""
        found = [(step, self.stats(step)) for step in (*LOOKS, STEPS)]
        return [self._row(step, file) for step, file in found if file.is_file()]

    def _row(self, step: int, file: Path) -> str:
        told = json.loads(file.read_text(encoding="utf-8"))
        likeness = f"{told['psnr']:.2f} dB | {told['ssim']:.4f}"
        return f"| {self.scene} | {self.preset} | {step:,} | {likeness} | {told['num_GS']:,} |"


def run_all(runs: Sequence[Run], checkout: Path, gpus: int, at_a_time: int) -> None:
    """Take the runs in their order, as many at a time as there are places on the GPUs."""
    places = SimpleQueue[int]()
    for place in range(gpus * at_a_time):
        places.put(place % gpus)

    def take(run: Run) -> None:
        gpu = places.get()
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": str(gpu)}
        run.folder.mkdir(parents=True, exist_ok=True)
        with (run.folder / "log").open("w", encoding="utf-8") as log:
            subprocess.run(
                run.command(checkout), cwd=REPOSITORY, env=environment, stdout=log, stderr=log,
                check=False,
            )  # fmt: skip
        places.put(gpu)

    with ThreadPoolExecutor(gpus * at_a_time) as pool:
        list(pool.map(take, runs))


def main() -> None:
    checkout, gpus = os.environ.get("PEER"), torch.cuda.device_count()
    if not checkout or not gpus:
        print("This benchmark needs PEER=<a checkout of gsplat v1.5.3> and NVIDIA GPUs.")
        return
    names = os.environ.get("SCENES", ",".join(SCENES)).split(",")
    runs = [Run(name, preset) for preset in PRESETS for name in names]
    left = [run for run in runs if not run.stats(STEPS).is_file()]
    for run in left:
        posed(run.scene)  # Before: two runs of a scene would make the same folder at the same time.
    run_all(left, Path(checkout), gpus, int(os.environ.get("AT_A_TIME", AT_A_TIME)))
    print(torch.cuda.get_device_name(), "\n")
    print("| scene | preset | steps | held-out | SSIM | Gaussians |\n|---|---|---|---|---|---|")
    print("\n".join(row for run in runs for row in run.rows()))
    for run in runs:
        if not run.stats(STEPS).is_file():
            print(f"{run.scene} {run.preset} did not end: {run.folder / 'log'}")


if __name__ == "__main__":
    main()
