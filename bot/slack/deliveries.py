"""Slack delivers some events more than once; here each is heeded once.

It repeats what was not acknowledged in time at once, after one minute and after five
(docs.slack.dev/apis/events-api, X-Slack-Retry-Num), and now and then the same message comes as
several events with different ids. A repetition that was never heard before is no repetition: after
a restart it may be the only delivery that arrives.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.middleware import Middleware

#: Seconds for which a delivery is remembered, longer than Slack repeats, and how many at most.
REMEMBERED, MOST = 600.0, 10_000


class Deliveries(Middleware):
    """Acknowledges events, and keeps repetitions from the listeners."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def process(
        self, *, req: BoltRequest, resp: BoltResponse, next: Callable[[], BoltResponse]
    ) -> BoltResponse:
        """Acknowledge events; hand on what is new.

        A function would do as well, but Bolt gathers all that functions may ask for.
        """
        key = key_of(req.body)
        is_new = not key or self._is_new(key)
        response = req.context.ack() if key else resp
        return next() if is_new else response

    def forget(self, body: Mapping[str, Any]) -> None:
        """Heed a delivery again that comes again: this time it went wrong."""
        with self._lock:
            self._seen.pop(key_of(body), None)

    def _is_new(self, key: str) -> bool:
        with self._lock:
            now = self._clock()
            while self._seen and (next(iter(self._seen.values())) < now or len(self._seen) > MOST):
                self._seen.popitem(last=False)
            if key in self._seen:
                return False
            self._seen[key] = now + REMEMBERED
            return True


def key_of(body: Mapping[str, Any]) -> str:
    """Return what two deliveries of the same event have in common; empty for what is no event.

    A message is the same when place and time are: its `event_id` may differ.
    """
    event = body.get("event")
    if not isinstance(event, Mapping):
        return ""
    if event.get("ts") and event.get("channel"):
        parts = (body.get("team_id"), event.get("type"), event.get("subtype"), event["channel"])
        return ":".join(map(str, (*parts, event["ts"])))
    return str(body.get("event_id", ""))
