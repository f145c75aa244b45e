"""The front desk: what may be asked for, and which job is meant when none is named."""

from collections.abc import Callable

import pytest

from bot.compute.base import Foreign
from bot.core.catalogue import Catalogue
from bot.core.costs import Budget
from bot.core.desk import Desk
from bot.core.errors import (
    BudgetSpent,
    InvalidValue,
    NotInstalled,
    UnknownDataset,
    UnknownJob,
    UnknownMachine,
)
from bot.core.jobs import State
from bot.core.ledger import Ledger
from tests.core.conftest import a_request
from tests.core.test_catalogue import CountingStorage


class Front:
    """A desk, and how often it woke the dispatcher."""

    def __init__(self, ledger: Ledger, *, bare: bool = False) -> None:
        self.woken = 0
        catalogue = Catalogue(CountingStorage("demo/parcel"))  # type: ignore[arg-type]
        self.budget = Budget(ledger, 5.0, lambda: 0.0)
        self.desk = Desk(
            ledger, catalogue, backend="droplet", price_per_hour=1.5, wake=self.wake,
            budget=self.budget, bare=bare,
        )  # fmt: skip

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def front(ledger: Ledger) -> Front:
    return Front(ledger)


def test_a_request_becomes_a_job_and_wakes_the_dispatcher(front: Front) -> None:
    job = front.desk.start(a_request("a", dataset="Demo/Parcel", options={"iterations": 700}))
    assert (job.state, job.dataset, job.price_per_hour) == (State.QUEUED, "demo/parcel", 1.5)
    assert job.options == {"iterations": 700}
    assert front.woken == 1


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"dataset": "demo/parcl"}, UnknownDataset),
        ({"options": {"iterations": 1}}, InvalidValue),
        ({"job_id": "NOT GOOD"}, InvalidValue),
    ],
)
def test_what_can_not_be_done_is_refused_before_anything_is_written(
    front: Front, ledger: Ledger, changes: dict[str, object], wrong: type[Exception]
) -> None:
    with pytest.raises(wrong):
        front.desk.start(a_request("a", **changes))
    assert ledger.jobs() == []
    assert ledger.audit_log() == []
    assert front.woken == 0


@pytest.mark.parametrize(
    "asked",
    [{"geometry": "mast3r"}, {"geometry": "map-anything-apache"}, {"remove": "background"}],
)
def test_what_needs_a_network_is_refused_where_no_machine_can_have_one(
    ledger: Ledger, asked: dict[str, str]
) -> None:
    bare = Front(ledger, bare=True).desk
    for ask_for in (bare.start, bare.quote):
        with pytest.raises(NotInstalled, match="network that is not installed") as refused:
            ask_for(a_request("a", options=asked))
        assert "SPLATBOT_VOLUME" in refused.value.hint
    assert ledger.jobs() == []
    assert bare.start(a_request("b", options={"geometry": "colmap-global"})).id == "b"
    assert Front(ledger).desk.start(a_request("a", options=asked)).id == "a"


def test_without_a_name_the_job_that_runs_is_meant(
    front: Front, ledger: Ledger, ask: Callable[..., str]
) -> None:
    ask("a")
    ask("b")
    assert front.desk.pick(None).id == "a"
    ledger.claim()
    ledger.set_handle("a", {})
    assert front.desk.cancel(None, "U2").id == "a"
    assert ledger.job("a").state is State.CANCELLING
    assert front.desk.destroy("b", "U2").state is State.CANCELLED
    assert front.woken == 2


def test_a_mistyped_job_is_answered_with_the_nearest(front: Front, ask: Callable[..., str]) -> None:
    with pytest.raises(UnknownJob, match="shows the photos"):
        front.desk.pick(None)
    ask("garden-1")
    with pytest.raises(UnknownJob, match="`garden-1`"):
        front.desk.pick("garden1")


def test_once_the_budget_is_spent_nothing_is_queued(front: Front, ledger: Ledger) -> None:
    front.budget.monthly = 0.0
    with pytest.raises(BudgetSpent):
        front.desk.start(a_request("a"))
    assert ledger.jobs() == []
    assert front.woken == 0


def test_a_machine_that_is_not_ours_is_destroyed_only_by_an_intent(
    front: Front, ledger: Ledger
) -> None:
    box = Foreign("42", "training-box", "gpu-h100x1-80gb", "tor1", 3.39, 0.0)
    ledger.intents.set_foreign([box])
    assert front.desk.destroy_foreign("42", "U2") == box
    [intent] = ledger.intents.open()
    assert (intent.subject, intent.actor) == ("42", "U2")
    assert front.woken == 1


def test_a_machine_that_is_gone_or_ours_can_not_be_destroyed_by_its_number(
    front: Front, ledger: Ledger
) -> None:
    with pytest.raises(UnknownMachine, match="not on the account any more"):
        front.desk.destroy_foreign("42", "U2")
    assert ledger.intents.open() == []
    assert front.woken == 0
