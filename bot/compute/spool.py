"""What a job's machine leaves in the bucket: pictures, and events for a bot that was away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.compute.base import tail
from bot.core.since import Since
from bot.storage.base import Storage
from bot.storage.names import private_key, result_key
from gpu.job import Event, InvalidValue
from gpu.job.messages import EVENTS, LOG

#: Seconds between two looks into the bucket for one job: reports come by themselves, this is for
#: those that were lost.
LOOK = 30.0

#: Lines that are read of a job's events: a machine that was broken into may write any number.
LINES = 100_000


class Spool:
    """Reads what a job's machine wrote to the bucket; the events only now and then."""

    def __init__(self, storage: Storage, *, monotonic: Callable[[], float]) -> None:
        self._storage = storage
        self._since = Since(monotonic)

    def events(self, job_id: str, attempt: int, after: int) -> Sequence[Event]:
        """Return the events numbered above `after`; none when it was looked a moment ago."""
        if not self._since.is_due(job_id, LOOK):
            return ()
        try:
            text = self._storage.get(private_key(job_id, EVENTS)).decode("utf-8", "replace")
        except KeyError:
            return ()
        found = (_event(line) for line in text.split("\n", LINES)[:LINES])
        return [
            event
            for event in found
            if event and (event.job, event.attempt) == (job_id, attempt) and event.seq > after
        ]

    def picture(self, job_id: str, name: str) -> bytes | None:
        """Return a picture; None when it is not there. Raises StorageError."""
        try:
            return self._storage.get(result_key(job_id, name))
        except KeyError:
            return None

    def log(self, job_id: str) -> str:
        """Return the end of the log; empty when there is none. Raises StorageError."""
        try:
            return tail(self._storage.get(private_key(job_id, LOG)).decode("utf-8", "replace"))
        except KeyError:
            return ""


def _event(line: str) -> Event | None:
    """Read a line; one that is damaged says nothing, the others still count."""
    try:
        return Event.from_json(line)
    except InvalidValue:
        return None
