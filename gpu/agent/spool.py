"""The events of events.jsonl, and which of them the bot has. The file itself is the spool.

What is here is fit to be sent: without secrets, without gaps in its numbers, and small enough. An
event is never dropped: one that can not be sent leaves an empty one with its number.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from gpu.agent.scrub import Scrubber, scrubbed
from gpu.job import Event, InvalidValue, Stage, Status
from gpu.job.messages import (
    BODY_LIMIT,
    EVENTS_LIMIT,
    METRICS_LIMIT,
    NAME_LIMIT,
    PICTURES_LIMIT,
    TEXT_LIMIT,
    WORD_LIMIT,
    may_upload,
)

#: Bytes of a report that are kept for its figures.
ROOM = 4_096

#: Bytes of one event at most: with more, its figures are left out and its texts cut to WORD_LIMIT.
MOST = BODY_LIMIT // 2


class Spool:
    """Events 1 to n of one attempt; `acknowledged` is the number up to which the bot has them."""

    def __init__(self, file: Path, job: str, attempt: int, scrubber: Scrubber) -> None:
        self._file, self._job, self._attempt, self._scrubber = file, job, attempt, scrubber
        self._offset = 0
        self._together = EVENTS_LIMIT
        self._empty: set[int] = set()
        self.events: list[Event] = []
        self.acknowledged = 0

    def read(self) -> None:
        """Take in the lines that are new and whole."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(line)

    @property
    def last_word(self) -> Event | None:
        """The event after which there is none, if it is there."""
        return next((event for event in reversed(self.events) if event.is_last), None)

    @property
    def stage(self) -> Stage:
        """Where the job stands."""
        if not self.events:
            return Stage.PREPARE
        last = self.events[-1]
        ready = (last.stage, last.status) == (Stage.PREPARE, Status.DONE)
        return Stage.FETCH if ready else last.stage

    @property
    def is_told(self) -> bool:
        """Whether the bot has everything."""
        return self.acknowledged >= len(self.events)

    def waiting(self, *, over: bool) -> Sequence[Event]:
        """Return the next events to send, as many as one report takes.

        The last word waits until the job is `over`: with it, the bot may remove the machine.
        """
        chosen: list[Event] = []
        size = ROOM
        for event in self.events[self.acknowledged :][: self._together]:
            size += len(event.to_json()) + 1
            if size > BODY_LIMIT or (event.is_last and not over):
                break
            chosen.append(event)
        return chosen

    def acknowledge(self, seq: int) -> None:
        """Note what the bot has. It may be less than before: then it was restored from a copy."""
        self.acknowledged = min(max(seq, 0), len(self.events))
        self._together = EVENTS_LIMIT

    def refuse(self, events: Sequence[Event]) -> bool:
        """Send less at a time; an event that is refused alone loses all but its number.

        False when that had been done already: then it is not the event which is wrong.
        """
        self._together = max(len(events) // 2, 1)
        if len(events) != 1:
            return bool(events)
        [event] = events
        known, self._empty = event.seq in self._empty, self._empty | {event.seq}
        self.events[event.seq - 1] = _empty(event, event.seq)
        return not known

    def fail(self, stage: Stage, message: str, hint: str, *, time: float) -> None:
        """Add a last word that could not be written to the file. `time` is Unix seconds."""
        self.read()
        failed = Event(
            self._job, self._attempt, len(self.events) + 1, stage, Status.FAILED, 0.0, message,
            time, hint=hint,
        )  # fmt: skip
        self.events.append(_fitting(scrubbed(failed, self._scrubber)))

    def without(self, lost: Collection[str], events: Sequence[Event]) -> list[Event]:
        """Return events that do not name the pictures which could not be uploaded."""
        return [
            replace(event, pictures=tuple(p for p in event.pictures if p not in lost))
            for event in events
        ]

    def _take(self, line: bytes) -> None:
        try:
            event = Event.from_json(line.decode("utf-8", errors="replace"))
        except InvalidValue:
            return
        if (event.job, event.attempt) != (self._job, self._attempt):
            return
        while event.seq > len(self.events) + 1:
            self.events.append(_empty(event, len(self.events) + 1))
        if event.seq == len(self.events) + 1:  # otherwise another had its number before
            self.events.append(_fitting(scrubbed(event, self._scrubber)))


def _fitting(event: Event) -> Event:
    """Return an event within the bounds that the bot sets."""
    metrics = {
        name[:NAME_LIMIT]: value[:WORD_LIMIT] if isinstance(value, str) else value
        for name, value in list(event.metrics.items())[:METRICS_LIMIT]
    }
    fits = replace(
        event,
        message=event.message[:TEXT_LIMIT],
        hint=event.hint[:TEXT_LIMIT],
        metrics=metrics,
        pictures=tuple(filter(may_upload, event.pictures))[:PICTURES_LIMIT],
    )
    if len(fits.to_json()) <= MOST:
        return fits
    return replace(fits, message=fits.message[:WORD_LIMIT], hint=fits.hint[:WORD_LIMIT], metrics={})


def _empty(event: Event, seq: int) -> Event:
    """Return an event that says only that there was one; what ends a job still ends it."""
    status = event.status if event.seq == seq else Status.PROGRESS
    message = "The machine could not say why." if status is Status.FAILED else ""
    return Event(
        job=event.job, attempt=event.attempt, seq=seq, stage=event.stage, status=status,
        fraction=0.0, message=message, time=event.time,
    )  # fmt: skip
