"""gsplat's own examples/simple_trainer.py, unchanged, on the photos that we train on.

`python -m bench.peer CHECKOUT SCENE OUT --preset default|mcmc --steps N` prints a line of JSON.
CHECKOUT is a checkout of gsplat v1.5.3, SCENE a folder with images and a COLMAP model in sparse.
What it needs and nothing measures is replaced: the window (viser, nerfview), the command line
(tyro), and LPIPS, whose weights torchmetrics fetches at run time: ours takes its place where it has
weights (gpu/training/lpips.py). The old pycolmap fork's reader is written on today's pycolmap.
fused-ssim, on which the trainer's speed depends, has to be installed.

The seconds are wall time from reading the photos to the final Gaussians on the disk, without the
evaluation that follows.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pycolmap
import torch

from gpu.training.lpips import Lpips


class SceneManager:
    """What gsplat's reader wants of the pycolmap fork that it names in its requirements."""

    def __init__(self, folder: str) -> None:
        self._model = pycolmap.Reconstruction(folder)

    def load_cameras(self) -> None:
        self.cameras = {}
        for i, camera in self._model.cameras.items():
            K = camera.calibration_matrix()
            self.cameras[i] = SimpleNamespace(
                fx=K[0, 0],
                fy=K[1, 1],
                cx=K[0, 2],
                cy=K[1, 2],
                camera_type="PINHOLE",
                width=camera.width,
                height=camera.height,
            )

    def load_images(self) -> None:
        self.images = {}
        for i in self._model.reg_image_ids():
            image = self._model.images[i]
            pose = image.cam_from_world().matrix()
            self.images[i] = SimpleNamespace(
                R=lambda pose=pose: pose[:, :3],
                tvec=pose[:, 3],
                camera_id=image.camera_id,
                name=image.name,
            )
        self.name_to_image_id = {image.name: i for i, image in self.images.items()}

    def load_points3D(self) -> None:  # noqa: N802 - the fork's name
        points = dict(sorted(self._model.points3D.items()))
        self.points3D = np.array([p.xyz for p in points.values()])
        self.point3D_errors = np.array([p.error for p in points.values()])
        self.point3D_colors = np.array([p.color for p in points.values()])
        self.point3D_id_to_point3D_idx = {point: i for i, point in enumerate(points)}
        # Only used for the depth loss, which is off.
        self.point3D_id_to_images: dict[int, list[tuple[int, int]]] = {}


class StandIn(ModuleType):
    """A module that has whatever is asked for, as empty classes."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class NoLpips(torch.nn.Module):
    """Stands where LPIPS would download its weights; its number is not reported."""

    def __init__(self, **_: object) -> None:
        super().__init__()

    def forward(self, *_: torch.Tensor) -> torch.Tensor:
        return torch.zeros(())


class OurLpips(torch.nn.Module):
    """Our LPIPS, asked as torchmetrics' is: net_type "alex", pictures [B, 3, H, W] from 0 to 1."""

    def __init__(self, lpips: Lpips, *, net_type: str, normalize: bool) -> None:
        super().__init__()
        assert net_type == "alex" and normalize
        self._lpips = lpips

    def forward(self, images: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
        return self._lpips(images, references)


def prepare(checkout: Path, lpips: Lpips | None) -> Any:
    """Return the module simple_trainer with stand-ins for what does not matter here."""
    for name in ("viser", "nerfview", "tyro"):
        sys.modules.setdefault(name, StandIn(name))
    if not hasattr(pycolmap, "SceneManager"):
        pycolmap.SceneManager = SceneManager
    sys.path.insert(0, str(checkout / "examples"))
    import simple_trainer  # type: ignore[import-not-found]

    simple_trainer.LearnedPerceptualImagePatchSimilarity = (
        partial(OurLpips, lpips) if lpips else NoLpips
    )
    return simple_trainer


def config(trainer: Any, preset: str, scene: Path, out: Path, steps: int) -> Any:
    """Return the configuration that its command line would make, without videos and evaluation.

    As with `--steps-scaler`, a schedule made for 30,000 steps is not shortened for 7,000: the
    figures that gsplat reports for 7k are of the first 7,000 steps of its default run.
    """
    common = {
        "disable_viewer": True,
        "disable_video": True,
        "data_dir": str(scene),
        "data_factor": 1,
        "result_dir": str(out),
        "max_steps": steps,
        "eval_steps": [],
        "save_steps": [],
    }
    if preset == "default":
        return trainer.Config(strategy=trainer.DefaultStrategy(), **common)
    strategy = trainer.MCMCStrategy()
    weights = {"init_opa": 0.5, "init_scale": 0.1, "opacity_reg": 0.01, "scale_reg": 0.01}
    return trainer.Config(strategy=strategy, **weights, **common)


def run(checkout: Path, preset: str, scene: Path, out: Path, steps: int) -> dict[str, float | None]:
    """Train once and return seconds, psnr in dB, ssim, lpips, gaussians, and memory in GiB."""
    lpips = Lpips.installed()  # Read before the time begins.
    trainer = prepare(checkout, lpips)
    # Compiles the kernels where they are not: that is not part of the time.
    trainer.rasterization, trainer.fused_ssim(*torch.rand(2, 1, 3, 32, 32, device="cuda"))
    torch.cuda.synchronize()
    begun = time.perf_counter()
    runner = trainer.Runner(0, 0, 1, config(trainer, preset, scene, out, steps))
    runner.train()
    torch.cuda.synchronize()
    seconds = time.perf_counter() - begun
    memory = torch.cuda.max_memory_allocated() / 2**30
    runner.eval(step=steps)
    stats = json.loads((out / "stats" / f"val_step{steps:04d}.json").read_text())
    return {
        "seconds": seconds,
        "psnr": stats["psnr"],
        "ssim": stats["ssim"],
        "lpips": stats["lpips"] if lpips else None,
        "gaussians": stats["num_GS"],
        "memory": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("scene", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--preset", choices=("default", "mcmc"), default="default")
    parser.add_argument("--steps", type=int, default=7_000)
    args = parser.parse_args()
    figures = run(args.checkout.resolve(), args.preset, args.scene, args.out, args.steps)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
