"""What machines have cost, and whether this month's budget allows another start.

Money is in US dollars. Days and months are those of UTC, as on DigitalOcean's invoices.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median

from bot.core.errors import BudgetSpent, InvalidValue
from bot.core.estimates import longer
from bot.core.jobs import Job, Options, State
from bot.core.ledger import Ledger
from bot.core.machines import HOUR, Machine, Outcome
from gpu.job import Pipeline

DAY = 24 * HOUR

#: A longest period for a table, and how far back earlier jobs say what the next one costs; days.
LONGEST, MEMORY = 366, 90

MONTH = "month"
DEFAULT_PERIOD = "30d"


def check_period(text: str) -> str:
    """Return a period as it is written (`7d`, `month`), or raise InvalidValue."""
    if text != MONTH and not (re.fullmatch(r"[1-9][0-9]{0,2}d", text) and _days(text) <= LONGEST):
        raise InvalidValue(
            "period", text, f"`month`, or a number of days from `1d` to `{LONGEST}d`"
        )
    return text


def begin_of(period: str, now: float) -> float:
    """Return the Unix time at which a period begins that ends now, at midnight."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == MONTH:
        return today.replace(day=1).timestamp()
    return (today - timedelta(days=_days(period) - 1)).timestamp()


def next_month(now: float) -> date:
    """Return the first day of the month after."""
    today = datetime.fromtimestamp(now, UTC).date()
    return (today.replace(day=1) + timedelta(days=32)).replace(day=1)


def _days(text: str) -> int:
    return int(text.removesuffix("d"))


@dataclass(frozen=True)
class JobCost:
    """What one job's machines cost in a period, the newest of them, and the job."""

    job: Job
    dollars: float
    machine: Machine


@dataclass(frozen=True)
class Spending:
    """What machines cost in a period. Days without cost are left out; the newest come first.

    `living` are the machines that cost money now. `month` is what this calendar month cost.
    """

    period: str
    now: float
    total: float
    days: Sequence[tuple[date, float]]
    people: Sequence[tuple[str, int, float]]
    jobs: Sequence[JobCost]
    living: Sequence[Machine]
    month: float
    budget: float


class Budget:
    """A month's budget. It keeps jobs from starting, and never ends one.

    With a budget of nothing only machines that cost nothing start.
    """

    def __init__(
        self, ledger: Ledger, monthly: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._ledger = ledger
        self.monthly = monthly
        self._clock = clock

    def spent(self) -> float:
        """Return what this calendar month cost until now."""
        return self._ledger.machines.spent(since=begin_of(MONTH, self._clock()))

    def renewed(self) -> date:
        """Return the day on which the budget is whole again."""
        return next_month(self._clock())

    def check(
        self,
        price_per_hour: float,
        pipeline: Pipeline | None = None,
        options: Options | None = None,
    ) -> None:
        """Raise BudgetSpent when a machine of this price may not be started any more.

        Once earlier jobs of the pipeline say what such a job costs, that has to fit as well.
        """
        if price_per_hour <= 0:
            return
        spent, expected = self.spent(), self.expected(price_per_hour, pipeline, options)
        if spent >= self.monthly or spent + (expected or 0.0) > self.monthly:
            raise self._refusal(spent, expected)

    def expected(
        self, price_per_hour: float, pipeline: Pipeline | None, options: Options | None = None
    ) -> float | None:
        """Return what a job costs at this price, by the median of earlier ones; None without.

        Each counts as if it had been trained as `options` say.
        """
        seen = self._ledger.machines.machines(since=self._clock() - MEMORY * DAY)
        hours = [
            (machine.gone_at - machine.sent_at + longer(options or {}, job)) / HOUR
            for machine in seen
            if machine.gone_at and machine.outcome is Outcome.CREATED
            if _is_like(job := self._ledger.job(machine.job), pipeline)
        ]
        return median(hours) * price_per_hour if hours else None

    def spending(self, period: str = DEFAULT_PERIOD) -> Spending:
        """Add up a period by day, person and job."""
        now = self._clock()
        since = begin_of(period, now)
        machines = [m for m in self._ledger.machines.machines(since=since) if m.cost(now, since)]
        jobs = self._jobs(machines, now, since)
        return Spending(
            period=period,
            now=now,
            total=sum(each.dollars for each in jobs),
            days=_by_day(machines, now, since),
            people=_by_person(jobs),
            jobs=jobs,
            living=[machine for machine in machines if machine.may_exist],
            month=self.spent(),
            budget=self.monthly,
        )

    def _jobs(self, machines: Sequence[Machine], now: float, since: float) -> list[JobCost]:
        """Return the jobs of machines (newest first), with what all of a job's machines cost."""
        by_job: dict[str, list[Machine]] = defaultdict(list)
        for machine in machines:
            by_job[machine.job].append(machine)
        return [
            JobCost(self._ledger.job(job), sum(m.cost(now, since) for m in own), own[0])
            for job, own in by_job.items()
        ]

    def _refusal(self, spent: float, expected: float | None) -> BudgetSpent:
        text = f"This month's budget of ${self.monthly:,.2f} is spent: ${spent:,.2f} so far."
        if spent < self.monthly:
            text = (
                f"This month's budget of ${self.monthly:,.2f} has ${self.monthly - spent:,.2f}"
                " left."
            )
        usual = f" Such a job costs about ${expected:,.2f}." if expected is not None else ""
        again = self.renewed()
        hint = (
            f"It starts anew on {again.day} {again:%B} (UTC). Whoever runs the bot can raise"
            " SPLATBOT_MONTHLY_BUDGET. What runs goes on."
        )
        return BudgetSpent(text + usual, hint=hint)


def _is_like(job: Job, pipeline: Pipeline | None) -> bool:
    return job.state is State.SUCCEEDED and job.pipeline is pipeline


def _by_day(machines: Sequence[Machine], now: float, since: float) -> list[tuple[date, float]]:
    days = []
    begin = since
    while begin <= now:
        end = begin + DAY
        dollars = sum(m.cost(now, begin) - m.cost(now, end) for m in machines)
        if dollars > 0:
            days.append((datetime.fromtimestamp(begin, UTC).date(), dollars))
        begin = end
    return days[::-1]


def _by_person(jobs: Sequence[JobCost]) -> list[tuple[str, int, float]]:
    """Return (person, jobs, dollars), whoever spent most first."""
    totals: dict[str, tuple[int, float]] = {}
    for each in jobs:
        count, dollars = totals.get(each.job.user, (0, 0.0))
        totals[each.job.user] = (count + 1, dollars + each.dollars)
    people = [(user, count, dollars) for user, (count, dollars) in totals.items()]
    return sorted(people, key=lambda person: -person[2])
