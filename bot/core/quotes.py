"""What a job would mean before it is started: photos, machine, time, money. Starts nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.compute.base import Plan
from bot.core.estimates import Estimate
from bot.core.jobs import Options
from bot.storage.base import Dataset
from bot.storage.found import Found
from gpu.job import Pipeline


@dataclass(frozen=True)
class Quote:
    """What would happen. `estimate` is of earlier jobs of the pipeline; None without one like it.

    `plan` is None while nothing can be had, for `problem`, or while nobody has asked yet.
    `ahead` jobs come first. `budget_left` is this month's, dollars; None where nothing is billed.
    `found` is what a look at the photos found; None where nobody has looked. `options` are those
    of the request.
    """

    dataset: Dataset
    pipeline: Pipeline
    plan: Plan | None
    problem: str
    estimate: Estimate | None
    ahead: int
    budget_left: float | None = None
    found: Found | None = None
    options: Options = field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        """Whether an earlier job's training goes on: its cameras are there already."""
        return "more" in self.options

    @property
    def cost(self) -> tuple[float, float] | None:
        """Dollars, from and to; None when time or price is not known, or nothing is billed.

        What goes on with an earlier job takes less than one from the start, but not known what.
        """
        if self.plan is None or self.estimate is None or not self.plan.price_per_hour:
            return None
        hourly = self.plan.price_per_hour / 3600.0
        low = 0.0 if self.goes_on else self.estimate.low
        return low * hourly, self.estimate.high * hourly
