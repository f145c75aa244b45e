"""Kernels compiled ahead: while the cameras are being found, by a process of its own.

On every new droplet Triton compiles our kernels anew: seconds of each job (bench/results.md). It
keeps each in a folder, whole or not at all. So training finds those that this process has come to
by then, and compiles the others itself. On anybody's own machine the first job leaves them for all.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

#: What cloud-init/provision.sh leaves among the extensions of torch that it has compiled: gsplat's
#: kernels, for minutes, which must not begin here and be ended.
FOLDER, READY = "TORCH_EXTENSIONS_DIR", ".ready"
COMMAND = (sys.executable, "-m", "gpu.training.ahead")
#: An odd number of points: tensors that follow one another then begin where Triton takes them for
#: aligned, and where it does not, as in a job.
STEPS, SIZE, POINTS = 6, 64, 101


@contextmanager
def compiling(log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Have the kernels compiled meanwhile, on a droplet with a GPU; what it says goes to `log`.

    It costs a job a core and a little of the GPU's memory: where it fails, training compiles them.
    """
    if FOLDER not in environment or not (Path(environment[FOLDER]) / READY).exists():
        yield
        return
    with (
        log.open("ab") as said,
        subprocess.Popen(
            COMMAND,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=environment,
            start_new_session=True,
        ) as child,
    ):
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # Compilers that it has started, too.


def main() -> None:
    from gpu.training.config import best_device

    if best_device().type == "cuda":
        rehearse("cuda")


def rehearse(name: str) -> int:
    """Train next to nothing on a device, as a job would; return the number of Gaussians."""
    import torch

    from gpu.job import JobSpec, Source
    from gpu.training.config import TrainConfig
    from gpu.training.dataset import View
    from gpu.training.init import gaussians_from_points
    from gpu.training.trainer import train

    device, make = torch.device(name), torch.Generator().manual_seed(0)
    config = TrainConfig.of(JobSpec("ahead", "ahead", Source(path=".")), device, 2, POINTS)
    points = torch.rand(POINTS, 3, generator=make) + torch.tensor([-0.5, -0.5, 2.0])
    colors = torch.rand(POINTS, 3, generator=make)
    start = gaussians_from_points(points, colors, config.sh_degree, POINTS)
    photo = torch.zeros(SIZE, SIZE, 3, dtype=torch.uint8)
    K = torch.tensor([[SIZE, 0, SIZE / 2], [0, SIZE, SIZE / 2], [0, 0, 1.0]])
    cameras = torch.eye(4).repeat(2, 1, 1)
    cameras[1, 0, 3] = 0.5
    views = [View(str(i), photo, camera, K) for i, camera in enumerate(cameras)]
    return len(train(start, views, replace(config.single, iterations=STEPS), device))


if __name__ == "__main__":
    main()
