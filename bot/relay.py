"""Serves on a host whose disk may be replaced: waits for its turn, works, and hands over.

The place among the bots of a bucket is core/succession.py, the ledger's copies core/snapshots.py.
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Callable

import uvicorn

from bot.core.config import Settings
from bot.core.errors import StorageError
from bot.core.restoring import restore
from bot.core.scheduler import Scheduler
from bot.core.snapshots import Snapshots
from bot.core.succession import RENEWAL, Standing, Succession
from bot.folder import kept
from bot.interrupts import INTERRUPTS
from bot.service import Service, log_plainly
from bot.storage import open_storage
from bot.web.front import Front

log = logging.getLogger(__name__)

#: Seconds between two looks at where the bot stands, and whether the ledger has changed.
FOLLOW = 1.0

#: Seconds for which a busy thread keeps Python from one that waits for it. The thread that answers
#: lets go at every read and write: with Python's own 0.005 a pass over the jobs, in another
#: thread, costs it that much each time (docs.python.org/3/library/sys.html#sys.setswitchinterval).
SWITCH = 0.0005


def serve(settings: Settings) -> None:
    """Run the bot until it is told to stop; alone when its storage is its own disk.

    Raises SplatError where another one works on its folder.
    """
    # Modules stay. A full collection that looks at them too takes a tenth of a second, in which
    # nobody is answered (docs.python.org/3/library/gc.html#gc.freeze).
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH)
    who = f"bot is running already, at {settings.public_url}"
    with kept(settings.data, who, together=settings.spaces is not None):
        if settings.spaces is None:
            Service(settings).run()
        else:
            Relay(settings).run()


class Relay:
    """One bot of several on one bucket. Its service exists while it acts."""

    def __init__(
        self, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._storage = open_storage(settings)
        self._scheduler = Scheduler()
        self._snapshots: Snapshots | None = None
        self._said: object = None
        self._failure: Exception | None = None
        self.service: Service | None = None
        self.succession = Succession(self._storage, monotonic=monotonic)
        self.front = Front(self.succession.may_act, lambda: self.succession.standing)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.front,
                host=settings.host,
                port=settings.port,
                log_level="warning",
                lifespan="off",
                timeout_graceful_shutdown=2,
            )
        )

    def run(self) -> None:
        """Serve until told to stop. Raises StorageError when the bucket does not answer at first.

        Raises UnreadableLedger when the bot can not begin with the ledger that is there.
        """
        log_plainly()
        self.succession.step()
        self._scheduler.every(RENEWAL, self.step, "succession")
        self._scheduler.every(FOLLOW, self.follow, "follow")
        self._scheduler.start()
        try:
            INTERRUPTS.serve(self._server)
        finally:
            self._scheduler.stop()
            self.close()
        if self._failure:
            raise self._failure

    def step(self) -> None:
        """Renew the bot's place. A silent bucket ends the lease, and not the bot."""
        try:
            self.succession.step()
        except StorageError as silent:
            self._say("the bot's place could not be renewed: %s", silent)

    def follow(self) -> None:
        """Do what the bot's place asks for: begin, save, or hand over."""
        try:
            self._follow()
        except StorageError as silent:  # the next look tries again
            self._say("the ledger's copy in the bucket: %s", silent)
        except Exception as wrong:
            if self.service:
                raise  # the clockwork logs it, and the next look tries again
            self._failure = wrong  # a bot that can not begin must not stay: `run` raises it
            self._server.should_exit = True

    def close(self) -> None:
        """Stop working and let the next bot begin, with the ledger as it is now."""
        try:
            self._hand_over()
        except StorageError as silent:
            log.warning("the next bot waits until this one is surely gone: %s", silent)

    def _follow(self) -> None:
        standing = self.succession.standing
        self._say("the bot is %s, as generation %s", standing, self.succession.generation)
        if standing is Standing.ACTING and self.service is None:
            self._begin()
        elif standing is Standing.ACTING and self._snapshots:
            self._snapshots.save_if_due()
        elif standing is Standing.RETIRING and not self.front.under_way:
            self._hand_over()

    def _begin(self) -> None:
        """Begin with the newest ledger. Its first snapshot says that older copies are outdated."""
        generation = self.succession.generation
        restore(self._storage, self._settings.ledger, generation)
        service = Service(self._settings, may_act=self.succession.may_act)
        snapshots = Snapshots(
            self._storage, self._settings.ledger, generation, monotonic=self._monotonic
        )
        snapshots.save()
        self.service, self._snapshots = service, snapshots
        service.start()
        self.front.app = service.web()

    def _hand_over(self) -> None:
        """Wait for what is under way, save the ledger, and leave. Safe to repeat."""
        if self.service:
            self.service.stop()
        if self._snapshots:
            self._snapshots.save_if_changed()
            self._snapshots.close()
        self.service, self._snapshots = None, None
        self.succession.leave()

    def _say(self, text: str, *values: object) -> None:
        """Log what is news."""
        if (text, *map(str, values)) != self._said:
            log.info(text, *values)
        self._said = (text, *map(str, values))
