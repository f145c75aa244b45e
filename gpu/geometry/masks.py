"""The photos' masks, straightened like the photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pycolmap
from PIL import Image

from gpu.job import JobPaths


def undistort_masks(paths: JobPaths, options: pycolmap.UndistortCameraOptions) -> None:
    """Write `masks/<image>.png` beside the straightened photos, where a photo has a mask."""
    model = pycolmap.Reconstruction(paths.geometry)
    target = paths.undistorted / "masks"
    for number in sorted(model.reg_image_ids()):
        image = model.image(number)
        mask = paths.masks / f"{image.name}.png"
        if mask.is_file():
            target.mkdir(exist_ok=True)
            _straightened(mask, model.camera(image.camera_id), options).save(target / mask.name)


def _straightened(
    mask: Path, camera: pycolmap.Camera, options: pycolmap.UndistortCameraOptions
) -> Image.Image:
    with Image.open(mask) as opened:
        grey = np.asarray(opened.convert("L"))
    bitmap, _ = pycolmap.undistort_image(options, pycolmap.Bitmap.from_array(grey), camera)
    return Image.fromarray(bitmap.to_array())
