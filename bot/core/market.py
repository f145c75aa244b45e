"""What a job would run on right now, asked every so often: listeners call no provider."""

from __future__ import annotations

from collections.abc import Callable

from bot.compute.base import Plan
from bot.core.errors import BackendError, InvalidValue


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

    def plan_of(self, size: object) -> Plan | None:
        """Return what a job would run on that asks for a size, or for none.

        None while nobody knows. Raises InvalidValue that names the sizes that can be had.
        """
        if size is None or self.plan is None:
            return self.plan
        sizes = [plan for plan in (self.plan, *self.plan.others) if plan.size]
        found = next((plan for plan in sizes if plan.size == size), None)
        if found is None:
            there = " or ".join(dict.fromkeys(plan.size for plan in sizes))
            raise InvalidValue("--size", size, there or "none, since jobs run on this machine")
        return found

    def price(self, most: float, size: object = None) -> float:
        """Return what an hour would cost, dollars; `most` while nobody knows. See `plan_of`."""
        plan = self.plan_of(size)
        return min(plan.price_per_hour, most) if plan else most
