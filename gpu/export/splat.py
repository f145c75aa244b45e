"""Reads and writes `.splat`: 32 bytes a Gaussian, what web viewers load.

Little-endian, one record a Gaussian: position 3 x float32, standard deviations 3 x float32, colour
and opacity 4 x uint8 (RGB at no view direction, so higher spherical harmonics are lost), rotation
4 x uint8 (w x y z, q * 128 + 128). The most important Gaussians come first, so that a viewer that
has loaded a part shows most of the scene.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gpu.gaussians import SH_C0, Gaussians
from gpu.job import SplatError

RECORD = np.dtype(
    [("position", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)]
)
#: Opacities are stored in steps of 1/255; 0 and 1 have no logit.
MIN_OPACITY = 0.5 / 255


class DamagedSplat(SplatError):
    """A .splat file that is not whole."""


def importance(gaussians: Gaussians) -> Tensor:
    """Return opacity times volume of each Gaussian, [N]."""
    return gaussians.opacities * gaussians.scales.prod(dim=1)


def write_splat(gaussians: Gaussians, path: Path) -> None:
    """Write the Gaussians by descending importance; a file is replaced whole or not at all."""
    ordered = gaussians.select(importance(gaussians).argsort(descending=True, stable=True))
    quats = torch.nn.functional.normalize(ordered.quats, dim=1)
    records = np.empty(len(ordered), RECORD)
    records["position"] = ordered.means.cpu().numpy()
    records["scale"] = ordered.scales.cpu().numpy()
    rgba = torch.cat([ordered.rgb, ordered.opacities[:, None]], dim=1)
    records["rgba"] = _bytes(rgba * 255)
    records["rotation"] = _bytes(quats * 128 + 128)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(records.tobytes())
    partial.replace(path)


def read_splat(path: Path) -> Gaussians:
    """Read Gaussians of degree 0 to the CPU; raises DamagedSplat when the file is not whole."""
    data = path.read_bytes()
    if len(data) % RECORD.itemsize:
        raise DamagedSplat(
            f"{path.name} is {len(data)} bytes long, which is no multiple of {RECORD.itemsize}.",
            hint="Run the job again to write it anew.",
        )
    records = np.frombuffer(data, RECORD)
    rgba = torch.from_numpy(records["rgba"].astype(np.float32)) / 255
    opacities = rgba[:, 3].clamp(MIN_OPACITY, 1 - MIN_OPACITY)
    return Gaussians(
        means=torch.from_numpy(records["position"].copy()),
        quats=torch.from_numpy((records["rotation"].astype(np.float32) - 128) / 128),
        log_scales=torch.from_numpy(records["scale"].copy()).log(),
        logit_opacities=opacities.logit(),
        sh0=((rgba[:, :3] - 0.5) / SH_C0)[:, None, :],
        shN=torch.zeros(len(records), 0, 3),
    )


def _bytes(values: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return values.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
