"""Copies of the events and the log in the store, from which a bot that was away learns the rest."""

from __future__ import annotations

import logging

from gpu.agent.client import Away, BotError
from gpu.agent.clock import Clock
from gpu.agent.scrub import Scrubber, read_tail
from gpu.agent.spool import Spool
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
        if self._clock.monotonic() < self._due:
            return
        try:
            self._write()
        except BotError as wrong:
            log.info("no address for the log: %s", wrong)

    def close(self) -> bool:
        """Write them now, to the last character and the last word: nothing comes after.

        False when that failed. Raises Away while the bot is silent, so that nothing is written.
        """
        self._is_closed = True
        try:
            return self._write()
        except BotError as wrong:
            if isinstance(wrong, Away) and wrong.is_silent:
                raise
            log.warning("no address for the log: %s", wrong)
            return False

    def _write(self) -> bool:
        self._due = self._clock.monotonic() + PERIOD
        self._uploads.prepare()
        text = read_tail(self._paths.log, LOG_LIMIT, whole_lines=not self._is_closed)
        events = [e for e in self._spool.events if self._is_closed or not e.is_last]
        logged = self._put(LOG, self._scrubber.text(text).encode())
        # The events come after the log: the bot may remove the machine when it reads the last.
        return self._put(EVENTS, "".join(e.to_json() + "\n" for e in events).encode()) and logged

    def _put(self, name: str, data: bytes) -> bool:
        if data and self._written.get(name) != data:
            if not self._uploads.put(name, data):
                return False
            self._written[name] = data
        return True
