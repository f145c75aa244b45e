"""Stage `compress`: from trained Gaussians to the files that users get."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from gpu.export.cameras import central_view, first_camera, on_foot
from gpu.export.figures import Measured, figures_of, measure, perceived, rounded, summary
from gpu.export.ground import Ground, ground_of
from gpu.export.levels import write_levels
from gpu.export.manifest import Scene, manifest_of, weights
from gpu.export.photos import write_cameras
from gpu.export.ply import read_ply, write_ply
from gpu.export.prune import Box, prune
from gpu.export.sog import read_sog, write_sog
from gpu.export.splat import importance, read_splat, write_splat
from gpu.export.spz import write_spz
from gpu.export.thumbnail import Place, draw_thumbnail, first_seen
from gpu.export.turntable import draw_turntable
from gpu.export.walls import Walls, walls_of
from gpu.gaussians import Gaussians, rotation_matrices
from gpu.geometry.record import Geometry
from gpu.ingest.photos import Photos
from gpu.job import JobSpec, Pipeline, Stage
from gpu.job.choices import PUBLISH
from gpu.job.paths import MANIFEST, METRICS, PLY, SOG, SPLAT, SPZ, THUMBNAIL
from gpu.stage import Context, Outcome
from gpu.training.config import best_device, image_size
from gpu.training.dataset import Dataset, View, load_dataset
from gpu.training.lpips import Lpips
from gpu.training.metrics import Score, evaluate

TURNTABLE = "previews/turntable.gif"
#: The part of the stage's time after which each step begins (bench/results.md, the pace of stages).
PRUNING, WRITING, TURNING = 0.03, 0.1, 0.45
#: What is more opaque than this is a surface.
SOLID = 0.3
#: Percent of the solid Gaussians outside the scene's bounds, at each end.
OUTSIDE = 1.0


@dataclass(frozen=True)
class Files:
    """What was written and measured, and what scene.splat and scene.sog hold, on the CPU."""

    splat: Measured
    ply: Measured
    sog: Measured
    plain: Gaussians
    shown: Gaussians

    def with_figures_of(self, before: Files) -> Files:
        """Return the same files with what was measured on others."""
        return replace(
            self,
            splat=replace(self.splat, photos=before.splat.photos),
            ply=replace(self.ply, photos=before.ply.photos),
            sog=replace(self.sog, photos=before.sog.photos),
        )


def run_compress(ctx: Context) -> Outcome:
    """Write the scene as .splat, .ply, .sog, .spz and levels of .sog, and what tells of it.

    Every figure is measured on what the files hold, read back from them. Where the held-out photos
    have joined the training, they say nothing of these files: the scene from before goes the same
    way, to files of its own, and what is measured on those are the figures.
    """
    spec, device = ctx.spec, best_device()
    dataset = load_dataset(ctx.paths.undistorted, image_size(spec, device), spec.holdout)
    ctx.progress(PRUNING, "Leaving out what nobody misses")
    measured = read_ply(ctx.paths.gaussians(_last(spec))).to(device)
    joined = ctx.paths.all_photos.is_file()
    shown = read_ply(ctx.paths.all_photos).to(device) if joined else measured
    kept, pruned = _prune(shown, dataset)
    ctx.progress(WRITING, "Writing and measuring the files")
    files = _write(kept, ctx.paths.root, dataset, device)
    write_spz(kept, ctx.paths.root / SPZ)
    if joined:
        files = _before(measured, files, ctx, dataset, device)
    geometry = Geometry.load(ctx.paths)
    scene = _scene(spec, geometry, dataset, files, joined=joined)
    bytes_of = _described(ctx, kept, dataset, geometry, scene, files)
    metrics = {
        "gaussians": scene.gaussians,
        "splat_bytes": scene.splat_bytes,
        "sog_bytes": bytes_of[SOG],
        "psnr": scene.psnr,
        "ssim": scene.ssim,
        **perceived(scene.lpips),
        **{f"pruned_{name}": count for name, count in pruned.items()},
    }
    ctx.progress(TURNING, "Turning around the scene")
    place = Place(scene.low, scene.high, scene.ground, geometry.ground_z)
    like = central_view(dataset.train + dataset.held_out)
    pictures = _picture(ctx, scene, place, like, files, device)
    return Outcome(summary(_last(spec), files.sog, pruned, joined=joined), metrics, pictures)


def _last(spec: JobSpec) -> Stage:
    """Return the stage whose Gaussians are published."""
    return Stage.DESCEND if spec.pipeline is Pipeline.AERIAL else Stage.TRAIN


def _described(
    ctx: Context,
    kept: Gaussians,
    dataset: Dataset,
    geometry: Geometry,
    scene: Scene,
    files: Files,
) -> dict[str, int]:
    """Write the levels, the cameras and what tells of all; return the bytes of each file."""
    spec, root, photos = ctx.spec, ctx.paths.root, Photos.load(ctx.paths)
    levels = write_levels(kept, root, dataset.train + dataset.held_out)
    measured = (files.splat, files.ply, files.sog)
    figures = figures_of(spec, ctx.paths, photos, geometry, dataset.held_out, *measured)
    _json(root / METRICS, {**figures, "held_out_joined": scene.joined})
    bytes_of = {name: (root / name).stat().st_size for name in (SOG, SPZ, SPLAT, PLY)}
    cameras = write_cameras(ctx.paths, dataset, photos.names, photos=spec.photos == PUBLISH)
    manifest = manifest_of(spec, geometry, scene, photos.given, time.time())
    _json(root / MANIFEST, {**manifest, **weights(bytes_of, levels), "cameras": cameras})
    return bytes_of


def _picture(
    ctx: Context, scene: Scene, place: Place, like: View, files: Files, device: torch.device
) -> tuple[str, ...]:
    """Draw the poster of the published scene, and the scene turning; return what to show of it."""
    published = files.shown.to(device)
    turn = ctx.spec.pipeline is Pipeline.AERIAL  # the viewer begins with a map then
    begins = first_seen(scene.camera, place, from_above=turn)
    draw_thumbnail(published, begins, ctx.paths.root / THUMBNAIL)
    made = draw_turntable(published, scene.camera, like, ctx.paths.root / TURNTABLE, turn=turn)
    return (TURNTABLE if made else THUMBNAIL,)


def _prune(gaussians: Gaussians, dataset: Dataset) -> tuple[Gaussians, dict[str, int]]:
    def psnr(candidate: Gaussians) -> float:
        return Score.of(evaluate(candidate, dataset.held_out)).psnr or 0.0

    box = Box.around(dataset.points.to(gaussians.means.device))
    kept, left_out = prune(gaussians, box, psnr)
    return kept.select(importance(kept).argsort(descending=True, stable=True)), left_out


def _write(gaussians: Gaussians, root: Path, dataset: Dataset, device: torch.device) -> Files:
    """Write the files that are measured, and measure what they hold."""
    write_ply(gaussians, root / PLY)
    write_splat(gaussians, root / SPLAT)
    write_sog(gaussians, root / SOG)
    plain, shown = read_splat(root / SPLAT), read_sog(root / SOG)
    held_out, lpips = dataset.held_out, Lpips.installed()
    splat = measure(root / SPLAT, plain.to(device), held_out, lpips)
    ply = measure(root / PLY, read_ply(root / PLY).to(device), held_out, lpips)
    sog = measure(root / SOG, shown.to(device), held_out, lpips)
    return Files(splat, ply, sog, plain, shown)


def _before(
    gaussians: Gaussians,
    published: Files,
    ctx: Context,
    dataset: Dataset,
    device: torch.device,
) -> Files:
    """Return the published files with what is measured on those of the scene from before."""
    with TemporaryDirectory(dir=ctx.paths.work) as folder:
        kept, _ = _prune(gaussians, dataset)
        return published.with_figures_of(_write(kept, Path(folder), dataset, device))


def _scene(
    spec: JobSpec,
    geometry: Geometry,
    dataset: Dataset,
    files: Files,
    *,
    joined: bool,
) -> Scene:
    """Find the bounds, the ground and the viewer's cameras of the published scene."""
    splat, shown = files.splat, files.sog
    solid = files.plain.select(files.plain.opacities > SOLID)
    box = Box.around(_inside(solid.means, dataset.points), OUTSIDE)
    low, high = box.low.tolist(), box.high.tolist()
    ground = ground_of(*(np.asarray(t, np.float64) for t in (solid.means, box.low, box.high)))
    size = (box.high - box.low).tolist()
    views = dataset.train + dataset.held_out
    camera = first_camera(spec.pipeline, geometry, low, high, views, dataset.points)
    return Scene(
        low=low,
        high=high,
        ground=ground,
        walls=_walls(solid, ground, box) if ground else None,
        camera=camera,
        walk=on_foot(camera, size, ground, geometry.ground_z, metric=geometry.metric),
        gaussians=splat.gaussians,
        splat_bytes=splat.file.stat().st_size,
        psnr=rounded(shown.score.psnr),
        ssim=rounded(shown.score.ssim),
        lpips=rounded(shown.score.lpips),
        held_out=len(dataset.held_out),
        joined=joined,
    )


def _walls(solid: Gaussians, ground: Ground, box: Box) -> Walls:
    """Map what a walker meets, with each Gaussian's two longest axes."""
    longest = solid.scales.argsort(dim=1, descending=True)[:, :2, None]
    axes = (rotation_matrices(solid.quats) * solid.scales[:, None]).transpose(1, 2)
    axes = axes.gather(1, longest.expand(-1, -1, 3))
    tensors = (solid.means, axes, solid.opacities)
    means, long, opacities = (np.asarray(t, np.float64) for t in tensors)
    low, high = (np.asarray(t, np.float64) for t in (box.low, box.high))
    return walls_of(means, long, opacities, ground, low, high)


def _inside(solid: Tensor, points: Tensor) -> Tensor:
    """Return the solid Gaussians within the sparse points' box and half its size around it."""
    box = Box.around(points)
    room = (box.high - box.low) / 2
    inside = ((solid >= box.low - room) & (solid <= box.high + room)).all(dim=1)
    return solid[inside] if int(inside.sum()) > 10 else points


def _json(file: Path, content: object) -> None:
    """Write a JSON document, whole or not at all."""
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")
    partial.replace(file)
