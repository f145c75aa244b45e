"""What training does, chosen from the job and the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch

from gpu.job import JobSpec


@dataclass(frozen=True)
class Rates:
    """Adam's learning rates; that of the positions is in scene extents and decays.

    The others stay until the number of Gaussians does, then fall to the part `final` of it.
    """

    means: float = 4e-4
    means_final: float = 4e-6
    quats: float = 2e-3
    log_scales: float = 1e-2
    logit_opacities: float = 5e-2
    sh0: float = 1e-2
    shN: float = 5e-4  # noqa: N815 - named as the parameter is
    final: float = 1.0

    def slower(self, part: float) -> Rates:
        """Return rates of which all but the positions' are so much smaller."""
        return replace(
            self,
            quats=part * self.quats,
            log_scales=part * self.log_scales,
            logit_opacities=part * self.logit_opacities,
            sh0=part * self.sh0,
            shN=part * self.shN,
        )


@dataclass(frozen=True)
class Effort:
    """What a preset changes: factors of what the photos suggest, and the photos of a step.

    With fewer photos than ENOUGH, `few` is the factor of the steps, and on a GPU `few_gaussians`
    that of the Gaussians: more would only learn by heart what a photo shows and the next one does
    not. For the same reason Gaussians are then pulled more strongly towards being few and small,
    and `few_dropout` times as many left out.
    With as many photos as in `twins_for` several scenes are trained and become one (TrainConfig):
    `twins` is the effort of them all and of what follows together. Only there `scenes` counts, how
    many they are, and `wider`: what they become is handed out with Gaussians so much larger.
    """

    few: float
    iterations: float
    max_gaussians: float
    views_per_step: int
    few_gaussians: float = 1.0
    few_dropout: float = 1.0
    scenes: int = 2
    wider: float = 1.0
    twins: Effort | None = None
    twins_for: range = range(0)

    def steps(self, photos: int) -> float:
        """Return the factor of the steps for so many training photos."""
        return self.iterations if photos >= ENOUGH else self.few

    def gaussians(self, photos: int) -> float:
        """Return the factor of the Gaussians for so many training photos."""
        return self.max_gaussians if photos >= ENOUGH else self.few_gaussians

    def dropout(self, photos: int) -> float:
        """Return the part of the Gaussians that the last steps leave out."""
        factor = 1.0 if photos >= ENOUGH else self.few_dropout
        return min(0.3, (8 / photos) ** 2) / 2 * factor


ENOUGH = 30
#: The training photos of which there are twins: of fewer all learn them by heart soon, of more
#: they take too long for `fast`, and `best` was not measured.
FAST_TWINS, BEST_TWINS = range(10, 17), range(9, 100)
#: They need so many times the steps that one scene would have, else one scene is better.
TWINS_STEPS = 1.2
#: By the names of gpu.job.choices.PRESETS; what they are worth is in bench/results.md.
EFFORTS: Mapping[str, Effort] = {
    "draft": Effort(
        few=0.33, iterations=0.33, max_gaussians=0.6, views_per_step=2, few_gaussians=0.6
    ),
    "fast": Effort(
        few=1.0,
        iterations=1.0,
        max_gaussians=1.0,
        views_per_step=2,
        twins=Effort(
            few=3.0,
            iterations=3.0,
            max_gaussians=2.25,
            views_per_step=2,
            few_gaussians=2.25,
            few_dropout=2.0,
            scenes=3,
            wider=1.05,
        ),
        twins_for=FAST_TWINS,
    ),
    "best": Effort(
        few=1.33,
        iterations=2.0,
        max_gaussians=1.6,
        views_per_step=4,
        few_dropout=2.0,
        twins=Effort(
            few=2.2,
            iterations=4.48,
            max_gaussians=3.0,
            views_per_step=2,
            few_gaussians=2.0,
        ),
        twins_for=BEST_TWINS,
    ),
}


