"""Writes files of the job to presigned addresses that the bot gives by name."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from gpu.agent.client import Away, BotError, Client
from gpu.agent.clock import Clock
from gpu.agent.transport import Limits, Unreachable, request_once
from gpu.job import Event
from gpu.job.messages import EVENTS, LOG

log = logging.getLogger(__name__)

#: Times that a file is tried; 1 and 2 seconds in between.
TRIES = 3

#: Seconds after which a file that was not written is not tried again, and after which no other
#: picture of a report is begun. A store that hangs must not keep the bot from hearing of us: after
#: 180 seconds of silence it warns, after 600 it removes the machine.
PATIENCE, ROUND = 20.0, 60.0

#: Seconds after which a new address is asked for. The bot's are good for an hour, so that for
#: half an hour at least files can be written while the bot is away.
FRESH = 1_800.0

#: What S3 answers to an address that is no longer good.
FORBIDDEN = 403

#: Bytes of a picture at most. Those of the pipeline have a tenth of that.
PICTURE_LIMIT = 20 << 20


class Uploads:
    """Knows the addresses that were given. No file that can not be written stops anything."""

    def __init__(self, client: Client, clock: Clock, limits: Limits = Limits()) -> None:  # noqa: B008
        self._client, self._clock, self._limits = client, clock, limits
        self._addresses: dict[str, tuple[str, float]] = {}
        self._written: dict[str, tuple[int, int]] = {}
        self._unanswered = 0

    def put(self, name: str, data: bytes) -> bool:
        """Write a file; False when it could not be written. Raises BotError without an address."""
        end = self._clock.monotonic() + PATIENCE
        for attempt in range(TRIES):
            if attempt:
                self._clock.sleep(float(attempt))
            url = self.address(name)
            if url is None or self._clock.monotonic() >= end:
                break
            if self._try(name, url, data):
                return True
        log.warning("%s could not be written", name)
        return False

    def prepare(self) -> None:
        """Have addresses for the log and the events before the bot is away.

        Raises BotError when there is none at all; an old one may still be good.
        """
        stale = [name for name in (LOG, EVENTS) if not self._is_fresh(name)]
        try:
            if stale:
                self._ask(stale)
        except BotError:
            if not all(name in self._addresses for name in stale):
                raise

    def pictures(self, root: Path, events: Sequence[Event]) -> set[str]:
        """Write the pictures that events name; return the names of those that could not be.

        Raises Away while the bot is silent, and the first times that it gives no addresses: a
        bot that tells events but has no storage has to do without.
        """
        end = self._clock.monotonic() + ROUND
        named = {name for event in events for name in event.pictures}
        return {name for name in sorted(named) if not self._picture(root, name, end)}

    def _picture(self, root: Path, name: str, end: float) -> bool:
        file = root / name
        try:
            seen = file.stat()
            mark = (seen.st_mtime_ns, seen.st_size)
            if self._written.get(name) == mark:
                return True
            if self._clock.monotonic() >= end or seen.st_size > PICTURE_LIMIT:
                return False
            if not self._put_picture(name, file.read_bytes()):
                return False
        except OSError:
            return False
        self._written[name] = mark
        return True

    def _put_picture(self, name: str, data: bytes) -> bool:
        try:
            written = self.put(name, data)
        except Away as away:
            self._unanswered += not away.is_silent
            if self._unanswered < TRIES:
                raise
            return False
        except BotError as refused:
            log.warning("%s may not be written: %s", name, refused)
            return False
        self._unanswered = 0
        return written

    def address(self, name: str) -> str | None:
        """Return where a file may be written, None when there is no such place. Raises BotError."""
        if not self._is_fresh(name):
            try:
                self._ask([name])
            except BotError:
                if name not in self._addresses:
                    raise
        known = self._addresses.get(name)
        return known[0] if known else None

    def _is_fresh(self, name: str) -> bool:
        known = self._addresses.get(name)
        return known is not None and self._clock.monotonic() - known[1] < FRESH

    def _ask(self, names: Sequence[str]) -> None:
        for name, url in self._client.addresses(names).items():
            self._addresses[name] = (url, self._clock.monotonic())

    def _try(self, name: str, url: str, data: bytes) -> bool:
        try:
            response = request_once("PUT", url, data, limits=self._limits)
        except Unreachable as wrong:
            log.info("%s was not written: %s", name, wrong)
            return False
        if response.is_good:
            return True
        log.info("%s was not written: the storage answered %d", name, response.status)
        if response.status == FORBIDDEN:  # the address is too old
            self._addresses.pop(name, None)
        return False
