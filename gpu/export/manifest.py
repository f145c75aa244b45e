"""manifest.json: what a viewer has to know of a scene. URLs are relative to the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gpu.export.cameras import Camera
from gpu.export.figures import perceived
from gpu.export.ground import Ground
from gpu.export.levels import Level
from gpu.export.walls import Walls
from gpu.geometry.record import Geometry
from gpu.job import JobSpec, Pipeline
from gpu.job.paths import METRICS, PLY, SPLAT, THUMBNAIL

VIEWER_MODES = ("orbit", "fly", "walk", "topdown")


@dataclass(frozen=True)
class Scene:
    """What `compress` found out about a scene, world units; all numbers measured."""

    low: Sequence[float]
    high: Sequence[float]
    ground: Ground | None
    walls: Walls | None
    camera: Camera
    walk: Camera
    gaussians: int
    splat_bytes: int
    psnr: float | None
    ssim: float | None
    lpips: float | None
    held_out: int
    joined: bool


def manifest_of(
    spec: JobSpec, geometry: Geometry, scene: Scene, photos: int, now: float
) -> dict[str, object]:
    """Return the manifest; `photos` were given, `now` is Unix time."""
    manifest: dict[str, object] = {
        "version": 2,
        "job": spec.job_id,
        "title": spec.dataset,
        "dataset": spec.dataset,
        "pipeline": str(spec.pipeline),
        "created_at": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        "splat_url": SPLAT,
        "ply_url": PLY,
        "thumbnail_url": THUMBNAIL,
        "metrics_url": METRICS,
        "viewer_mode": "topdown" if spec.pipeline is Pipeline.AERIAL else "orbit",
        "viewer_modes": list(VIEWER_MODES),
        "scene_bounds": _bounds(scene, geometry.ground_z),
        "camera_defaults": scene.camera.to_json(),
        "walk_camera_defaults": scene.walk.to_json(),
        "metadata": _metadata(geometry, scene, photos),
    }
    if scene.ground is not None:
        manifest["ground"] = _ground(scene.ground)
    if scene.walls is not None:
        manifest["walls"] = scene.walls.to_json()
    return manifest


def weights(files: Mapping[str, int], levels: Sequence[Level]) -> Mapping[str, object]:
    """Return what there is to load and to download: the levels, and every file's bytes."""
    formats = [{"url": name, "bytes": size} for name, size in files.items()]
    return {"levels": [level.to_json() for level in levels], "formats": formats}


def _bounds(scene: Scene, ground_z: float) -> Mapping[str, object]:
    sides = list(zip(scene.low, scene.high, strict=True))
    return {
        "min": [round(low, 4) for low, _ in sides],
        "max": [round(high, 4) for _, high in sides],
        "center": [round((low + high) / 2, 4) for low, high in sides],
        "size": [round(high - low, 4) for low, high in sides],
        "ground_z": ground_z,
    }


def _ground(ground: Ground) -> Mapping[str, object]:
    rows, columns = ground.heights.shape
    return {
        "origin": [round(v, 4) for v in ground.origin],
        "cell": ground.cell,
        "columns": columns,
        "rows": rows,
        "heights": [round(float(height), 3) for height in ground.heights.ravel()],
    }


def _metadata(geometry: Geometry, scene: Scene, photos: int) -> Mapping[str, object]:
    return {
        "metric": geometry.metric,
        "drone_agl_m": round(geometry.camera_height, 2) if geometry.metric else None,
        "scene_scale": 1.0,
        "splat_size_mb": round(scene.splat_bytes / 1e6, 3),
        "gaussians": scene.gaussians,
        "photos": photos,
        "photos_registered": len(geometry.registered),
        "psnr": scene.psnr,
        "ssim": scene.ssim,
        **perceived(scene.lpips),
        "held_out": scene.held_out,
        "held_out_joined": scene.joined,
        "georeference": _georeference(geometry),
    }


def _georeference(geometry: Geometry) -> Mapping[str, object] | None:
    """Say where (0, 0, 0) is; x points east, y north, z up, in metres, and `epsg` names the UTM
    zone in which a map would draw it."""
    if geometry.origin is None:
        return None
    latitude, longitude, altitude = geometry.origin
    return {
        "latitude": latitude,
        "longitude": longitude,
        "altitude": altitude,
        "axes": "ENU",
        "epsg": geometry.epsg,
    }
