"""The known scene in the formats that the pipeline writes, and in those of SuperSplat's tool."""

import math
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from gpu.export.levels import PARTS
from gpu.export.ply import write_ply
from gpu.export.sog import write_sog
from gpu.export.splat import read_splat, write_splat
from gpu.export.spz import write_spz
from gpu.gaussians import Gaussians
from gpu.job.paths import LEVELS
from tests.conftest import NODE, REPOSITORY

from . import scene

#: Made up: the cube's Gaussians are as wide as the gaps between a twentieth of them.
GROW = (3.0, 1.6, 1.2, 1.0, 1.0)


def gaussians(folder: Path) -> Gaussians:
    """The scene in an order in which each part is spread over all of it."""
    (folder / "cube.splat").write_bytes(scene.splat())
    cube = read_splat(folder / "cube.splat")
    return cube.select(torch.randperm(len(cube), generator=torch.Generator().manual_seed(0)))


def levels(folder: Path) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """The manifest's `levels`, and the files by name."""
    all_ = gaussians(folder)
    entries, files, start = [], {}, 0
    for name, part, grow in zip(LEVELS, PARTS, GROW, strict=True):
        end = round(part * len(all_))
        write_sog(all_.select(torch.arange(start, end)), folder / name)
        files[name] = (folder / name).read_bytes()
        counts = {"bytes": len(files[name]), "gaussians": end - start}
        entries.append({"url": name, "grow": grow, **counts})
        start = end
    return entries, files


def sog(folder: Path) -> bytes:
    write_sog(gaussians(folder), folder / "scene.sog")
    return (folder / "scene.sog").read_bytes()


def dust(folder: Path) -> dict[str, bytes]:
    """The scene with Gaussians an eighth as large, by format. Of these a .splat alone can not say
    that they were trained with the filter."""
    all_ = gaussians(folder)
    small = replace(all_, log_scales=all_.log_scales - math.log(8))
    writers = {"splat": write_splat, "sog": write_sog, "spz": write_spz, "ply": write_ply}
    for name, write in writers.items():
        write(small, folder / f"dust.{name}")
    return {name: (folder / f"dust.{name}").read_bytes() for name in writers}


def spz(folder: Path) -> bytes:
    write_spz(gaussians(folder), folder / "scene.spz")
    return (folder / "scene.spz").read_bytes()


def converted(folder: Path, extension: str) -> bytes:
    """What splat-transform makes of the scene's .ply: `.compressed.ply`, or `.spz` of version 4."""
    (folder / "cube.ply").write_bytes(scene.ply())
    tool = REPOSITORY / "viewer/node_modules/@playcanvas/splat-transform/bin/cli.mjs"
    command = [NODE, str(tool), "-q", "-w", "cube.ply", f"cube{extension}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / f"cube{extension}").read_bytes()
