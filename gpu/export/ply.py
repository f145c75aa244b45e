"""Reads and writes Gaussians as the standard 3DGS .ply (the layout of Kerbl et al. 2023).

One binary little-endian vertex per Gaussian, all float32: x y z nx ny nz, f_dc_0..2,
f_rest_0..3K-1 (channel-major: all of red, then green, then blue), opacity (logit), scale_0..2
(logarithm), rot_0..3 (w x y z). A comment says that they are to be drawn with the filter that they
were trained with (Brush's words, which PlayCanvas's tools read).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from plyfile import PlyData, PlyElement, PlyParseError

from gpu.gaussians import Gaussians
from gpu.job import SplatError

#: Trained with Mip-Splatting's 2D filter (Yu et al., CVPR 2024), as all that `gpu.training` makes.
TRAINED = "SplatRenderMode: mip"
#: f_rest counts of spherical harmonics of degree 0 to 4.
REST_COUNTS = tuple(3 * ((degree + 1) ** 2 - 1) for degree in range(5))


class DamagedPly(SplatError):
    """A .ply file that does not hold Gaussians, or not all of them."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path.name} is not a readable 3DGS file: {reason}.",
            hint="Run the stage that writes it again.",
        )


def write_ply(gaussians: Gaussians, path: Path) -> None:
    """Write the Gaussians to `path`; a file of that name is replaced whole or not at all."""
    columns = _columns(gaussians)
    vertices = np.empty(len(gaussians), dtype=[(name, "<f4") for name in columns])
    for name, values in columns.items():
        vertices[name] = values
    partial = path.with_name(f".{path.name}.partial")
    element = PlyElement.describe(vertices, "vertex")
    PlyData([element], byte_order="<", comments=[TRAINED]).write(str(partial))
    partial.replace(path)


def read_ply(path: Path) -> Gaussians:
    """Read Gaussians to the CPU; raises DamagedPly when the file is not whole."""
    vertices = _vertices(path)
    names = vertices.dtype.names or ()
    rest = sum(name.startswith("f_rest_") for name in names)
    if rest not in REST_COUNTS:
        raise DamagedPly(path, f"{rest} f_rest properties belong to no degree")

    def stack(prefix: str, count: int) -> torch.Tensor:
        wanted = [f"{prefix}{i}" for i in range(count)] if prefix else ["x", "y", "z"]
        return _stack(vertices, wanted, path)

    higher = stack("f_rest_", rest).reshape(len(vertices), 3, rest // 3).transpose(1, 2)
    return Gaussians(
        means=stack("", 3),
        quats=stack("rot_", 4),
        log_scales=stack("scale_", 3),
        logit_opacities=_stack(vertices, ["opacity"], path)[:, 0],
        sh0=stack("f_dc_", 3)[:, None, :],
        shN=higher.contiguous(),
    )


def _columns(gaussians: Gaussians) -> dict[str, NDArray[np.float32]]:
    """Return every property of the layout in its order, each [N]."""
    arrays = {k: v.detach().cpu().float().numpy() for k, v in gaussians.tensors().items()}
    n = len(gaussians)
    rest = arrays["shN"].transpose(0, 2, 1).reshape(n, 3 * arrays["shN"].shape[1])
    normals = np.zeros((n, 3), np.float32)
    groups = [
        (["x", "y", "z"], arrays["means"]),
        (["nx", "ny", "nz"], normals),
        ([f"f_dc_{i}" for i in range(3)], arrays["sh0"][:, 0]),
        ([f"f_rest_{i}" for i in range(rest.shape[1])], rest),
        (["opacity"], arrays["logit_opacities"][:, None]),
        ([f"scale_{i}" for i in range(3)], arrays["log_scales"]),
        ([f"rot_{i}" for i in range(4)], arrays["quats"]),
    ]
    return {name: block[:, i] for names, block in groups for i, name in enumerate(names)}


def _vertices(path: Path) -> NDArray[np.void]:
    try:
        data: NDArray[np.void] = PlyData.read(str(path))["vertex"].data
    except FileNotFoundError:
        raise DamagedPly(path, "it does not exist") from None
    except (PlyParseError, KeyError, ValueError, UnicodeDecodeError, EOFError) as wrong:
        raise DamagedPly(path, f"{wrong}"[:120]) from wrong
    return data


def _stack(vertices: NDArray[np.void], names: list[str], path: Path) -> torch.Tensor:
    """Return the named properties as a float32 tensor [N, len(names)]."""
    missing = [name for name in names if name not in (vertices.dtype.names or ())]
    if missing:
        raise DamagedPly(path, f"property {missing[0]} is missing")
    block = np.empty((len(vertices), len(names)), np.float32)
    for i, name in enumerate(names):
        block[:, i] = vertices[name]
    if not np.isfinite(block).all():
        raise DamagedPly(path, f"{names[0]} holds values that are not finite")
    return torch.from_numpy(block)
