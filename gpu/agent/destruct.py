"""The last resort, if the operator has opted in: the machine removes itself.

The token may delete droplets, and nothing else. It is kept in memory alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from gpu.agent.backoff import BackOff
from gpu.agent.clock import Clock
from gpu.agent.transport import Limits, Unreachable, request_once

log = logging.getLogger(__name__)

#: Answers after which there is nothing left to remove.
REMOVED = frozenset({200, 202, 204, 404})

#: Seconds after the deadline in which the bot may still hear why.
FAREWELL = 120.0

#: Seconds without a word from the bot after which a machine that is done removes itself.
ALONE = 1_800.0


class SelfDestruct:
    """Asks for the machine's removal until that is granted."""

    def __init__(self, clock: Clock, limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
        self._clock, self._limits, self._back_off = clock, limits, BackOff(clock)
        self._done = False

    def step(self, order: Mapping[str, str] | None, *, wanted: bool) -> bool:
        """Remove the machine if that is wanted and allowed; True once it is removed."""
        if order is not None and wanted and not self._done and self._back_off.is_over:
            self._done = self._ask(order)
            self._back_off.failed()
        return self._done

    def _ask(self, order: Mapping[str, str]) -> bool:
        headers = {"Authorization": f"Bearer {order['token']}"}
        try:
            status = request_once("DELETE", order["url"], b"", headers, self._limits).status
        except Unreachable as wrong:
            log.warning("the machine could not remove itself: %s", wrong)
            return False
        log.warning("the machine removes itself: %d", status)
        return status in REMOVED


def is_wanted(*, late: float, told: bool, alone: float | None) -> bool:
    """Whether nobody else seems to remove the machine.

    `late` is seconds since the deadline, negative before it; `alone` seconds without a word from
    the bot since the job's end, None while the job runs.
    """
    return late >= (0.0 if told else FAREWELL) or (alone is not None and alone >= ALONE)
