"""The front desk: what may be asked for, and which job is meant when none is named."""

from collections.abc import Callable

import pytest

from bot.core.catalogue import Catalogue
from bot.core.desk import Desk
from bot.core.errors import InvalidValue, UnknownDataset, UnknownJob
from bot.core.jobs import State
from bot.core.ledger import Ledger
from tests.core.conftest import a_request
from tests.core.test_catalogue import CountingStorage


class Front:
    """A desk, and how often it woke the dispatcher."""

    def __init__(self, ledger: Ledger) -> None:
        self.woken = 0
        catalogue = Catalogue(CountingStorage("demo/parcel"))  # type: ignore[arg-type]
        self.desk = Desk(ledger, catalogue, backend="local", price_per_hour=1.5, wake=self.wake)

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
    with pytest.raises(UnknownJob, match="list"):
        front.desk.pick(None)
    ask("garden-1")
    with pytest.raises(UnknownJob, match="`garden-1`"):
        front.desk.pick("garden1")
