"""Reads and writes `.sog`, version 2: Gaussians as lossless WebP pictures in a zip.

Format: https://developer.playcanvas.com/user-manual/gaussian-splatting/formats/sog/. One pixel a
Gaussian, row by row, the same in every picture:

    means_l, means_u  low and high byte of 16-bit positions, x y z = sign(p) log(1 + |p|) within
                      [mins, maxs]
    quats             the three smaller components of w x y z; alpha = 252 + the largest one's index
    scales            indices of logarithms in a codebook
    sh0               indices of colours in a codebook; alpha = opacity
    shN               higher spherical harmonics: a palette, and which of it each Gaussian has

`model` says how the scene was trained, and so has to be drawn (splat-transform's SplatModel): with
Mip-Splatting's 2D filter, as all that `gpu.training` makes.

Nothing is lost but precision. Neighbours in space are neighbours in a picture, which halves the
size of the positions' high bytes.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gpu.export.codebook import codebook, indices, palette
from gpu.gaussians import Gaussians
from gpu.job import SplatError

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

#: Entries of the palette of spherical harmonics at most, and in one row of its picture.
PALETTE, PALETTE_ROW = 4096, 64
#: The other three components of a unit quaternion are no larger than this.
LARGEST_OTHER = math.sqrt(0.5)
#: A zip has the time of its files; ours do not tell when they were made.
EPOCH = (1980, 1, 1, 0, 0, 0)
#: Opacities are stored in steps of 1/255; 0 and 1 have no logit.
MIN_OPACITY = 0.5 / 255


class DamagedSog(SplatError):
    """A .sog file that does not hold what it should."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path.name} is not a readable .sog file: {reason}.",
            hint="Run the job again to write it anew.",
        )


def write_sog(gaussians: Gaussians, path: Path) -> None:
    """Write the Gaussians, neighbours together; a file is replaced whole or not at all."""
    ordered = gaussians.select(along_curve(gaussians.means))
    pictures: dict[str, Bytes] = {}
    meta: dict[str, Any] = {"version": 2, "asset": {"generator": "splatbot"}}
    meta |= {"count": len(ordered), "model": "antialiased"}
    for part in (_means, _scales, _quats, _colours, _harmonics):
        meta |= part(ordered, pictures)
    files = {name: _webp(_laid_out(pixels, name)) for name, pixels in pictures.items()}
    partial = path.with_name(f".{path.name}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {"meta.json": json.dumps(meta).encode(), **files}.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data)
    partial.replace(path)


def along_curve(means: Tensor) -> Tensor:
    """Return the order [N] along a Morton curve through places [N, 3]."""
    low = means.amin(dim=0)
    size = (means.amax(dim=0) - low).amax().clamp_min(1e-9)
    cells = ((means - low) / size * (2**21 - 1)).to(torch.int64)
    code = _spread(cells[:, 0]) | _spread(cells[:, 1]) << 1 | _spread(cells[:, 2]) << 2
    return code.argsort(stable=True)


def _spread(x: Tensor) -> Tensor:
    """Put two zeros between the 21 bits of a number."""
    for shift, mask in (
        (32, 0x1F00000000FFFF),
        (16, 0x1F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):
        x = (x | x << shift) & mask
    return x


def _means(gaussians: Gaussians, pictures: dict[str, Bytes]) -> dict[str, object]:
    means = gaussians.means.double().cpu().numpy()
    logs = np.sign(means) * np.log1p(np.abs(means))
    low, high = logs.min(axis=0), logs.max(axis=0)
    steps = np.rint((logs - low) / np.maximum(high - low, 1e-12) * 65535).astype(np.uint16)
    pictures["means_l.webp"] = _opaque((steps & 255).astype(np.uint8))
    pictures["means_u.webp"] = _opaque((steps >> 8).astype(np.uint8))
    files = ["means_l.webp", "means_u.webp"]
    return {"means": {"mins": low.tolist(), "maxs": high.tolist(), "files": files}}


def _scales(gaussians: Gaussians, pictures: dict[str, Bytes]) -> dict[str, object]:
    scales = _numpy(gaussians.log_scales)
    book = codebook(scales)
    pictures["scales.webp"] = _opaque(indices(scales, book))
    return {"scales": {"codebook": book.tolist(), "files": ["scales.webp"]}}


def _quats(gaussians: Gaussians, pictures: dict[str, Bytes]) -> dict[str, object]:
    quats = torch.nn.functional.normalize(gaussians.quats, dim=1)
    largest = quats.abs().argmax(dim=1, keepdim=True)
    quats = quats * torch.where(quats.gather(1, largest) < 0, -1.0, 1.0)
    others = torch.arange(3, device=quats.device).expand(len(quats), 3)
    small = quats.gather(1, others + (others >= largest))
    parts = _bytes((small / LARGEST_OTHER + 1) / 2 * 255)
    mode = (252 + largest).to(torch.uint8).cpu().numpy()
    pictures["quats.webp"] = np.concatenate([parts, mode], axis=1)
    return {"quats": {"files": ["quats.webp"]}}


def _colours(gaussians: Gaussians, pictures: dict[str, Bytes]) -> dict[str, object]:
    colours = _numpy(gaussians.sh0[:, 0])
    book = codebook(colours)
    opacity = _bytes(gaussians.opacities * 255)[:, None]
    pictures["sh0.webp"] = np.concatenate([indices(colours, book), opacity], axis=1)
    return {"sh0": {"codebook": book.tolist(), "files": ["sh0.webp"]}}


def _harmonics(gaussians: Gaussians, pictures: dict[str, Bytes]) -> dict[str, object]:
    n, coefficients = gaussians.shN.shape[:2]
    if coefficients == 0:
        return {}
    size = min(PALETTE, PALETTE_ROW * math.ceil(n / PALETTE_ROW))
    entries, labels = palette(gaussians.shN.reshape(n, -1), min(size, n))
    values = _numpy(entries).reshape(-1, coefficients, 3)
    book = codebook(values)
    rows = math.ceil(len(values) / PALETTE_ROW)
    centroids = np.zeros((rows * PALETTE_ROW, coefficients, 3), np.uint8)
    centroids[: len(values)] = indices(values, book)
    pictures["shN_centroids.webp"] = _opaque(centroids.reshape(rows, -1, 3))
    number = labels.cpu().numpy().astype(np.uint16)
    split = np.stack([number & 255, number >> 8, np.zeros_like(number)], axis=1)
    pictures["shN_labels.webp"] = _opaque(split.astype(np.uint8))
    files = ["shN_centroids.webp", "shN_labels.webp"]
    bands, count = gaussians.sh_degree, len(values)
    entry = {"count": count, "bands": bands, "codebook": book.tolist(), "files": files}
    return {"shN": entry}


def _opaque(colours: Bytes) -> Bytes:
    return np.concatenate([colours, np.full((*colours.shape[:-1], 1), 255, np.uint8)], axis=-1)


def _laid_out(pixels: Bytes, name: str) -> Bytes:
    """Return a picture [H, W, 4]; W and H are multiples of 4. The palette is one already."""
    if name == "shN_centroids.webp":
        return pixels
    count = len(pixels)
    width = 4 * math.ceil(math.sqrt(count) / 4)
    height = 4 * math.ceil(count / width / 4)
    picture = np.zeros((width * height, 4), np.uint8)
    picture[:count] = pixels
    return picture.reshape(height, width, 4)


def _webp(picture: Bytes) -> bytes:
    file = io.BytesIO()
    # exact: the colour of a transparent pixel is a value like any other.
    Image.fromarray(picture, "RGBA").save(file, "WEBP", lossless=True, exact=True, method=4)
    return file.getvalue()


def read_sog(path: Path) -> Gaussians:
    """Read Gaussians to the CPU; raises DamagedSog."""
    try:
        with zipfile.ZipFile(path) as archive:
            meta = json.loads(archive.read("meta.json"))
            names = {name for part in meta.values() if isinstance(part, dict)
                     for name in part.get("files", ())}  # fmt: skip
            pictures = {name: _pixels(archive.read(name)) for name in names}
        return _decoded(meta, pictures)
    except (OSError, KeyError, ValueError, IndexError, zipfile.BadZipFile) as wrong:
        raise DamagedSog(path, f"{wrong}"[:120]) from wrong


def _pixels(data: bytes) -> Bytes:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))


