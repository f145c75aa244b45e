"""What machines have cost, by day, person and job, and a budget that only keeps from starting."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.core.costs import Budget, begin_of, check_period, next_month
from bot.core.efforts import PRESETS
from bot.core.errors import BudgetSpent, InvalidValue
from bot.core.ledger import Ledger
from bot.core.machines import Machine, Outcome
from gpu.job import Pipeline, Stage, Status
from tests.core.conftest import Clock, a_request, an_event

HOUR, DAY = 3600.0, 86400.0


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock(at("2026-11-21 12:00"))


@pytest.fixture
def budget(ledger: Ledger, clock: Clock) -> Budget:
    return Budget(ledger, 10.0, clock)


@pytest.fixture
def run(ledger: Ledger, clock: Clock) -> Callable[..., None]:
    """Play a whole job on a machine of 2 dollars an hour."""

    def run(name: str, hours: float, *, ends: bool = True, **request: Any) -> None:
        ledger.submit(a_request(name, **request), backend="droplet", price_per_hour=2.0)
        assert ledger.claim() is not None
        machine = ledger.machines.intend(
            name, 1, name=f"splat-{name}", size="gpu-h100x1-80gb", region="tor1", price_per_hour=2.0
        )
        ledger.machines.settle(machine.number, Outcome.CREATED, "7")
        ledger.set_handle(name, {"droplet_id": 7})
        clock.move(hours * HOUR)
        if ends:
            ledger.succeed(name, viewer_url="http://v", manifest_url="http://m")
            ledger.machines.gone(name)
            ledger.release(name)

    return run


# -- the budget -----------------------------------------------------------------------------------


def test_a_job_may_start_until_the_budget_is_spent(
    budget: Budget, run: Callable[..., None]
) -> None:
    budget.check(2.0)
    run("a", hours=4.9)
    assert budget.spent() == pytest.approx(9.8)
    budget.check(2.0)
    run("b", hours=0.1)
    with pytest.raises(BudgetSpent) as refused:
        budget.check(2.0)
    assert refused.value.user_message == "This month's budget of $10.00 is spent: $10.00 so far."
    assert "starts anew on 1 December (UTC)" in refused.value.hint
    assert "SPLATBOT_MONTHLY_BUDGET" in refused.value.hint


def test_what_such_a_job_usually_costs_has_to_fit(budget: Budget, run: Callable[..., None]) -> None:
    run("a", hours=3.0, pipeline=Pipeline.AERIAL)
    budget.check(2.0, Pipeline.SPLAT)  # of those there is no history
    with pytest.raises(BudgetSpent, match=r"has \$4.00 left. Such a job costs about \$6.00") as no:
        budget.check(2.0, Pipeline.AERIAL)
    assert "What runs goes on" in no.value.hint
    assert budget.expected(1.0, Pipeline.AERIAL) == pytest.approx(3.0)


def test_what_best_trains_longer_has_to_fit_as_well(
    ledger: Ledger, budget: Budget, run: Callable[..., None]
) -> None:
    run("a", hours=1.0, ends=False)
    ledger.record(an_event("a", 1, Stage.TRAIN, Status.DONE, metrics={"seconds": 0.9 * HOUR}))
    ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    ledger.machines.gone("a")
    budget.check(5.0, Pipeline.AERIAL)
    budget.check(5.0, Pipeline.AERIAL, {"preset": "draft"})
    dollars = 5.0 * (0.1 + 0.9 * PRESETS["best"].middle)
    said = rf"has \$8.00 left. Such a job costs about \${dollars:.2f}"
    with pytest.raises(BudgetSpent, match=said):
        budget.check(5.0, Pipeline.AERIAL, {"preset": "best"})


def test_a_month_later_the_budget_is_whole_again(
    budget: Budget, run: Callable[..., None], clock: Clock
) -> None:
    run("a", hours=6.0)
    clock.now = at("2026-11-30 23:59")
    with pytest.raises(BudgetSpent):
        budget.check(2.0, Pipeline.AERIAL)
    clock.now = at("2026-12-01 00:00")
    assert budget.spent() == 0.0
    budget.check(1.0)


def test_a_machine_that_lives_over_midnight_counts_in_both_months(
    budget: Budget, run: Callable[..., None], clock: Clock
) -> None:
    clock.now = at("2026-11-30 23:00")
    run("a", hours=3.0)
    assert budget.spent() == pytest.approx(2 * 2.0)


def test_what_costs_nothing_always_starts(ledger: Ledger, clock: Clock) -> None:
    nothing = Budget(ledger, 0.0, clock)
    nothing.check(0.0)
    with pytest.raises(BudgetSpent):
        nothing.check(0.01)


def test_a_machine_that_was_refused_costs_nothing(ledger: Ledger, budget: Budget) -> None:
    ledger.submit(a_request("a"), backend="droplet", price_per_hour=2.0)
    ledger.claim()
    machine = ledger.machines.intend("a", 1, name="n", size="s", region="r", price_per_hour=2.0)
    ledger.machines.settle(machine.number, Outcome.REFUSED)
    assert budget.spending().total == 0.0
    assert budget.spending().living == []


# -- the table ------------------------------------------------------------------------------------


def test_the_table_adds_up_by_day_person_and_job(
    budget: Budget, run: Callable[..., None], clock: Clock
) -> None:
    clock.now = at("2026-11-19 23:30")
    run("a", hours=1.0, user="U1")
    run("b", hours=0.5, user="U2")
    clock.now = at("2026-11-21 09:00")
    run("c", hours=0.25, user="U1")
    run("d", hours=0.4, user="U3", ends=False)
    spending = budget.spending("7d")
    assert spending.total == pytest.approx(4.3)
    assert spending.days == [
        (date(2026, 11, 21), pytest.approx(1.3)),
        (date(2026, 11, 20), pytest.approx(2.0)),
        (date(2026, 11, 19), pytest.approx(1.0)),
    ]
    assert spending.people == [
        ("U1", 2, pytest.approx(2.5)),
        ("U2", 1, pytest.approx(1.0)),
        ("U3", 1, pytest.approx(0.8)),
    ]
    assert [(each.job.id, each.dollars) for each in spending.jobs] == [
        ("d", pytest.approx(0.8)), ("c", pytest.approx(0.5)), ("b", pytest.approx(1.0)),
        ("a", pytest.approx(2.0)),
    ]  # fmt: skip
    assert [machine.job for machine in spending.living] == ["d"]
    assert (spending.month, spending.budget) == (pytest.approx(4.3), 10.0)


def test_only_the_period_is_counted(budget: Budget, run: Callable[..., None], clock: Clock) -> None:
    clock.now = at("2026-11-20 23:00")
    run("a", hours=2.0)
    assert budget.spending("1d").total == pytest.approx(2.0)
    assert budget.spending("2d").total == pytest.approx(4.0)
    clock.now = at("2026-12-01 00:00")
    assert budget.spending("month").jobs == []
    assert budget.spending("month").days == []


@given(some.floats(0, 40 * DAY), some.floats(0, 40 * DAY), some.floats(0.01, 30))
def test_the_days_of_a_period_add_up_to_its_total(begin: float, life: float, price: float) -> None:
    from bot.core.costs import _by_day

    now, since = at("2026-11-21 12:00"), at("2026-10-23 00:00")
    sent = now - 41 * DAY + begin
    gone = min(sent + life, now)
    machine = Machine(1, "a", 1, "n", "s", "r", price, sent, Outcome.CREATED, "7", max(gone, sent))
    days = sum(dollars for _, dollars in _by_day([machine], now, since))
    assert days == pytest.approx(machine.cost(now, since), abs=1e-6)


# -- periods --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["1d", "7d", "30d", "366d", "month"])
def test_periods_that_can_be_asked_for(text: str) -> None:
    assert check_period(text) == text


@pytest.mark.parametrize("text", ["0d", "367d", "-1d", "7", "d", "week", "1e3d", "٧d", ""])
def test_other_periods_are_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(InvalidValue, match="`month`, or a number of days from `1d` to `366d`"):
        check_period(text)


def test_a_period_begins_at_midnight_and_includes_today() -> None:
    now = at("2026-11-21 12:00")
    assert begin_of("1d", now) == at("2026-11-21 00:00")
    assert begin_of("30d", now) == at("2026-10-23 00:00")
    assert begin_of("month", now) == at("2026-11-01 00:00")
    assert next_month(at("2026-12-31 23:59")) == date(2027, 1, 1)
    assert next_month(at("2026-01-31 00:00")) == date(2026, 2, 1)
