"""Training on several GPUs of one machine, for scenes that outgrow one.

Every process has the same order of photos, and its own Gaussians, optimizer and strategy; what they
say to each other in a step is in gpu.training.step_sharded.

`torchrun --nproc-per-node=GPUS -m gpu.training.together PLAN` trains what the JSON file PLAN says
(see `Plan`), prints a line of JSON now and then, and leaves the Gaussians in a .ply.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.distributed
from torch import Tensor

from gpu.export.ply import write_ply
from gpu.gaussians import Gaussians
from gpu.job import Stage
from gpu.stage import Context
from gpu.training.checkpoint import Keeper, read_checkpoint
from gpu.training.config import Rates, TrainConfig
from gpu.training.dataset import View, load_dataset
from gpu.training.glimpse import Glimpse
from gpu.training.init import gaussians_from_points
from gpu.training.joining import joining, joins_in
from gpu.training.shards import Shards
from gpu.training.shared_state import divided, together
from gpu.training.step import Step
from gpu.training.step_sharded import ShardedStep
from gpu.training.trainer import Run, Watch, scene_extent, steps

LOOK = 100  #: Steps between two looks at what is due: all processes wait for each other.
PAUSE = 1.0  #: seconds between two lines at least


@dataclass(frozen=True)
class Keeping:
    """Where the processes' state is kept, and of what (`Keeper`); `goes_on` from what is there."""

    file: Path
    job: str
    scene: str
    continued: bool
    goes_on: bool

    @classmethod
    def of(cls, keeper: Keeper) -> Keeping:
        goes_on = keeper.found is not None
        return cls(keeper.file, keeper.job, keeper.scene, keeper.continued, goes_on)

    def keeper(self) -> Keeper:
        """Return a process's own keeper, with the state to go on from."""
        found = read_checkpoint(self.file) if self.goes_on else None
        return Keeper(self.file, self.job, self.scene, found=found, continued=self.continued)


@dataclass(frozen=True)
class Plan:
    """What all processes train together: `photos` is the folder of the undistorted ones.

    The scene goes to `out`; and, unless that is None, to `joined` with the held-out photos too.
    No state is kept where `keeping` is None, and nothing shown before the end where `glimpse` is.
    """

    photos: Path
    out: Path
    image_size: int
    holdout: int
    config: TrainConfig
    joined: Path | None = None
    keeping: Keeping | None = None
    glimpse: Path | None = None

    @classmethod
    def of(cls, ctx: Context, image_size: int, config: TrainConfig, keeper: Keeper) -> Plan:
        """Return the plan of a job's training, which goes on from what the keeper has found."""
        paths, holdout = ctx.paths, ctx.spec.holdout
        joined = paths.candidate if joins_in(Stage.TRAIN, ctx.spec) else None
        glimpse = paths.glimpse if ctx.spec.target is not None else None
        return cls(
            paths.undistorted, paths.together, image_size, holdout, config, joined,
            Keeping.of(keeper), glimpse,
        )  # fmt: skip

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), default=str), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Plan:
        raw = json.loads(path.read_text(encoding="utf-8"))
        config = raw["config"]
        config = TrainConfig(**{**config, "rates": Rates(**config["rates"])})
        photos, out = Path(raw["photos"]), Path(raw["out"])
        joined, glimpse = (raw[name] and Path(raw[name]) for name in ("joined", "glimpse"))
        keeping = raw["keeping"]
        if keeping is not None:
            keeping = Keeping(**{**keeping, "file": Path(keeping["file"])})
        size, holdout = raw["image_size"], raw["holdout"]
        return cls(photos, out, size, holdout, config, joined, keeping, glimpse)


def train_together(
    gaussians: Gaussians,
    views: Sequence[View],
    config: TrainConfig,
    device: torch.device,
    watch: Watch | None = None,
    keeper: Keeper | None = None,
    glimpse: Glimpse | None = None,
    kind: type[Step] | None = None,
) -> Gaussians:
    """Train as `gpu.training.trainer.train` does, in every process; all get the whole scene.

    torch.distributed has to be set up, with this process's GPU as the current one. Each process
    has a keeper or none has; all go on from what it has found, and the first one's keeps. Each
    has a glimpse or none has.
    """
    shards = Shards.here()
    config = shards.config(config)
    start = shards.part(gaussians).to(device)
    run = Run(start, config, scene_extent(views), kind or ShardedStep)
    if keeper is not None and keeper.found is not None:
        run.restore(divided(shards, keeper.found.state, config.seed, device))
    many = min(config.views_per_step, len(views) // shards.world * shards.world)
    for _ in steps(run, views, config, device, many, watch):
        # Not after a refinement, which may be every hundred steps: it leaves holes.
        looks = (run.steps + 1) % LOOK == 0 and run.steps < config.iterations
        if glimpse is not None and looks:
            glimpse.offer(shards, run.done, run.gaussians)
        if keeper is not None and looks and shards.agreed(keeper.is_due, device):
            _keep(keeper, run, config.iterations, shards, device)
    if keeper is not None:
        _keep(keeper, run, config.iterations, shards, device)
    trained = run.gaussians
    del run  # Adam's moments make room for the others' Gaussians.
    return shards.gathered(trained)


def _keep(keeper: Keeper, run: Run, iterations: int, shards: Shards, device: torch.device) -> None:
    state = together(shards, run.state(), device)
    if state:
        keeper.keep(run.steps, iterations, state)


def main() -> None:
    """One process of several, as torchrun starts it."""
    plan = Plan.read(Path(sys.argv[1]))
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl", device_id=device)
    begun = time.perf_counter()
    dataset = load_dataset(plan.photos, plan.image_size, plan.holdout)
    points, colors = dataset.points.to(device), dataset.colors.to(device)
    config = plan.config
    start = gaussians_from_points(points, colors, config.sh_degree, config.max_gaussians)
    is_first = torch.distributed.get_rank() == 0
    watch = _teller(time.monotonic) if is_first else None
    keeper = plan.keeping.keeper() if plan.keeping is not None else None
    glimpse = Glimpse(plan.glimpse, device, _say) if plan.glimpse is not None else None
    trained = train_together(start, dataset.train, config, device, watch, keeper, glimpse)
    torch.cuda.synchronize()
    if is_first:
        memory = torch.cuda.max_memory_allocated(device)
        figures = {"seconds": time.perf_counter() - begun, "memory": memory}
        write_ply(trained, plan.out)
        _say(figures)
    if plan.joined is not None:
        views = dataset.train + dataset.held_out
        joined = train_together(trained, views, joining(config), device)
        if is_first:
            write_ply(joined, plan.joined)
    if keeper is not None:
        keeper.wait()
    torch.distributed.destroy_process_group()


def _teller(clock: Callable[[], float]) -> Watch:
    """Return what prints how far it is, once in a while."""
    told = clock()

    def tell(done: float, loss: Tensor, gaussians: Gaussians) -> None:
        nonlocal told
        if clock() - told >= PAUSE:
            told = clock()
            figures = {"done": round(done, 4), "loss": round(float(loss), 5)}
            _say(figures | {"gaussians": len(gaussians)})

    return tell


def _say(figures: Mapping[str, float | str]) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