def _decoded(meta: Mapping[str, Any], pictures: Mapping[str, Bytes]) -> Gaussians:
    n = int(meta["count"])

    def flat(part: str, i: int = 0) -> Bytes:
        return pictures[meta[part]["files"][i]].reshape(-1, 4)[:n]

    def looked_up(part: str, pixels: Bytes) -> Tensor:
        return torch.from_numpy(np.asarray(meta[part]["codebook"], np.float32)[pixels[..., :3]])

    low, high = (torch.tensor(meta["means"][end], dtype=torch.float64) for end in ("mins", "maxs"))
    steps = flat("means", 1)[:, :3].astype(np.float64) * 256 + flat("means")[:, :3]
    logs = low + torch.from_numpy(steps / 65535) * (high - low)
    opacities = torch.from_numpy(flat("sh0")[:, 3] / np.float32(255))
    return Gaussians(
        means=(logs.sign() * torch.expm1(logs.abs())).float(),
        quats=_unit(flat("quats")),
        log_scales=looked_up("scales", flat("scales")),
        logit_opacities=opacities.clamp(MIN_OPACITY, 1 - MIN_OPACITY).logit(),
        sh0=looked_up("sh0", flat("sh0"))[:, None],
        shN=_read_harmonics(meta, pictures, flat, looked_up) if "shN" in meta
        else torch.zeros(n, 0, 3),
    )  # fmt: skip


def _read_harmonics(meta: Any, pictures: Any, flat: Any, looked_up: Any) -> Tensor:
    coefficients = (meta["shN"]["bands"] + 1) ** 2 - 1
    entries = looked_up("shN", pictures[meta["shN"]["files"][0]]).reshape(-1, coefficients, 3)
    labels = flat("shN", 1).astype(np.int64)
    chosen: Tensor = entries[torch.from_numpy(labels[:, 0] + 256 * labels[:, 1])]
    return chosen


def _unit(pixels: Bytes) -> Tensor:
    small = (torch.from_numpy(pixels[:, :3].astype(np.float32)) / 255 * 2 - 1) * LARGEST_OTHER
    largest = torch.from_numpy(pixels[:, 3:].astype(np.int64)) - 252
    others = torch.arange(3).expand(len(small), 3)
    quats = torch.zeros(len(small), 4).scatter_(1, others + (others >= largest), small)
    rest = (1 - small.square().sum(dim=1, keepdim=True)).clamp_min(0).sqrt()
    return quats.scatter_(1, largest, rest)


def _numpy(values: Tensor) -> Floats:
    return np.ascontiguousarray(values.detach().float().cpu().numpy())


def _bytes(values: Tensor) -> Bytes:
    return values.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
