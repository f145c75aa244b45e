"""What a job would run on, and what it would mean: known before anything is started."""

import pytest

from bot.compute.base import Plan
from bot.core.errors import BackendError, InvalidValue
from bot.core.estimates import Estimate
from bot.core.market import Market
from bot.core.quotes import Quote
from bot.storage.base import Dataset
from gpu.job import Pipeline

PLAN = Plan("gpu-l40sx1-48gb in tor1", 1.8)


def sold_out() -> Plan:
    raise BackendError("No GPU droplet can be had now: all are sold out.")


def test_until_somebody_has_looked_nobody_knows_and_the_highest_price_counts() -> None:
    market = Market(lambda: PLAN)
    assert (market.plan, market.problem, market.price(4.0)) == (None, "", 4.0)
    market.look()
    assert (market.plan, market.price(4.0)) == (PLAN, 1.8)
    assert market.price(1.0) == 1.0  # what the settings allow is never exceeded


def test_a_size_that_is_asked_for_has_its_own_price_and_has_to_be_there() -> None:
    large = Plan("gpu-h100x1-80gb in nyc2", 3.4, "gpu-h100x1-80gb")
    market = Market(lambda: Plan("l40s in tor1", 1.8, "gpu-l40sx1-48gb", (large,)))
    assert market.plan_of("gpu-h100x1-80gb") is None  # nobody has looked: the backend will say
    market.look()
    assert market.plan_of("gpu-h100x1-80gb") == large
    assert market.price(4.0, "gpu-h100x1-80gb") == 3.4
    with pytest.raises(InvalidValue, match="gpu-l40sx1-48gb or gpu-h100x1-80gb"):
        market.plan_of("gpu-h100x8-640gb")


def test_a_bot_that_works_on_its_own_machine_has_no_sizes() -> None:
    market = Market(lambda: Plan("this machine", 0.0))
    market.look()
    with pytest.raises(InvalidValue, match="jobs run on this machine"):
        market.plan_of("gpu-h100x1-80gb")


def test_what_is_sold_out_now_is_said_and_may_be_had_again_later() -> None:
    shop: list[Plan] = []
    market = Market(lambda: shop[0] if shop else sold_out())
    market.look()
    assert market.plan is None
    assert "sold out" in market.problem
    shop.append(PLAN)
    market.look()
    assert (market.plan, market.problem) == (PLAN, "")


def quote(plan: Plan | None, estimate: Estimate | None) -> Quote:
    return Quote(Dataset("d", 3, 9), Pipeline.SPLAT, plan, "", estimate, 0, 50.0)


def test_the_cost_is_time_times_price_and_is_not_guessed() -> None:
    assert quote(PLAN, Estimate(1000.0, 2000.0)).cost == pytest.approx((0.5, 1.0))
    assert quote(None, Estimate(1.0, 2.0)).cost is None
    assert quote(PLAN, None).cost is None
    assert quote(Plan("this machine", 0.0), Estimate(1.0, 2.0)).cost is None
