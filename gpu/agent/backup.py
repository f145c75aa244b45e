"""Copies in the store of what another machine needs to go on: the cameras, the newest checkpoint.

Beside the loop, one file at a time: a checkpoint has hundreds of megabytes, and while it is on
its way the bot hears of us as ever. The newer copy takes the older one's place.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from gpu.agent.client import BotError
from gpu.agent.clock import Clock
from gpu.agent.transport import Limits, Unreachable, request_once
from gpu.agent.uploads import Uploads
from gpu.job import JobPaths
from gpu.job.paths import KEPT, RECORD

log = logging.getLogger(__name__)

#: Bytes of a file at most: a checkpoint of three million Gaussians with all of their harmonics.
LIMIT = 2 << 30

#: Seconds between two copies of one file, and for one copy altogether.
PERIOD, LIMITS = 60.0, Limits(step=30.0, total=300.0)

Mark = tuple[int, int]


class Backup:
    """Writes what is new. Nothing here stops or delays anything else."""

    def __init__(
        self, paths: JobPaths, uploads: Uploads, clock: Clock, limits: Limits = LIMITS
    ) -> None:
        self._paths, self._uploads, self._clock, self._limits = paths, uploads, clock, limits
        self._written: dict[str, Mark] = {}
        self._tried_at: dict[str, float] = {}
        self._writing: threading.Thread | None = None

    def step(self) -> None:
        """Begin the next copy, if one is due and none is on its way."""
        if self._writing is not None and self._writing.is_alive():
            return
        for name in KEPT:
            mark = self._due(name)
            if mark is not None:
                self._begin(name, mark)
                return

    def wait(self) -> None:
        """Return once no copy is on its way."""
        if self._writing is not None:
            self._writing.join()

    def _due(self, name: str) -> Mark | None:
        """Return the mark of a file that is new and was not tried lately."""
        try:
            seen = self._paths.kept(name).stat()
            is_whole = self._paths.kept(RECORD).exists()  # it is the last that geometry writes
        except OSError:
            return None
        mark = (seen.st_mtime_ns, seen.st_size)
        waited = self._clock.monotonic() - self._tried_at.get(name, float("-inf"))
        is_new = self._written.get(name) != mark and waited >= PERIOD
        return mark if is_whole and is_new and seen.st_size <= LIMIT else None

    def _begin(self, name: str, mark: Mark) -> None:
        self._tried_at[name] = self._clock.monotonic()
        try:
            url = self._uploads.address(name)
        except BotError as wrong:
            log.info("no address for %s: %s", name, wrong)
            return
        if url is not None:
            work = (name, mark, url, self._paths.kept(name))
            self._writing = threading.Thread(target=self._write, args=work, daemon=True)
            self._writing.start()

    def _write(self, name: str, mark: Mark, url: str, file: Path) -> None:
        try:
            with file.open("rb") as content:
                headers = {"Content-Length": str(mark[1])}
                response = request_once("PUT", url, content, headers, self._limits)
        except (OSError, Unreachable) as wrong:
            log.info("%s was not copied: %s", name, wrong)
            return
        if response.is_good:
            self._written[name] = mark
        else:
            log.info("%s was not copied: the storage answered %d", name, response.status)
