"""Two memories of bounded size: how often somebody asks, and what was asked before."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from dataclasses import dataclass


@dataclass
class _Bucket:
    tokens: float
    at: float


class TokenBuckets:
    """A token bucket for everybody who asks (https://en.wikipedia.org/wiki/Token_bucket).

    `rate` is tokens a second, `burst` how many a bucket holds. Only the `most` that asked last
    are remembered: one that is forgotten has a full bucket again.
    """

    def __init__(self, rate: float, burst: float, *, most: int = 10_000) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, who: str, now: float) -> float:
        """Take a token; return 0, or how many seconds it takes until there is one.

        `now` may jump either way, as a clock that is set does.
        """
        bucket = self._buckets.pop(who, None) or _Bucket(self._burst, now)
        gained = max(now - bucket.at, 0.0) * self._rate
        bucket.tokens, bucket.at = min(bucket.tokens + gained, self._burst), now
        self._buckets[who] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1.0:
            return (1.0 - bucket.tokens) / self._rate
        bucket.tokens -= 1.0
        return 0.0


class Nonces:
    """The nonces of requests that were let in, each until nobody could send it again."""

    def __init__(self, *, most: int = 150_000) -> None:
        self._most = most
        self._known: set[tuple[str, str]] = set()
        self._by_end: list[tuple[float, tuple[str, str]]] = []

    def __len__(self) -> int:
        return len(self._known)

    def has(self, job: str, nonce: str) -> bool:
        """Whether this was let in before."""
        return (job, nonce) in self._known

    def add(self, job: str, nonce: str, *, until: float, now: float) -> bool:
        """Remember a nonce `until` it is out of the window; False when there is no room."""
        while self._by_end and self._by_end[0][0] < now:
            self._known.discard(heapq.heappop(self._by_end)[1])
        if len(self._known) >= self._most:
            return False
        self._known.add((job, nonce))
        heapq.heappush(self._by_end, (until, (job, nonce)))
        return True
