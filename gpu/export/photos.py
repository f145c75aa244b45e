"""cameras.json: where each photo was taken; and the photos themselves, only when asked for.

A camera's frame is x right, y down, z ahead (OpenCV's and COLMAP's), the world's the manifest's.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

import pycolmap
import torch
from PIL import Image
from torch import Tensor

from gpu.job import JobPaths
from gpu.job.paths import CAMERAS, PHOTO_FILES
from gpu.training.dataset import Dataset, View

#: Cameras that the file tells at most; of more photos some are left out, evenly.
MOST = 2_000
#: Pixels of a published photo's longer side at most, and its JPEG quality.
LONG_SIDE, QUALITY = 1024, 85
#: What masks hide is painted over: whoever had people removed does not want them published.
HIDDEN = 96

Item = TypeVar("Item")


def write_cameras(
    paths: JobPaths, dataset: Dataset, names: Mapping[str, str], *, photos: bool
) -> dict[str, object]:
    """Write cameras.json, and `photos/` or nothing there; return what the manifest says of them.

    `names` maps a view's name to what the user called the photo: its folders are left out.
    """
    every = sorted((*dataset.train, *dataset.held_out), key=lambda view: view.name)
    told = evenly(every, MOST)
    published = _publish(evenly(told, len(PHOTO_FILES)) if photos else (), paths)
    cameras = [_camera(view, names) | _file(published.get(view.name)) for view in told]
    content = {"version": 1, "photos": len(every), "cameras": cameras}
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    size = (paths.root / CAMERAS).write_bytes(text.encode())
    return {"url": CAMERAS, "bytes": size, "count": len(told), "photos": len(published)}


def evenly(items: Sequence[Item], most: int) -> Sequence[Item]:
    """Return at most `most` of the items, spread evenly, in their order."""
    if len(items) <= most:
        return items
    return [items[i * len(items) // most] for i in range(most)]


def _camera(view: View, names: Mapping[str, str]) -> dict[str, object]:
    """Return a camera: position and turn into the world (quaternion w, x, y, z), pixels."""
    x, y, z, w = pycolmap.Rotation3d(view.viewmat[:3, :3].T.double().numpy()).quat
    (fx, _, cx), (_, fy, cy), _ = view.K.tolist()
    return {
        "name": PurePosixPath(names.get(view.name, view.name)).name,
        "position": [round(v, 4) for v in view.position.tolist()],
        "rotation": [round(float(v), 7) for v in (w, x, y, z)],
        "size": [view.width, view.height],
        "focal": [round(fx, 2), round(fy, 2)],
        "centre": [round(cx, 2), round(cy, 2)],
    }


def _file(name: str | None) -> dict[str, object]:
    return {} if name is None else {"photo": name}


def _publish(views: Sequence[View], paths: JobPaths) -> dict[str, str]:
    """Write the photos, as trained on but smaller; return their files by the views' names."""
    folder = paths.published_photos
    if folder.exists():
        shutil.rmtree(folder)  # of an earlier run, which may have been asked for more
    published = dict(zip((view.name for view in views), PHOTO_FILES, strict=False))
    if published:
        folder.mkdir()
    for view in views:
        # Made from pixels alone: nothing of the photo's EXIF can come along.
        picture = Image.fromarray(_seen(view).numpy())
        picture.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
        picture.save(paths.root / published[view.name], quality=QUALITY, optimize=True)
    return published


def _seen(view: View) -> Tensor:
    """Return the photo [H, W, 3] uint8 without what masks hide."""
    if view.mask is None:
        return view.image
    hidden = torch.full_like(view.image, HIDDEN)
    return torch.where(view.mask[:, :, None], view.image, hidden)
