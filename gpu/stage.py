"""What a stage is: a function from the job's folder to a record of what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from gpu.job import JobPaths, JobSpec
from gpu.job.events import Metric


class Progress(Protocol):
    """Says how far a stage is. Cheap to call often: the receiver drops what comes too fast."""

    def __call__(
        self,
        fraction: float,
        message: str,
        *,
        metrics: Mapping[str, Metric] | None = None,
        pictures: tuple[str, ...] = (),
    ) -> None: ...


@dataclass(frozen=True)
class Context:
    """All that a stage may use."""

    spec: JobSpec
    paths: JobPaths
    progress: Progress

    def part(self, begin: float, end: float) -> Context:
        """Return the context of a part of the stage: its fractions 0 to 1 are `begin` to `end`."""

        def progress(
            fraction: float,
            message: str,
            *,
            metrics: Mapping[str, Metric] | None = None,
            pictures: tuple[str, ...] = (),
        ) -> None:
            whole = begin + fraction * (end - begin)
            self.progress(whole, message, metrics=metrics, pictures=pictures)

        return replace(self, progress=progress)


@dataclass(frozen=True)
class Outcome:
    """What a stage did: one sentence, measured figures, pictures relative to the job's folder."""

    message: str
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()


#: Runs one stage. Reads what earlier stages left in `ctx.paths`, writes its own files there, and
#: raises SplatError when the photos or the machine do not allow it.
StageFunction = Callable[[Context], Outcome]
