"""Which of several bots on one bucket may act: during a rolling deployment two of them run.

Needed of the bucket: a PUT that was answered is seen by every later GET and LIST. Not needed:
conditional writes, and clocks of two machines that agree.

Every bot has a generation, higher than any seen before, and an object `bots/<generation>.json`.
Every `RENEWAL` seconds it takes a step: note the time, PUT the object with a new count, LIST the
others. A step that shows no newer generation is worth a lease of `LEASE` seconds, counted from the
noted time; without one the bot may not act. So a bot that is cut off from the bucket soon stops.

WAITING   A newcomer acts once every older bot said `retired`, or its object was the same for `TTL`
          seconds of the newcomer's own clock.
ACTING    The newest one. It removes what older ones have left.
RETIRING  It has seen a newer one, lets go of what it has begun, and still renews: the newcomer
          waits for it, `TTL` seconds at the most.
RETIRED   It has said so. Should every newer one be silent or retired, it joins anew.

Why never two may act. Say Y waits. It PUT its object before it first looked at X. X's last lease
was of a step whose LIST did not show Y, so that it began before Y's first look, and it ends `LEASE`
seconds after it began; Y waits `TTL`, four times as long. Every bot whose object was removed was
silent for `TTL` as seen by a newer one that acts; that one's object, or a newer one's, stays.

The limit. Between a look at `may_act` and the call that it allows, or in a call under way, a
process may stand still for `FREEZE` seconds at the most; clocks may differ in speed by a tenth.
What a process that is frozen for longer then creates is no second machine yet: the register has
what it intended, and the newcomer looks for that machine for minutes before it creates another
one. After that there may be two; reconciliation keeps the one that a job needs.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from enum import StrEnum

from bot.storage.base import Storage
from bot.storage.names import PRIVATE

#: Seconds between two steps; for which a step lets a bot act; after which silence means death.
RENEWAL, LEASE, TTL = 5.0, 30.0, 120.0

#: Seconds for which a process may stand still without harm: TTL / 1.1 - LEASE / 0.9 = 75.76,
#: rounded down. A call that creates a machine is given up sooner, after 70 s.
FREEZE = 75.0

#: Where every bot has its object.
FOLDER = f"{PRIVATE}/bots/"

#: A generation: a number, and by chance a name for when two bots take the same number.
GENERATION = re.compile(r"\b(\d{8})-[0-9a-f]{8}\b")

_RETIRED = b'"retired"'


class Standing(StrEnum):
    """Where a bot stands among those of its bucket."""

    WAITING = "waiting"
    ACTING = "acting"
    RETIRING = "retiring"
    RETIRED = "retired"


class Succession:
    """This bot's place. `step` and `leave` use the network and raise StorageError."""

    def __init__(
        self,
        storage: Storage,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        name: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        self._storage = storage
        self._monotonic = monotonic
        self._name = name
        self._lock = threading.Lock()
        self._count = 0
        self._acts_until = float("-inf")
        self._retiring_since = 0.0
        self._seen: dict[str, tuple[bytes, float]] = {}
        self.standing = Standing.WAITING
        self.generation = ""

    def may_act(self) -> bool:
        """Whether this bot may act right now. Costs nothing; to be asked before every act."""
        return self._monotonic() < self._acts_until

    def step(self) -> None:
        """Renew this bot's object and look at the others; to be called every `RENEWAL` seconds."""
        with self._lock:
            began = self._monotonic()  # before the PUT: a slow answer must not lengthen the lease
            if self.standing is Standing.RETIRED and not self._starts_over():
                return
            if self.standing is Standing.RETIRING and began - self._retiring_since > TTL:
                return  # what it has begun hangs: to the others it is dead from now on
            if not self.generation:
                self.generation = self._next_generation()
            self._put()
            self._proceed(began, self._look())

    def leave(self) -> None:
        """Say for good that this bot does not act, so that the next one may begin at once.

        Called when everything that the bot has begun has ended.
        """
        with self._lock:
            self._leave()

    def _proceed(self, began: float, others: dict[str, bool]) -> None:
        """Draw the conclusions of a look at the other bots: generation -> whether it is over."""
        if any(other > self.generation for other in others):
            self._yield(began)
        elif self.standing is Standing.WAITING and all(others.values()):
            self.standing = Standing.ACTING
        if self.standing is Standing.ACTING:
            self._acts_until = began + LEASE
            for other in (each for each, is_over in others.items() if is_over):
                self._storage.delete(_key(other))

    def _yield(self, began: float) -> None:
        if self.standing is Standing.WAITING:
            self._leave()
        elif self.standing is Standing.ACTING:
            self._acts_until = float("-inf")
            self._retiring_since = began
            self.standing = Standing.RETIRING

    def _leave(self) -> None:
        self._acts_until = float("-inf")
        if self.standing is Standing.WAITING and self.generation:
            # It never acted: no trace of it, so that those who saw it need not wait.
            self._storage.delete(_key(self.generation))
        elif self.standing in {Standing.ACTING, Standing.RETIRING}:
            self.standing = Standing.RETIRING
            self._put(Standing.RETIRED)
        self.standing = Standing.RETIRED

    def _starts_over(self) -> bool:
        """Join anew when no newer bot is left, as after a deployment that failed."""
        if any(other > self.generation and not is_over for other, is_over in self._look().items()):
            return False
        self.generation, self.standing = "", Standing.WAITING
        return True

    def _next_generation(self) -> str:
        """Choose a generation above all that ever left something in the bucket."""
        keys = self._storage.keys(f"{PRIVATE}/bots/"), self._storage.keys(f"{PRIVATE}/ledger/")
        found = [GENERATION.search(key) for each in keys for key in each]
        highest = max((int(match[1]) for match in found if match), default=0)
        return f"{highest + 1:08d}-{self._name()}"

    def _put(self, standing: Standing | None = None) -> None:
        self._count += 1
        text = json.dumps({"standing": standing or self.standing, "count": self._count})
        key = _key(self.generation)
        self._storage.put(key, text.encode(), "application/json", private=True)

    def _look(self) -> dict[str, bool]:
        """Return every other generation, and whether it is surely over.

        Always a fresh look: that one was silent before this bot's own PUT proves nothing, because
        it may have come back since, and not have seen this bot.
        """
        matches = (GENERATION.search(key) for key in self._storage.keys(FOLDER))
        others = {match[0] for match in matches if match} - {self.generation}
        self._seen = {each: seen for each, seen in self._seen.items() if each in others}
        return {other: self._is_over(other) for other in sorted(others)}

    def _is_over(self, other: str) -> bool:
        try:
            text = self._storage.get(_key(other))
        except KeyError:
            return True  # it has withdrawn, or was removed by a newer one, since the LIST
        now = self._monotonic()
        before, since = self._seen.get(other, (b"", now))
        if text != before:
            since = now
        self._seen[other] = (text, since)
        return _RETIRED in text or now - since >= TTL


def _key(generation: str) -> str:
    return f"{FOLDER}{generation}.json"
