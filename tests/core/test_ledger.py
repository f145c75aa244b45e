"""The ledger: one slot for one job, one end for each job, and nothing told twice."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import IllegalMove, UnknownJob
from bot.core.jobs import State
from bot.core.ledger import Ledger
from gpu.job import InvalidValue, Stage, Status
from tests.core.conftest import Clock, a_request, an_event

Ask = Callable[..., str]


def run(ledger: Ledger, job: str) -> None:
    """Bring a queued job to `running`."""
    assert ledger.claim() is not None
    ledger.set_handle(job, {"pid": 1})


def kinds(ledger: Ledger) -> list[str]:
    return [notice.kind for notice in ledger.pending(now=1e12)]


def test_a_repeated_request_makes_one_job(ledger: Ledger) -> None:
    first = ledger.submit(a_request("a"), backend="local", price_per_hour=0.0)
    again = ledger.submit(a_request("a"), backend="local", price_per_hour=0.0)
    assert first == again
    assert len(ledger.jobs()) == 1
    assert kinds(ledger) == ["status"]


def test_a_job_id_is_given_once(ledger: Ledger, ask: Ask) -> None:
    ask("a")
    with pytest.raises(InvalidValue, match="--job-id"):
        ask("a", key="another")


def test_the_queue_is_served_in_order_one_slot_at_a_time(ledger: Ledger, ask: Ask) -> None:
    for name in "abc":
        ask(name)
    assert [ledger.queue_position(name) for name in "abc"] == [1, 2, 3]
    claimed = ledger.claim()
    assert claimed is not None
    assert (claimed.id, claimed.state) == ("a", State.LAUNCHING)
    assert ledger.claim() is None
    assert [ledger.queue_position(name) for name in "abc"] == [0, 1, 2]


def test_a_slot_stays_taken_after_the_end_until_it_is_released(ledger: Ledger, ask: Ask) -> None:
    ask("a")
    ask("b")
    run(ledger, "a")
    ledger.fail("a", error="broken", hint="")
    assert ledger.claim() is None
    ledger.release("a")
    claimed = ledger.claim()
    assert claimed is not None
    assert claimed.id == "b"


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_when_it_is_gone(
    ledger: Ledger, ask: Ask
) -> None:
    ask("a")
    ask("b")
    run(ledger, "a")
    assert ledger.request_cancel("b", "U2").state is State.CANCELLED
    assert ledger.request_cancel("a", "U2").state is State.CANCELLING
    ended = ledger.cancelled("a")
    assert (ended.state, ended.cancelled_by) == (State.CANCELLED, "U2")


def test_a_job_that_finishes_while_it_is_cancelled_has_finished(ledger: Ledger, ask: Ask) -> None:
    ask("a")
    run(ledger, "a")
    ledger.request_cancel("a", "U2")
    assert ledger.succeed("a", viewer_url="v", manifest_url="m").state is State.SUCCEEDED


def test_the_end_is_final_and_told_once(ledger: Ledger, ask: Ask) -> None:
    ask("a")
    run(ledger, "a")
    ledger.succeed("a", viewer_url="v", manifest_url="m")
    for late in (
        lambda: ledger.fail("a", error="too late", hint=""),
        lambda: ledger.cancelled("a"),
        lambda: ledger.request_cancel("a", "U2"),
        lambda: ledger.request_destroy("a", "U2"),
        lambda: ledger.succeed("a", viewer_url="other", manifest_url=""),
    ):
        assert late().state is State.SUCCEEDED
    assert ledger.job("a").viewer_url == "v"
    assert not ledger.record(an_event("a", 9, Stage.TRAIN, Status.DONE))
    assert kinds(ledger).count("final") == 1


def test_a_job_can_not_succeed_before_it_runs(ledger: Ledger, ask: Ask) -> None:
    ask("a")
    with pytest.raises(IllegalMove):
        ledger.succeed("a", viewer_url="", manifest_url="")


def test_an_unknown_job_is_said_to_be_unknown(ledger: Ledger) -> None:
    with pytest.raises(UnknownJob, match="`nope`"):
        ledger.job("nope")


def test_events_say_where_a_job_stands(ledger: Ledger, ask: Ask) -> None:
    ask("a")
    run(ledger, "a")
    before = ledger.job("a").version
    assert ledger.record(an_event("a", 1, Stage.FETCH, Status.DONE, metrics={"seconds": 3.0}))
    assert ledger.record(an_event("a", 2, Stage.TRAIN, Status.PROGRESS, metrics={"loss": 0.1}))
    job = ledger.job("a")
    assert (job.stage, job.fraction) == (Stage.TRAIN, 0.5)
    assert job.stage_seconds == {"fetch": 3.0}
    assert job.metrics["loss"] == 0.1
    assert job.version > before
    assert kinds(ledger) == ["status", "stage"]


@given(order=st.permutations(range(1, 6)), repeated=st.lists(st.integers(1, 5), max_size=5))
def test_the_order_and_number_of_deliveries_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], repeated: list[int]
) -> None:
    stages = list(Stage)
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "l.db", Clock())
    ledger.submit(a_request("a"), backend="local", price_per_hour=0.0)
    run(ledger, "a")
    events = {n: an_event("a", n, stages[n - 1], Status.DONE) for n in range(1, 6)}
    fresh = [ledger.record(events[n]) for n in [*order, *repeated]]
    job = ledger.job("a")
    assert fresh.count(True) == 5
    assert job.stage is stages[4]
    assert set(job.stage_seconds) == {stage.value for stage in stages[:5]}
    assert kinds(ledger).count("stage") == 5
    assert ledger.last_seq(job) == 5


def test_a_gap_in_the_numbers_is_seen(ledger: Ledger, ask: Ask) -> None:
    ask("a")
    run(ledger, "a")
    for seq in (1, 2, 4):
        ledger.record(an_event("a", seq, Stage.TRAIN, Status.PROGRESS))
    assert ledger.last_seq(ledger.job("a")) == 2


def test_events_of_an_earlier_attempt_change_nothing(ledger: Ledger, ask: Ask) -> None:
    ask("a")
    run(ledger, "a")
    assert not ledger.record(an_event("a", 1, Stage.FETCH, Status.DONE, attempt=2))


def test_who_did_what_is_in_the_audit(ledger: Ledger, ask: Ask) -> None:
    ask("a")
    run(ledger, "a")
    ledger.request_destroy("a", "U2")
    told = [(note["actor"], note["action"], note["job"]) for note in ledger.audit_log()]
    assert told == [("U2", "destroy", "a"), ("U1", "submit", "a")]
    assert ledger.destroy_requested("a")


def test_the_ledger_survives_being_closed_and_opened(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "ledger.db"
    Ledger(path, clock).submit(a_request("a"), backend="local", price_per_hour=0.0)
    again = Ledger(path, clock)
    assert [job.id for job in again.active()] == ["a"]
    assert kinds(again) == ["status"]


def test_a_later_notice_of_a_job_waits_for_an_earlier_one(
    ledger: Ledger, ask: Ask, clock: Clock
) -> None:
    ask("a")
    ask("b")
    status = ledger.pending(clock())[0]
    ledger.request_cancel("a", "U1")
    ledger.postpone(status.id, until=clock() + 60, error="ratelimited")
    assert [(n.job_id, n.kind) for n in ledger.pending(clock())] == [("b", "status")]
    clock.move(60)
    mine = [n.kind for n in ledger.pending(clock()) if n.job_id == "a"]
    assert mine == ["status", "final"]


def claim_once(path: Path, barrier: object) -> str | None:
    ledger = Ledger(path)
    barrier.wait()  # type: ignore[attr-defined]
    job = ledger.claim(slots=1)
    return job.id if job else None


def claimer(path: Path, barrier: object, won: object) -> None:
    won.put(claim_once(path, barrier))  # type: ignore[attr-defined]


@pytest.mark.parametrize("round_", range(5))
def test_of_eight_processes_one_gets_the_slot(tmp_path: Path, round_: int) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    for name in ("a", "b", "c"):
        ledger.submit(a_request(name), backend="local", price_per_hour=0.0)
    context = multiprocessing.get_context("fork")
    barrier, won = context.Barrier(8), context.Queue()
    racers = [context.Process(target=claimer, args=(path, barrier, won)) for _ in range(8)]
    for racer in racers:
        racer.start()
    results = [won.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join()
    assert sorted(results, key=str).count(None) == 7
    assert ledger.holders() == [(0, "a")]
