"""The scene: a set of 3D Gaussians in the unconstrained parameters that training optimises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

#: Y_0^0, the constant spherical harmonic: colour = 0.5 + SH_C0 * sh0.
SH_C0 = 0.28209479177387814


@dataclass(frozen=True)
class Gaussians:
    """N Gaussians, float32, all tensors on one device.

    Parameters are stored before their activations, as in the 3DGS paper (Kerbl et al. 2023):

    means            [N, 3]     centres, world frame
    quats            [N, 4]     rotations w, x, y, z; need not be normalised
    log_scales       [N, 3]     natural logarithms of the standard deviations, world units
    logit_opacities  [N]        opacity = sigmoid(logit)
    sh0              [N, 1, 3]  constant spherical harmonic, RGB
    shN              [N, K, 3]  the higher ones; K = (degree + 1)^2 - 1, 0 for degree 0
    """

    means: Tensor
    quats: Tensor
    log_scales: Tensor
    logit_opacities: Tensor
    sh0: Tensor
    shN: Tensor  # noqa: N815 - the name that gsplat and the .ply layout use

    def __post_init__(self) -> None:
        n = self.means.shape[0]
        wanted = {"means": (3,), "quats": (4,), "log_scales": (3,), "logit_opacities": ()}
        for name, tail in {**wanted, "sh0": (1, 3), "shN": (self.shN.shape[1], 3)}.items():
            shape = tuple(getattr(self, name).shape)
            if shape != (n, *tail):
                raise ValueError(f"{name} has shape {shape}, not {(n, *tail)}")

    def __len__(self) -> int:
        return int(self.means.shape[0])

    @property
    def sh_degree(self) -> int:
        return int((1 + self.shN.shape[1]) ** 0.5) - 1

    @property
    def scales(self) -> Tensor:
        """Standard deviations, world units, [N, 3]."""
        return self.log_scales.exp()

    @property
    def opacities(self) -> Tensor:
        """Opacities, 0 to 1, [N]."""
        return self.logit_opacities.sigmoid()

    @property
    def sh(self) -> Tensor:
        """All spherical harmonics, [N, K + 1, 3]."""
        return torch.cat([self.sh0, self.shN], dim=1)

    @property
    def rgb(self) -> Tensor:
        """The view-independent colour, [N, 3]; may leave 0 to 1."""
        return 0.5 + SH_C0 * self.sh0[:, 0]

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name, not copied."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def map(self, function: Callable[[Tensor], Tensor]) -> Gaussians:
        """Return Gaussians with `function` applied to every tensor."""
        return Gaussians(**{name: function(value) for name, value in self.tensors().items()})

    def select(self, which: Tensor) -> Gaussians:
        """Return the Gaussians that a mask [N] or an index [M] names."""
        return self.map(lambda tensor: tensor[which])

    def to(self, device: torch.device | str) -> Gaussians:
        """Return the Gaussians on another device."""
        return self.map(lambda tensor: tensor.to(device))

    def detach(self) -> Gaussians:
        """Return copies that carry no gradient."""
        return self.map(lambda tensor: tensor.detach().clone())


def rotation_matrices(quats: Tensor) -> Tensor:
    """Return the rotations [N, 3, 3] of quaternions w, x, y, z [N, 4] of any length."""
    w, x, y, z = torch.nn.functional.normalize(quats, dim=-1).unbind(-1)
    rows = [
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)
