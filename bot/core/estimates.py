"""How long a job will still take, from what our own jobs took. No history, no estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bot.core.jobs import Job
from gpu.job import Pipeline, Stage, stages_of

#: The stages' usual shares of a whole job, for the bar alone (bench/results.md, the demo).
SHARES: Mapping[Stage, float] = {
    Stage.PREPARE: 0,
    Stage.FETCH: 1,
    Stage.PREPROCESS: 3,
    Stage.GEOMETRY: 30,
    Stage.TRAIN: 80,
    Stage.DESCEND: 35,
    Stage.COMPRESS: 8,
    Stage.PUBLISH: 1,
}

#: With fewer earlier jobs than this the range is widened: one job says little about the next.
FEW = 3


@dataclass(frozen=True)
class Estimate:
    """The time that is left, as a range in seconds."""

    low: float
    high: float


def overall_fraction(job: Job) -> float:
    """Return how much of a whole job is done, 0 to 1; it never says 1 before the end."""
    stages = stages_of(job.pipeline)
    done = sum(SHARES[s] for s in stages if s.value in job.stage_seconds)
    if job.stage and job.stage.value not in job.stage_seconds:
        done += SHARES[job.stage] * job.fraction
    return min(done / sum(SHARES[s] for s in stages), 0.99)


def remaining(
    job: Job, history: Sequence[Mapping[str, float]], elapsed_in_stage: float = 0.0
) -> Estimate | None:
    """Estimate a job's remaining seconds from the seconds per stage of earlier jobs.

    None when no earlier job has run every stage that is still to come. The stage at work counts
    by its own fraction once that says something, since photos differ more than machines.
    """
    open_stages = [s for s in stages_of(job.pipeline) if s.value not in job.stage_seconds]
    low = high = 0.0
    for stage in open_stages:
        seen = [past[stage.value] for past in history if stage.value in past]
        if not seen:
            return None
        a, b = _spread(seen)
        left = _left(job, stage, median(seen), elapsed_in_stage)
        low, high = low + a * left, high + b * left
    return Estimate(low, high)


def whole(pipeline: Pipeline, history: Sequence[Mapping[str, float]]) -> Estimate | None:
    """Estimate the seconds of a whole job that has not begun; None without earlier jobs.

    With the preparation of its machine, where earlier jobs had one.
    """
    stages = (Stage.PREPARE, *stages_of(pipeline))
    totals = [sum(past.get(s.value, 0.0) for s in stages) for past in history]
    if not totals:
        return None
    low, high = _spread(totals)
    return Estimate(low * median(totals), high * median(totals))


def _spread(seen: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and highest of what was seen, relative to the median."""
    middle = max(median(seen), 1e-9)
    slack = 0.25 if len(seen) < FEW else 0.0
    return min(seen) / middle * (1 - slack), max(seen) / middle * (1 + slack)


def _left(job: Job, stage: Stage, usual: float, elapsed: float) -> float:
    """Return the seconds that a stage still needs."""
    if stage is not job.stage:
        return usual
    if job.fraction > 0.1 and elapsed > 0:
        return elapsed * (1 - job.fraction) / job.fraction
    return usual * (1 - job.fraction)
