"""Posed photos: read from a COLMAP model, resized, and split into training and held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from gpu.job import JobPaths, SplatError
from gpu.training.lens import Lens, lens_of, lost


class NoModel(SplatError):
    """There is no usable COLMAP model to train from."""


class TooLittlePlaced(NoModel):
    """The model has too few photos or points to train from."""

    lasting = True


@dataclass(frozen=True)
class View:
    """A photo and its camera: a pinhole, or with a lens that bends.

    image [H, W, 3] uint8; viewmat [4, 4] world to camera; K [3, 3] pixels of this image;
    mask [H, W] bool where the image is known, None = everywhere.
    """

    name: str
    image: Tensor
    viewmat: Tensor
    K: Tensor
    mask: Tensor | None = None
    lens: Lens | None = None

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])

    @property
    def long_side(self) -> int:
        return max(self.width, self.height)

    @property
    def pixels(self) -> Tensor:
        """The photo with values 0 to 1, float32 [H, W, 3]."""
        return self.image.float() / 255

    @property
    def position(self) -> Tensor:
        """The camera's centre in the world, [3]."""
        return -self.viewmat[:3, :3].T @ self.viewmat[:3, 3]


@dataclass(frozen=True)
class Dataset:
    """Training views, held-out views, and the sparse points [P, 3] with colours 0 to 1."""

    train: tuple[View, ...]
    held_out: tuple[View, ...]
    points: Tensor
    colors: Tensor


def load_dataset(folder: Path, image_size: int, holdout: int) -> Dataset:
    """Read `folder`/images, `masks` and `sparse`; every `holdout`-th photo by name is held out.

    Photos are resized by area so that the longer side is at most `image_size` pixels. Raises
    NoModel when the model or a photo can not be read or too few photos are left to train on.
    """
    model = _read_model(folder / "sparse")
    return _split(model, list(_views(model, folder / "images", image_size)), holdout)


def load_bent(paths: JobPaths, image_size: int, holdout: int) -> Dataset:
    """Read a job's photos as they are, not straightened; else as `load_dataset`."""
    model = _read_model(paths.geometry)
    return _split(model, list(_views(model, paths.images, image_size, bent=True)), holdout)


def border_lost(folder: Path) -> float:
    """Return the part of the pixels, 0 to 1, that straightening the photos of a model loses.

    0 where gsplat does not know a camera's model: then there is no way without. Raises NoModel.
    """
    cameras = list(_read_model(folder).cameras.values())
    return lost(cameras) if all(lens_of(camera) for camera in cameras) else 0.0


def _split(model: pycolmap.Reconstruction, views: Sequence[View], holdout: int) -> Dataset:
    train = tuple(v for i, v in enumerate(views) if i % holdout)
    if len(train) < 2 or model.num_points3D() < 4:
        raise TooLittlePlaced(
            f"Only {len(views)} photos and {model.num_points3D()} points could be placed in space.",
            hint="Add photos that overlap more: each point should be seen in three or more.",
        )
    points = [p for _, p in sorted(model.points3D.items())]
    return Dataset(
        train=train,
        held_out=tuple(views[::holdout]),
        points=torch.tensor(np.array([p.xyz for p in points]), dtype=torch.float32),
        colors=torch.tensor(np.array([p.color for p in points]), dtype=torch.float32) / 255,
    )


def _read_model(folder: Path) -> pycolmap.Reconstruction:
    try:
        return pycolmap.Reconstruction(folder)
    except (ValueError, RuntimeError, OSError) as wrong:
        raise NoModel(
            f"The camera model in {folder.name} can not be read.",
            hint="Run the geometry stage again.",
        ) from wrong


def _views(
    model: pycolmap.Reconstruction, folder: Path, image_size: int, *, bent: bool = False
) -> Iterator[View]:
    registered = (model.images[i] for i in model.reg_image_ids())
    for image in sorted(registered, key=lambda image: str(image.name)):
        camera = model.cameras[image.camera_id]
        photo = _read_photo(folder / image.name)
        shrink = min(1.0, image_size / max(photo.size))
        size = (max(1, round(photo.width * shrink)), max(1, round(photo.height * shrink)))
        viewmat = torch.eye(4)
        viewmat[:3] = torch.tensor(image.cam_from_world().matrix())
        K = torch.tensor(camera.calibration_matrix(), dtype=torch.float32)
        yield View(
            name=image.name,
            image=_bytes(photo.resize(size, Image.Resampling.BOX)),
            viewmat=viewmat,
            K=_scaled(K, camera.width, camera.height, size),
            mask=_read_mask(folder.with_name("masks") / f"{image.name}.png", size),
            lens=lens_of(camera) if bent else None,
        )


def _read_photo(path: Path) -> Image.Image:
    try:
        return Image.open(path).convert("RGB")
    except (OSError, UnidentifiedImageError) as wrong:
        raise NoModel(
            f"The photo {path.name} can not be read.",
            hint="Run the geometry stage again.",
        ) from wrong


def _read_mask(path: Path, size: tuple[int, int]) -> Tensor | None:
    """Return where a photo counts, [H, W] bool: pixels of which all counts. None: everywhere."""
    if not path.is_file():
        return None
    with Image.open(path) as opened:
        mask = opened.convert("L").resize(size, Image.Resampling.BOX)
    return _bytes(mask) == 255


def _scaled(K: Tensor, width: int, height: int, size: tuple[int, int]) -> Tensor:
    """Return the intrinsics after a resize; pixel centres lie at halves, as in COLMAP."""
    factors = torch.tensor([size[0] / width, size[1] / height, 1.0])
    return K * factors[:, None]


def _bytes(photo: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(photo, dtype=np.uint8))
