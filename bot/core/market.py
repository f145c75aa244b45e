"""What a job would run on right now, asked every so often: listeners call no provider."""

from __future__ import annotations

from collections.abc import Callable

from bot.compute.base import Plan
from bot.core.errors import BackendError


class Market:
    """The newest answer. `look` may take seconds: somebody calls it every so often.

    `problem` says why nothing can be had, when that was the answer.
    """

    def __init__(self, plan: Callable[[], Plan]) -> None:
        self._ask = plan
        self.plan: Plan | None = None
        self.problem = ""

    def look(self) -> None:
        """Ask anew."""
        try:
            self.plan, self.problem = self._ask(), ""
        except BackendError as refused:
            self.plan, self.problem = None, refused.user_message

    def price(self, most: float) -> float:
        """Return what an hour would cost, dollars; `most` while nobody knows."""
        return min(self.plan.price_per_hour, most) if self.plan else most