@dataclass(frozen=True)
class TrainConfig:
    """All that decides how long training takes and how good it gets.

    max_gaussians   a hard cap, never exceeded
    views_per_step  photos whose mean loss makes one step
    coarse, coarsest   the parts after which photos are used at full and at half their size; before,
                    at half and at a quarter
    grow_until      the part after which the number of Gaussians stays
    opacity_weight, scale_weight   regularisation as in 3DGS-MCMC (Kheradmand et al. 2024)
    dropout         the part of the Gaussians that the last steps leave out; before, fewer
    random_background   photos are compared before colours drawn by lot: where a photo shows
                    something, black must not stand for it
    warm            it goes on from a trained scene: all spherical harmonics from the start
    scenes          more than 1: so many, of as small a part of the Gaussians, are trained and made
                    one (gpu.training.twins); `iterations` are those of all of them, and of it
    alone           how one scene would be trained, where there are more
    wider           a trained scene is handed out with Gaussians so much larger
    """

    iterations: int
    max_gaussians: int
    sh_degree: int
    seed: int = 0
    rates: Rates = field(default_factory=Rates)
    ssim_weight: float = 0.2
    opacity_weight: float = 0.001
    scale_weight: float = 0.001
    views_per_step: int = 1
    coarse: float = 0.4
    coarsest: float = 0.0
    refine_every: int = 100
    grow_until: float = 0.7
    dropout: float = 0.0
    random_background: bool = False
    warm: bool = False
    scenes: int = 1
    alone: TrainConfig | None = None
    wider: float = 1.0

    @classmethod
    def of(cls, spec: JobSpec, device: torch.device, photos: int, points: int) -> TrainConfig:
        """Return what suits the machine and a scene of so many training photos and sparse points.

        What the job says comes first. The numbers for CUDA are measured: bench/results.md.
        """
        effort = EFFORTS[spec.preset or "fast"]
        on_cpu = device.type == "cpu"
        asked = spec.iterations
        usual = cls._on_cpu(effort, photos) if on_cpu else cls._on_gpu(effort, photos, points)
        alone = replace(usual, seed=spec.seed, iterations=asked or usual.iterations)
        enough = asked is None or asked >= TWINS_STEPS * usual.iterations
        if on_cpu or effort.twins is None or photos not in effort.twins_for or not enough:
            return alone
        both = cls._on_gpu(effort.twins, photos, points)
        return replace(
            both,
            seed=spec.seed,
            iterations=asked or both.iterations,
            scenes=effort.twins.scenes,
            alone=alone,
            wider=effort.twins.wider,
        )

    @classmethod
    def _on_cpu(cls, effort: Effort, photos: int) -> TrainConfig:
        steps, gaussians = 1_200 * effort.steps(photos), 15_000 * effort.max_gaussians
        return cls(int(steps), int(gaussians), sh_degree=0)

    @classmethod
    def _on_gpu(cls, effort: Effort, photos: int, points: int) -> TrainConfig:
        # Thirty steps a photo while photos are few; of many each is like others, and needs less.
        steps = _between(1_000, min(30 * photos, max(1_200, 18 * photos)), 7_000)
        weight = 0.01 if photos >= ENOUGH else 0.03
        return cls(
            iterations=int(steps * effort.steps(photos)),
            max_gaussians=int(_cap(points) * effort.gaussians(photos)),
            sh_degree=2,
            rates=Rates(means=1.6e-4, log_scales=2e-2, final=0.1),
            opacity_weight=weight,
            scale_weight=weight,
            views_per_step=effort.views_per_step,
            coarsest=0.2,
            dropout=effort.dropout(photos),
            random_background=True,
        )

    @property
    def single(self) -> TrainConfig:
        """What trains one scene, or goes on with one that was several; this where it does."""
        return self if self.alone is None else self.alone

    def continued(self, iterations: int) -> TrainConfig:
        """Return what goes on from a state of this config to so many iterations altogether.

        The schedules are those of the longer run, but the photos stay at their full size.
        """
        longer = replace(self, iterations=iterations, coarse=0.0, coarsest=0.0, warm=True)
        return replace(longer, scenes=1, alone=None)


def image_size(spec: JobSpec, device: torch.device) -> int:
    """Return the longer side in pixels of the photos to train on."""
    return spec.image_size or (384 if device.type == "cpu" else 1_600)


def _cap(points: int) -> int:
    """Return how many Gaussians suit so many sparse points: fifteen each, fewer of many."""
    return _between(100_000, min(15 * points, int(1_500 * points**0.5)), 1_000_000)


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def best_device() -> torch.device:
    """Return the first CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
