"""What a job would mean before it is started: photos, machine, time, money. Starts nothing."""

from __future__ import annotations

from dataclasses import dataclass

from bot.compute.base import Plan
from bot.core.estimates import Estimate
from bot.storage.base import Dataset
from bot.storage.found import Found
from gpu.job import Pipeline


@dataclass(frozen=True)
class Quote:
    """What would happen. `estimate` is of earlier jobs of the pipeline; None without any.

    `plan` is None while nothing can be had, for `problem`, or while nobody has asked yet.
    `ahead` jobs come first. `budget_left` is this month's, dollars; None where nothing is billed.
    `found` is what a look at the photos found; None where nobody has looked.
    """

    dataset: Dataset
    pipeline: Pipeline
    plan: Plan | None
    problem: str
    estimate: Estimate | None
    ahead: int
    budget_left: float | None = None
    found: Found | None = None

    @property
    def cost(self) -> tuple[float, float] | None:
        """Dollars, from and to; None when time or price is not known, or nothing is billed."""
        if self.plan is None or self.estimate is None or not self.plan.price_per_hour:
            return None
        hourly = self.plan.price_per_hour / 3600.0
        return self.estimate.low * hourly, self.estimate.high * hourly
