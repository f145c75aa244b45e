"""How long a job will still take, from what our own jobs took. No history, no estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bot.core.efforts import ONCE, PRESETS, TRAINING, USUAL, Span, effort, is_alike, lasts
from bot.core.jobs import Job, Options
from gpu.job import Pipeline, Stage, stages_of

#: The shares that stages have of a job of the usual preset, for the bar alone while no earlier
#: job says them (bench/results.md, the demo).
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

#: Stages whose own fraction moves in jumps: how far such a one is, its seconds say better.
JUMPS = (Stage.COMPRESS,)

#: With fewer earlier jobs than this the range is widened: one job says little about the next.
FEW = 3


@dataclass(frozen=True)
class Estimate:
    """The time that is left, as a range in seconds.

    `alike` is whether it is of jobs that trained as this one is to; else theirs was scaled.
    """

    low: float
    high: float
    alike: bool = True


def overall_fraction(job: Job, history: Sequence[Job] = ()) -> float:
    """Return how much of a whole job is done, 0 to 1; it never says 1 before the end.

    It never shrinks while the job goes on and the earlier jobs in `history` are the same.
    """
    shares = _shares(job, history)
    done = sum(share for stage, share in shares.items() if stage.value in job.stage_seconds)
    if job.stage and job.stage.value not in job.stage_seconds:
        done += shares.get(job.stage, 0.0) * job.fraction
    return min(done / sum(shares.values()), 0.99)


def remaining(job: Job, history: Sequence[Job], elapsed_in_stage: float = 0.0) -> Estimate | None:
    """Estimate a job's remaining seconds from earlier ones of its pipeline.

    None when no earlier job says how long a stage that is still to come takes. The stage at work
    counts by its own fraction once that says something, since photos differ more than machines.
    """
    past = _like(job.options, history)
    left = Span(0.0, 0.0)
    for stage in stages_of(job.pipeline):
        if stage.value in job.stage_seconds:
            continue
        known = _known(stage, job.options, past)
        if not known:
            return None
        left += _left(job, stage, known, elapsed_in_stage)
    return Estimate(left.low, left.high, _all_alike(job.options, past))


def whole(pipeline: Pipeline, options: Options, history: Sequence[Job]) -> Estimate | None:
    """Estimate the seconds of a whole job that has not begun; None without earlier jobs like it.

    With the preparation of its machine, where earlier jobs had one.
    """
    stages = (Stage.PREPARE, *stages_of(pipeline))
    past = _like(options, history)
    known = [span for span in (_total(stages, options, p) for p in past) if span]
    if not known:
        return None
    span = _range(known)
    return Estimate(span.low, span.high, _all_alike(options, past))


def longer(options: Options, past: Job) -> float:
    """Return by how many seconds a job with `options` is longer than an earlier one, about."""
    spans = ((stage, lasts(stage, options, past)) for stage in TRAINING)
    return sum(s.middle - past.stage_seconds.get(stage.value, 0.0) for stage, s in spans if s)


def _shares(job: Job, history: Sequence[Job]) -> Mapping[Stage, float]:
    """Return how long a job's stages take beside each other, by earlier jobs if they say it."""
    stages, past = stages_of(job.pipeline), _like(job.options, history)
    known = {stage: _known(stage, job.options, past) for stage in stages}
    if all(known.values()):
        took = {stage: median(s.middle for s in spans) for stage, spans in known.items()}
        if sum(took.values()) > 0:
            return took
    usual = PRESETS.get(str(job.options.get("preset", USUAL)), ONCE).middle
    return {stage: SHARES[stage] * (usual if stage in TRAINING else 1.0) for stage in stages}


def _known(stage: Stage, options: Options, past: Sequence[Job]) -> Sequence[Span]:
    """Return the seconds that a stage would take by each earlier job that says something of it."""
    seen = (lasts(stage, options, p) for p in past if stage.value in p.stage_seconds)
    return [span for span in seen if span]


def _like(options: Options, history: Sequence[Job]) -> Sequence[Job]:
    """Return the earlier jobs that trained as this one is to; where they are few, all of them."""
    alike = [past for past in history if is_alike(options, past)]
    return alike if len(alike) >= FEW else history


def _all_alike(options: Options, past: Sequence[Job]) -> bool:
    return all(is_alike(options, p) for p in past if effort(options, p))


def _total(stages: Sequence[Stage], options: Options, past: Job) -> Span | None:
    """Return the seconds of stages together; None where one of them is not known."""
    total = Span(0.0, 0.0)
    for stage in stages:
        span = lasts(stage, options, past)
        if span is None:
            return None
        total += span
    return total


def _range(seen: Sequence[Span]) -> Span:
    """Return the lowest and highest of what was seen, wider where that is little."""
    slack = 0.25 if len(seen) < FEW else 0.0
    low, high = min(span.low for span in seen), max(span.high for span in seen)
    return Span(low * (1 - slack), high * (1 + slack))


def _left(job: Job, stage: Stage, seen: Sequence[Span], elapsed: float) -> Span:
    """Return the seconds that a stage still needs, of which earlier ones took those `seen`."""
    if stage is not job.stage:
        return _range(seen)
    if stage in JUMPS:
        took = _range(seen)
        return Span(max(took.low - elapsed, 0.0), max(took.high - elapsed, 0.0))
    if job.fraction > 0.1 and elapsed > 0:
        # Its own speed knows what it was asked: how that scales is no doubt any more.
        usual = max(median(span.middle for span in seen), 1e-9)
        spread = _range([Span(span.middle, span.middle) for span in seen]).times(1 / usual)
        return spread.times(elapsed * (1 - job.fraction) / job.fraction)
    return _range(seen).times(1 - job.fraction)
