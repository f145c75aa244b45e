"""The viewer beside two others: the same million Gaussians, machine, line and browser.

Each in its best format: ours in levels of .sog, SuperSplat's viewer the .sog that its own tool
writes, SplatWalk's set-up a .splat. Each as it is shipped, with its interface; without a poster,
and the two that can show one also with the same, which every job of ours publishes.
"""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench.viewer.measure import HEIGHT, WIDTH, Load, load
from bench.viewer.scene import write
from bench.viewer.serve import Server
from gpu.export.cameras import Camera
from gpu.export.levels import write_levels
from gpu.export.ply import write_ply
from gpu.export.splat import write_splat
from gpu.export.thumbnail import Place, draw_thumbnail, first_seen
from gpu.gaussians import Gaussians
from gpu.training.dataset import View
from tests.e2e.workspace import chromium

HERE = Path(__file__).parent
VIEWER = HERE.parents[1] / "viewer" / "dist"
PEERS = HERE / "peers"
ROUNDS = 3
FROM, TO = (-22.0, -22.0, 18.0), (0.0, 0.0, 1.0)
#: Of the viewer's usual lens, degrees.
FIELD_OF_VIEW = 52.0

OURS = "Splatbot"
SUPERSPLAT = "supersplat-viewer 1.36.2"
SPLATWALK = "SplatWalk's set-up"
POSTED, SUPERSPLAT_POSTED = f"{OURS}, poster", f"{SUPERSPLAT}, poster"
#: When a viewer says that all is there; then its picture has to stand still.
READY = {
    OURS: "() => window.splatViewer?.complete",
    POSTED: "() => window.splatViewer?.complete",
    SUPERSPLAT: "() => window.__first",
    SUPERSPLAT_POSTED: "() => window.__first",
    SPLATWALK: "() => window.__first",
}


def main() -> None:
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=PEERS, check=True
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        lay_out(folder)
        public = PEERS / "node_modules/@playcanvas/supersplat-viewer/public"
        folders = {"viewer": VIEWER, "peers": PEERS, "scene": folder, "supersplat": public}
        with Server(folders) as server:
            runs: dict[str, list[Load]] = {name: [] for name in READY}
            for turn in range(ROUNDS):
                for name, address in addresses(server.url).items():
                    with chromium() as browser:  # a new one: no shader was compiled before
                        place = folder / f"{name} {turn}"
                        runs[name].append(load(browser, address, READY[name], place))
        report(runs, folder)


def lay_out(folder: Path) -> None:
    """Write the scene as each viewer likes it best."""
    scene = write(folder)
    write_splat(scene, folder / "scene.splat")
    levels = write_levels(scene, folder, [view(FROM, TO), view((0.0, -9.0, 35.0), (0.0, 0.0, 0.0))])
    manifest = {
        "version": 2,
        "splat_url": "scene.splat",
        "title": "a million Gaussians",
        "viewer_mode": "orbit",
        "scene_bounds": {"min": [-30, -25, 0], "max": [30, 25, 8], "ground_z": 0.0},
        "camera_defaults": {"position": FROM, "look_at": TO, "up": [0, 0, 1]},
        "levels": [level.to_json() for level in levels],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "posted.json").write_text(json.dumps({**manifest, "thumbnail_url": "poster.jpg"}))
    place = Place((-30, -25, 0), (30, 25, 8), None, 0.0)
    begins = first_seen(Camera(FROM, TO), place, from_above=False)
    draw_thumbnail(scene, begins, folder / "poster.jpg")
    write_ply(y_down(scene), folder / "theirs.ply")
    tool = PEERS / "node_modules/@playcanvas/splat-transform/bin/cli.mjs"
    command = ["node", str(tool), "-q", "-w", "-g", "cpu", "theirs.ply", "scene.sog"]
    subprocess.run(command, cwd=folder, check=True)
    (folder / "settings.json").write_text(json.dumps(settings()))


def y_down(scene: Gaussians) -> Gaussians:
    """Turn the scene half a turn about (0, 1, -1): y down, z ahead, as their viewer takes it."""
    m = scene.means
    means = torch.stack([-m[:, 0], -m[:, 2], -m[:, 1]], dim=1)
    w, x, y, z = (torch.nn.functional.normalize(scene.quats, dim=1)).unbind(dim=1)
    s = 0.5**0.5
    # (0, 0, s, -s) times (w, x, y, z)
    quats = torch.stack([-s * y + s * z, s * z + s * y, s * w - s * x, -s * w - s * x], dim=1)
    return replace(scene, means=means, quats=quats)


