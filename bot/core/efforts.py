"""How long a job's stages take beside an earlier one's, from what both asked of the training.

Only training scales with that: the machine, the cameras and the files take what they take, and
so does the part of the stage `train` in which photos are read and likeness is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from bot.core.jobs import EARLIER, ORIGINS, Job, Options
from gpu.job import JobSpec, Stage

#: The preset of a job that names none.
USUAL = "fast"

#: What trains, all of it or a part.
TRAINING = (Stage.TRAIN, Stage.DESCEND)


@dataclass(frozen=True)
class Span:
    """From `low` to `high`: seconds, or how many times as many."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """As many times the low end as the high end is of it."""
        return sqrt(self.low * self.high)

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    def __truediv__(self, other: Span) -> Span:
        return Span(self.low / other.high, self.high / other.low)

    def times(self, factor: float) -> Span:
        return Span(self.low * factor, self.high * factor)


ONCE = Span(1.0, 1.0)

#: The same of the stage `geometry` where an earlier job's cameras are taken over: photos are still
#: straightened, which was 0.037 (brighton_beach) to 0.15 (kermit) of it, and where the cameras are
#: not there, or of other photos, all of it is done anew.
TAKEN_OVER = Span(0.03, 1.0)

#: Of a job's options, those that say how long it trains.
ASKED = ("preset", "iterations", "more")

#: How many times as long as that of `fast` a training takes on the same photos, from the lowest to
#: the highest that seven sets gave on one GPU, rounded outwards (bench/results.md): a draft 0.10
#: (brighton_beach, of which `fast` trains three scenes) to 0.49 times (caliterra), `best` 0.72
#: (brighton_beach) to 5.3 times (fox).
PRESETS: Mapping[str, Span] = {"draft": Span(0.09, 0.5), USUAL: ONCE, "best": Span(0.7, 6.0)}

#: The same of one step, for who asks for so many: a draft 0.71 (fox) to 1.04 times (caliterra),
#: `best` 0.99 (brighton_beach) to 1.3 times (fox); with four photos a step, as it trains one
#: scene, 2.0 times (fox).
A_STEP: Mapping[str, Span] = {"draft": Span(0.7, 1.05), USUAL: ONCE, "best": Span(0.85, 2.0)}


def asked_of_training(spec: JobSpec) -> Options:
    """Return what a job asks of the training, as its options say it."""
    given = {name: getattr(spec, name) for name in ASKED}
    return {name: value for name, value in given.items() if value is not None}


def lasts(stage: Stage, options: Options, past: Job) -> Span | None:
    """Return the seconds that a stage would take a job with `options`, by an earlier one.

    None where that says nothing of it. A stage that it did not run took it no time.
    """
    took = past.stage_seconds.get(stage.value, 0.0)
    if stage is Stage.GEOMETRY:
        return _finding(options, past, took)
    if stage not in TRAINING:
        return Span(took, took)
    factor = effort(options, past)
    if factor is None:
        return None
    trained = _trained(past, took) if stage is Stage.TRAIN else took
    rest = Span(took - trained, took - trained)
    if stage is Stage.TRAIN and "more" in options:
        further = _steps(options["more"], options, past)
        # Where the earlier job has left nothing to go on from, all of it is done anew.
        anew = Span(0.0, factor.high)
        return None if further is None else rest + (anew + further).times(trained)
    return rest + factor.times(trained)


def _finding(options: Options, past: Job, took: float) -> Span | None:
    """Return the seconds in which a job comes to its cameras; see `lasts`."""
    takes_over, took_over = (bool(set(ORIGINS) & set(each)) for each in (options, past.options))
    if took_over and not takes_over:
        return None
    once = ONCE if took_over or not takes_over else TAKEN_OVER
    return once.times(took)


def effort(options: Options, past: Job) -> Span | None:
    """Return how many times as long as an earlier job one with `options` trains on its photos.

    None where that can not be said: of a job that only went on with another, or whose number of
    steps was somebody's wish and is not wished again.
    """
    asked, had = options.get("iterations"), past.options.get("iterations")
    if EARLIER in past.options or (asked is None and had is not None):
        return None
    if asked == had:
        return _beside(PRESETS if asked is None else A_STEP, options, past)
    return _steps(asked, options, past)


def is_alike(options: Options, past: Job) -> bool:
    """Whether an earlier job trained as one with `options` would."""
    return effort(options, past) == ONCE


def _steps(steps: int | str | None, options: Options, past: Job) -> Span | None:
    """Return how many times as long as all of an earlier training so many steps take."""
    before = _figure({**past.metrics, **past.options}, "iterations")
    if before is None or not isinstance(steps, int):
        return None
    return _beside(A_STEP, options, past).times(steps / before)


def _beside(table: Mapping[str, Span], options: Options, past: Job) -> Span:
    wanted, had = (str(each.get("preset", USUAL)) for each in (options, past.options))
    return ONCE if wanted == had else table.get(wanted, ONCE) / table.get(had, ONCE)


def _trained(past: Job, took: float) -> float:
    """Return the seconds of the stage `train` in which it trained; all of it where nobody knows."""
    steps = _figure(past.metrics, "iterations")
    rate = _figure(past.metrics, "iterations_per_second")
    return took if steps is None or rate is None else min(steps / rate, took)


def _figure(figures: Mapping[str, Any], name: str) -> float | None:
    """Return a figure greater than 0, where there is one."""
    value = figures.get(name)
    return value if isinstance(value, int | float) and value > 0 else None
