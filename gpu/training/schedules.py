"""How training changes over time; `done` is the part of the iterations that is over, 0 to 1."""

from __future__ import annotations

from gpu.training.config import TrainConfig


def position_rate(config: TrainConfig, done: float, extent: float) -> float:
    """Return the learning rate of the positions, world units: an exponential decay."""
    rates = config.rates
    return float(rates.means * (rates.means_final / rates.means) ** done) * extent


def slower(config: TrainConfig, done: float) -> float:
    """Return by what all other learning rates are multiplied: it falls once nothing is added."""
    over = max(0.0, (done - config.grow_until) / (1 - config.grow_until))
    return float(config.rates.final**over)


def reduction(config: TrainConfig, done: float) -> int:
    """Return by how much the photos are reduced: 4 first, then 2, then 1."""
    if done < config.coarsest:
        return 4
    return 2 if done < config.coarse else 1


def reductions(config: TrainConfig) -> list[int]:
    """Return all that `reduction` returns during a run."""
    return sorted({reduction(config, done) for done in (0.0, config.coarsest, config.coarse, 1.0)})


def sh_degree(config: TrainConfig, done: float) -> int:
    """Return the degree in use: view dependence waits until the geometry is there."""
    if config.warm:
        return config.sh_degree
    return min(config.sh_degree, int(done * 2 * (config.sh_degree + 1)))


def target_count(config: TrainConfig, done: float, start: int) -> int:
    """Return how many Gaussians there should be: from `start` to the cap, as a square root.

    Early growth pays most, because every Gaussian then has the time to find its place.
    """
    grown = min(1.0, done / config.grow_until)
    return min(config.max_gaussians, int(start + (config.max_gaussians - start) * grown**0.5))
