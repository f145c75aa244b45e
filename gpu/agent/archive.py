"""Copies of the events and the log in the store, from which a bot that was away learns the rest."""

from __future__ import annotations

import logging

from gpu.agent.client import BotError
from gpu.agent.clock import Clock
from gpu.agent.scrub import Scrubber, read_tail
from gpu.agent.spool import Spool, is_last
from gpu.agent.uploads import Uploads
from gpu.job import JobPaths
from gpu.job.messages import EVENTS, LOG

log = logging.getLogger(__name__)

#: Seconds between two copies.
PERIOD = 30.0

#: Bytes of the log's end that are copied.
LOG_LIMIT = 4 << 20


class Archive:
    """Writes what is new, without secrets. Needs the bot only for addresses, now and then."""

    def __init__(
        self, paths: JobPaths, spool: Spool, uploads: Uploads, scrubber: Scrubber, clock: Clock
    ) -> None:
        self._paths, self._spool, self._uploads = paths, spool, uploads
        self._scrubber, self._clock = scrubber, clock
        self._due = float("-inf")
        self._written: dict[str, bytes] = {}
        self._is_closed = False

    def step(self) -> None:
        """Write the copies when it is time."""
        if self._clock.monotonic() >= self._due:
            self._write()

    def close(self) -> None:
        """Write them now, to the last character and the last word: nothing comes after."""
        self._is_closed = True
        self._write()

    def _write(self) -> None:
        self._due = self._clock.monotonic() + PERIOD
        try:
            self._uploads.prepare()
        except BotError as wrong:
            log.info("no new addresses for the log: %s", wrong)
        text = read_tail(self._paths.log, LOG_LIMIT, whole_lines=not self._is_closed)
        self._put(LOG, self._scrubber.text(text).encode())
        events = [e for e in self._spool.events if self._is_closed or not is_last(e)]
        self._put(EVENTS, "".join(event.to_json() + "\n" for event in events).encode())

    def _put(self, name: str, data: bytes) -> None:
        if not data or self._written.get(name) == data:
            return
        try:
            if self._uploads.put(name, data):
                self._written[name] = data
        except BotError:
            log.info("%s has no address yet", name)
