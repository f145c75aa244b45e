"""Telling the world how a job goes: events, appended to the job's folder and never rewritten."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gpu.job import Event, InvalidValue, JobPaths, JobSpec, Stage, Status
from gpu.job.events import LASTING, Metric
from gpu.stage import Outcome

#: Progress comes at most this often, seconds; people do not read faster.
PAUSE = 0.5
#: Room kept on the disk for the last event, so that "the disk is full" can still be written.
RESERVE_BYTES = 1 << 16

Listener = Callable[[Event], None]

logger = logging.getLogger(__name__)


class Reporter:
    """Writes the events of one attempt, numbered from 1; goes on counting after a restart.

    `listeners` hear every event after it is on disk. `clock` gives Unix time in seconds.
    """

    def __init__(
        self,
        spec: JobSpec,
        paths: JobPaths,
        *,
        listeners: Sequence[Listener] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._spec, self._file, self._listeners, self._clock = spec, paths.events, listeners, clock
        self._reserve = paths.work / ".reserve"
        self._last_progress = float("-inf")
        paths.work.mkdir(parents=True, exist_ok=True)
        earlier = [e for e in read_events(paths.events) if e.attempt == spec.attempt]
        self._seq = max((event.seq for event in earlier), default=0)
        self._told = {e.stage: e for e in earlier if e.status is Status.DONE}
        with suppress(OSError):
            self._reserve.write_bytes(bytes(RESERVE_BYTES))

    def started(self, stage: Stage) -> None:
        """Say that a stage begins."""
        self._last_progress = float("-inf")
        self._write(stage, Status.STARTED, 0.0, "")

    def progress(
        self,
        stage: Stage,
        fraction: float,
        message: str,
        *,
        metrics: Mapping[str, Metric] | None = None,
        pictures: tuple[str, ...] = (),
    ) -> None:
        """Say how far a stage is. What comes too soon after the last is dropped, pictures never."""
        now = self._clock()
        is_soon = 0 <= now - self._last_progress < PAUSE  # a clock may be set back
        if is_soon and not pictures:
            return
        self._last_progress = now
        part = min(max(fraction, 0.0), 1.0)
        self._write(stage, Status.PROGRESS, part, message, metrics=metrics, pictures=pictures)

    def done(self, stage: Stage, outcome: Outcome, seconds: float) -> None:
        """Say that a stage is complete, with what it measured."""
        metrics = {**outcome.metrics, "seconds": round(seconds, 3)}
        self._told[stage] = self._write(
            stage, Status.DONE, 1.0, outcome.message, metrics=metrics, pictures=outcome.pictures
        )

    def was_done(self, stage: Stage, outcome: Outcome, seconds: float) -> None:
        """Say that a stage was complete before; what this attempt said already stays as it is."""
        if stage in self._told:
            self._hear(self._told[stage])
        else:
            self.done(stage, outcome, seconds)

    def failed(self, stage: Stage, message: str, hint: str, *, lasting: bool = False) -> None:
        """Say why the job ends here, and whether the same again would too."""
        self._reserve.unlink(missing_ok=True)
        metrics = {LASTING: True} if lasting else {}
        self._write(stage, Status.FAILED, 0.0, message, metrics=metrics, hint=hint)

    def close(self) -> None:
        """Give the reserved room back."""
        self._reserve.unlink(missing_ok=True)

    def _write(
        self,
        stage: Stage,
        status: Status,
        fraction: float,
        message: str,
        *,
        metrics: Mapping[str, Metric] | None = None,
        pictures: tuple[str, ...] = (),
        hint: str = "",
    ) -> Event:
        event = Event(
            job=self._spec.job_id, attempt=self._spec.attempt, seq=self._seq + 1, stage=stage,
            status=status, fraction=fraction, message=message, time=self._clock(),
            metrics=dict(metrics or {}), pictures=pictures, hint=hint,
        )  # fmt: skip
        _append(self._file, event, durable=status is not Status.PROGRESS)
        self._seq = event.seq
        self._hear(event)
        return event

    def _hear(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)


class Diary:
    """Hears events and writes them to the log that people ask for: of progress, every tenth.

    A failure is in the log already, with what it was (gpu.pipeline).
    """

    def __init__(self) -> None:
        self._tenth = 0

    def __call__(self, event: Event) -> None:
        """Write a line, if there is news."""
        tenth = int(event.fraction * 10)
        is_old = event.status is Status.PROGRESS and tenth == self._tenth
        if is_old or event.status is Status.FAILED:
            return
        self._tenth = tenth
        how = f"{event.fraction:.0%}" if event.status is Status.PROGRESS else event.status.value
        logger.info("%s", f"{event.stage.value}, {how}. {event.message}".strip())


def read_events(file: Path) -> list[Event]:
    """Read the whole events of a file; cuts off a last line that a crash left unfinished."""
    if not file.exists():
        return []
    text = file.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        os.truncate(file, len(whole))
    return [event for line in whole.splitlines() if (event := _parse(line)) is not None]


def _parse(line: bytes) -> Event | None:
    try:
        return Event.from_json(line.decode("utf-8", errors="replace"))
    except InvalidValue:
        return None


def _append(file: Path, event: Event, *, durable: bool) -> None:
    """Append one line; a line that does not fit on the disk leaves no part of itself behind."""
    line = (event.to_json() + "\n").encode()
    with file.open("ab") as out:
        start = out.tell()
        try:
            out.write(line)
            out.flush()
        except OSError:
            os.truncate(file, start)
            raise
        if durable:
            os.fsync(out.fileno())
