"""Writes `.spz`, version 3: Niantic's packed format, about a tenth of a .ply.

Format: https://github.com/nianticlabs/spz (packed Gaussians). A header of 16 bytes, then one array
after the other, gzipped: positions 3 x 24-bit fixed point, opacity, colour, logarithms of the
scales, rotation (smallest three, 32 bits), higher spherical harmonics. Axes are those of the .ply.
"""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpu.gaussians import Gaussians

MAGIC, VERSION = 0x5053474E, 3
#: The flag of a scene that was trained with Mip-Splatting's 2D filter, as all of `gpu.training`.
ANTIALIASED = 1
#: Bits of a position's 24 at most that are behind the point.
FRACTION = 12
#: Colours that one byte can tell reach this far: byte = 255 (0.5 + COLOUR * sh0).
COLOUR = 0.15
#: Bits of a higher spherical harmonic: of the first degree, of the others.
FIRST, OTHERS = 5, 4


def write_spz(gaussians: Gaussians, path: Path) -> None:
    """Write the Gaussians in their order; a file is replaced whole or not at all."""
    g = gaussians.to(torch.device("cpu"))
    degree = min(g.sh_degree, 3)
    fraction = _fraction(g.means)
    header = struct.pack("<IIIBBBB", MAGIC, VERSION, len(g), degree, fraction, ANTIALIASED, 0)
    steps = (g.means.double() * 2**fraction).round().to(torch.int32).numpy()
    parts = [
        steps.astype("<i4").reshape(-1, 1).view(np.uint8)[:, :3],
        _bytes(g.opacities * 255),
        _bytes((g.sh0[:, 0] * COLOUR + 0.5) * 255),
        _bytes((g.log_scales + 10) * 16),
        _rotations(g.quats),
        _harmonics(g.shN[:, : (degree + 1) ** 2 - 1]),
    ]
    content = header + b"".join(part.tobytes() for part in parts)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(gzip.compress(content, 6, mtime=0))
    partial.replace(path)


def _fraction(means: Tensor) -> int:
    """Return the bits behind the point with which the furthest place still fits into 24 bits."""
    reach = float(means.abs().max()) or 1.0
    return max(0, min(FRACTION, 23 - math.ceil(math.log2(reach + 1))))


def _rotations(quats: Tensor) -> NDArray[np.uint8]:
    """Return 32 bits each: the largest of x y z w, and sign and nine bits of the other three."""
    q = torch.nn.functional.normalize(quats, dim=1)[:, [1, 2, 3, 0]].double()
    largest = q.abs().argmax(dim=1, keepdim=True)
    q = q * torch.where(q.gather(1, largest) < 0, -1.0, 1.0)
    word = largest[:, 0].clone()
    for i in range(4):
        size = (q[:, i].abs() / math.sqrt(0.5) * 511).round().clamp(max=511).long()
        code = word << 10 | (q[:, i] < 0).long() << 9 | size
        word = torch.where(largest[:, 0] == i, word, code)
    return word.numpy().astype("<u4").reshape(-1, 1).view(np.uint8)


def _harmonics(values: Tensor) -> NDArray[np.uint8]:
    """Return bytes with only as many different values as their degree is worth."""
    steps = torch.full((values.shape[1], 1), 2.0 ** (8 - OTHERS))
    steps[:3] = 2.0 ** (8 - FIRST)
    return _bytes(((values * 128 + 128) / steps).round() * steps)


def _bytes(values: Tensor) -> NDArray[np.uint8]:
    return values.round().clamp(0, 255).to(torch.uint8).numpy()