def settings() -> dict[str, Any]:
    """Return supersplat-viewer's settings: our camera, in its axes (y up).

    Our field of view is that of the shorter side, its that of the longer one.
    """
    (x, y, z), (tx, ty, tz) = FROM, TO
    fov = 2 * math.degrees(math.atan(math.tan(math.radians(FIELD_OF_VIEW / 2)) * WIDTH / HEIGHT))
    pose = {"position": [x, z, -y], "target": [tx, tz, -ty], "fov": fov}
    return {
        "version": 2,
        "tonemapping": "none",
        "highPrecisionRendering": False,
        "background": {"color": [0.05, 0.06, 0.08]},
        "postEffectSettings": _no_effects(),
        "animTracks": [],
        "cameras": [{"initial": pose}],
        "annotations": [],
        "startMode": "default",
    }


def _no_effects() -> dict[str, Any]:
    return {
        "sharpness": {"enabled": False, "amount": 0},
        "bloom": {"enabled": False, "intensity": 1, "blurLevel": 2},
        "grading": {
            "enabled": False,
            "brightness": 0,
            "contrast": 1,
            "saturation": 1,
            "tint": [1, 1, 1],
        },
        "vignette": {
            "enabled": False,
            "intensity": 0.5,
            "inner": 0.3,
            "outer": 0.75,
            "curvature": 1,
        },
        "fringing": {"enabled": False, "intensity": 0.5},
    }


def view(position: tuple[float, float, float], target: tuple[float, float, float]) -> View:
    """Return a camera to measure on, as the viewer's."""
    place, forward = torch.tensor(position), torch.tensor(target) - torch.tensor(position)
    forward = forward / forward.norm()
    right = torch.linalg.cross(forward, torch.tensor([0.0, 0.0, 1.0]))
    right = right / right.norm()
    pose = torch.eye(4)
    pose[:3, :3] = torch.stack([right, torch.linalg.cross(forward, right), forward])
    pose[:3, 3] = -pose[:3, :3] @ place
    K = torch.tensor([[738.0, 0, 640], [0, 738.0, 360], [0, 0, 1]])
    return View("v", torch.zeros(720, 1280, 3, dtype=torch.uint8), pose, K)


def addresses(url: str) -> dict[str, str]:
    files = f"content={url}/scene/scene.sog&settings={url}/scene/settings.json"
    cameras = "&".join(f"{n}={','.join(map(str, p))}" for n, p in (("from", FROM), ("to", TO)))
    theirs = f"{url}/supersplat/index.html?{files}&webgl&noanim"
    return {
        OURS: f"{url}/viewer/?manifest={url}/scene/manifest.json",
        POSTED: f"{url}/viewer/?manifest={url}/scene/posted.json",
        SUPERSPLAT: theirs,
        SUPERSPLAT_POSTED: f"{theirs}&poster={url}/scene/poster.jpg",
        SPLATWALK: f"{url}/peers/splatwalk.html?{cameras}",
    }


ROWS: dict[str, Callable[[Load], str]] = {
    "first useful picture (23 dB), s": lambda r: f"{r.useful:.2f}",
    "complete (38 dB), s": lambda r: f"{r.complete:.2f}",
    "first paint, s": lambda r: f"{r.first_paint:.2f}",
    "longest frame while loading, ms": lambda r: f"{r.longest_frame:.0f}",
    "longest task while loading, ms": lambda r: f"{r.longest_task:.0f}",
    "frame while turned, ms": lambda r: f"{r.frame_time:.0f}",
    "frame while turned, p95, ms": lambda r: f"{r.frame_p95:.0f}",
    "memory, most, MB": lambda r: f"{r.memory_peak:.0f}",
    "memory at rest, MB": lambda r: f"{r.memory_end:.0f}",
    "JavaScript, kB gzip": lambda r: f"{r.script_kb:.0f}",
    "sent, MB": lambda r: f"{r.sent_mb:.1f}",
}


def report(runs: dict[str, list[Load]], folder: Path) -> None:
    middle = {
        name: Load(**{f.name: _middle([getattr(r, f.name) for r in loads]) for f in fields(Load)})
        for name, loads in runs.items()
    }
    shown = [str(sum(r.complete > 0 for r in loads)) for loads in runs.values()]
    print(f"| median of {ROUNDS} | {' | '.join(middle)} |\n|---|{'---|' * len(middle)}")
    print(f"| loads that showed the scene | {' | '.join(shown)} |")
    for words, say in ROWS.items():
        print(f"| {words} | {' | '.join(say(r).replace('nan', '-') for r in middle.values())} |")
    for kind, total in sizes(folder).items():
        print(f"{kind}: {total / 1e6:.1f} MB")


def _middle(values: list[float]) -> float:
    """Return the median of what came."""
    came = [value for value in values if not math.isnan(value)]
    return median(came) if came else math.nan


def sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of each format."""
    each = {f.name: f.stat().st_size for f in folder.iterdir() if f.suffix in (".sog", ".splat")}
    return dict(sorted(each.items()))
