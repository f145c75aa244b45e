"""What training does, chosen from the job and the machine."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from gpu.job import JobSpec


@dataclass(frozen=True)
class Rates:
    """Adam's learning rates; that of the positions is in scene extents and decays."""

    means: float = 4e-4
    means_final: float = 4e-6
    quats: float = 2e-3
    log_scales: float = 1e-2
    logit_opacities: float = 5e-2
    sh0: float = 1e-2
    shN: float = 5e-4  # noqa: N815 - named as the parameter is


@dataclass(frozen=True)
class TrainConfig:
    """All that decides how long training takes and how good it gets.

    image_size      longer side of the photos in pixels
    max_gaussians   a hard cap, never exceeded
    coarse          the part of the iterations that run at half the resolution
    grow_until      the part after which the number of Gaussians stays
    opacity_weight, scale_weight   regularisation as in 3DGS-MCMC (Kheradmand et al. 2024)
    warm            it goes on from a trained scene: all spherical harmonics from the start
    """

    iterations: int
    image_size: int
    max_gaussians: int
    sh_degree: int
    seed: int = 0
    rates: Rates = field(default_factory=Rates)
    ssim_weight: float = 0.2
    opacity_weight: float = 0.001
    scale_weight: float = 0.001
    coarse: float = 0.4
    refine_every: int = 100
    grow_until: float = 0.7
    warm: bool = False

    @classmethod
    def of(cls, spec: JobSpec, device: torch.device) -> TrainConfig:
        """Return what suits the machine; what the job says comes first."""
        cuda = device.type == "cuda"
        return cls(
            iterations=spec.iterations or (7_000 if cuda else 1_200),
            image_size=spec.image_size or (1_600 if cuda else 384),
            max_gaussians=1_000_000 if cuda else 15_000,
            sh_degree=2 if cuda else 0,
            seed=spec.seed,
        )


def best_device() -> torch.device:
    """Return the first CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
