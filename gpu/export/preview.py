"""A first look at a scene while it still trains: one small file and the manifest, published early.

It is written beside the training loop, from the most important Gaussians as they are then, and no
job fails or waits for it. The manifest is where the final one will be; the scene is a file of its
own, because a browser may keep what has once had a name.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx

from gpu.export.cameras import first_camera, on_foot
from gpu.export.manifest import Scene, manifest_of
from gpu.export.prune import Box
from gpu.export.publish import headers_for
from gpu.export.sog import write_sog
from gpu.export.splat import importance
from gpu.gaussians import Gaussians
from gpu.geometry.record import Geometry
from gpu.ingest.photos import Photos
from gpu.job import Target
from gpu.job.paths import MANIFEST, PREVIEW, PREVIEW_MANIFEST
from gpu.stage import Context
from gpu.training.dataset import Dataset

PART = 0.2  #: of the steps are over when it is made
SHORT = 30.0  #: Whoever waits fewer seconds for the whole training needs no preview.
MOST = 100_000  #: Gaussians that it has at most, without view dependence: 1.5 MB
TIMEOUT = httpx.Timeout(10.0)

log = logging.getLogger(__name__)


class Due:
    """Says once that a training has come far enough, if people have to wait long for its end."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.is_open = True  #: it may still say so: this follows from the parts done alone
        self._clock = clock
        self._begun: tuple[float, float] | None = None

    def at(self, done: float) -> bool:
        """Whether it is time, when a part of `done` is over."""
        if self._begun is None:
            self._begun = done, self._clock()
            self.is_open = done < PART  # else an earlier attempt has had its preview
        if done < PART or not self.is_open:
            return False
        self.is_open = False
        before, at = self._begun
        return (self._clock() - at) / max(done - before, 1e-9) >= SHORT


class Preview:
    """Publishes one preview of a job's training; `clock` gives seconds."""

    def __init__(self, ctx: Context, dataset: Dataset, clock: Callable[[], float]) -> None:
        self.is_there = False
        self._ctx, self._dataset = ctx, dataset
        self._due = Due(clock)
        self._over, self._writing = threading.Lock(), threading.Thread()
        self._is_over = False

    def offer(self, done: float, gaussians: Gaussians) -> None:
        """Begin with a preview if a part of `done` makes it time to; nothing waits for it."""
        if self._ctx.spec.target is not None and self._due.at(done):
            self.publish(done, gaussians)

    def publish(self, done: float, gaussians: Gaussians) -> None:
        """Begin with a preview now; nothing waits for it, and what fails is logged."""
        try:
            self._begin(done, gaussians)
        except Exception:  # a nicety: out of memory, for one
            log.exception("no preview")

    def end(self) -> None:
        """Have nothing published from now on: what is final comes next."""
        with self._over:
            self._is_over = True

    def wait(self) -> None:
        """Return once the preview is published, or has failed."""
        if self._writing.ident is not None:
            self._writing.join()

    def _begin(self, done: float, gaussians: Gaussians) -> None:
        few = seen_first(gaussians, MOST).map(lambda tensor: tensor.cpu())
        self._writing = threading.Thread(target=self._make, args=(done, few), daemon=True)
        self._writing.start()

    def _make(self, done: float, few: Gaussians) -> None:
        folder = self._ctx.paths.work / "preview"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_sog(few, folder / PREVIEW)
            manifest = preview_manifest(self._ctx, self._dataset, few, folder / PREVIEW, done)
            (folder / MANIFEST).write_text(json.dumps(manifest, allow_nan=False), encoding="utf-8")
            assert self._ctx.spec.target is not None
            put(folder / PREVIEW, PREVIEW, PREVIEW, self._ctx.spec.target)
            with self._over:
                if not self._is_over:
                    put(folder / MANIFEST, MANIFEST, PREVIEW_MANIFEST, self._ctx.spec.target)
                    self.is_there = True
        except Exception as wrong:  # noqa: BLE001 - logged by its kind: its text may have a URL
            log.warning("the preview was not published: %s", type(wrong).__name__)


def seen_first(gaussians: Gaussians, most: int) -> Gaussians:
    """Return so many of the most important Gaussians, which look the same from all sides."""
    kept = importance(gaussians).topk(min(most, len(gaussians))).indices
    few = gaussians.detach().select(kept)
    return replace(few, shN=few.shN[:, :0])


def preview_manifest(
    ctx: Context, dataset: Dataset, few: Gaussians, file: Path, done: float
) -> Mapping[str, object]:
    """Return the manifest of a scene that is not finished: no ground, no figures, one file."""
    geometry, photos = Geometry.load(ctx.paths), Photos.load(ctx.paths)
    box, views = Box.around(dataset.points), dataset.train + dataset.held_out
    low, high = box.low.tolist(), box.high.tolist()
    size, count = (box.high - box.low).tolist(), file.stat().st_size
    camera = first_camera(ctx.spec.pipeline, geometry, low, high, views, dataset.points)
    walk = on_foot(camera, size, None, geometry.ground_z, metric=geometry.metric)
    scene = Scene(
        low=low, high=high, ground=None, walls=None, camera=camera, walk=walk,
        gaussians=len(few), splat_bytes=count, psnr=None, ssim=None, lpips=None,
        held_out=len(dataset.held_out), joined=False,
    )  # fmt: skip
    final = dict(manifest_of(ctx.spec, geometry, scene, photos.given, time.time()))
    for name in ("ply_url", "thumbnail_url", "metrics_url"):
        del final[name]
    return {
        **final,
        "splat_url": PREVIEW,
        "preview": {"done": round(done, 2)},
        "levels": [{"url": PREVIEW, "bytes": count, "gaussians": len(few), "grow": 1.0}],
        "formats": [{"url": PREVIEW, "bytes": count}],
    }


def put(file: Path, name: str, url_name: str, target: Target) -> None:
    """Bring one file to where the results go; it is seen whole or not at all. Tried once."""
    if target.path is None:
        data = file.read_bytes()
        headers = headers_for(target.urls[url_name], len(data))
        answer = httpx.put(target.urls[url_name], content=data, headers=headers, timeout=TIMEOUT)
        answer.raise_for_status()
        return
    place = Path(target.path) / name
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f".{name}.partial-preview")
    shutil.copyfile(file, partial)
    partial.replace(place)
