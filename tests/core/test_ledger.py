"""The ledger: one slot for one job, one end for each job, and nothing told twice."""

import errno
import multiprocessing
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import database
from bot.core.errors import IllegalMove, UnknownJob, UnreadableLedger
from bot.core.jobs import Options, State
from bot.core.ledger import Ledger
from gpu.job import InvalidValue, Pipeline, Stage, Status
from tests.core.conftest import Clock, a_request, an_event
from tests.waiting import PATIENCE

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


def test_threads_take_turns_instead_of_finding_the_ledger_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)  # whoever had to wait would fail
    ledger = Ledger(tmp_path / "ledger.db")

    def write(who: int) -> None:
        for n in range(20):
            ledger.audit("U", f"{who} {n}", None)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert len(ledger.audit_log(1000)) == 160


def test_what_was_written_is_on_the_disk_before_anybody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append(os.fstat(file).st_ino))
    ledger.audit("U", "started", None)
    assert synced == [(tmp_path / "ledger.db-wal").stat().st_ino]


def test_a_disk_that_fails_is_told_to_whoever_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    ledger = Ledger(tmp_path / "ledger.db")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", broken)
        with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
            ledger.audit("U", "started", None)
    ledger.audit("U", "again", None)


def test_those_who_write_while_the_disk_is_busy_wait_for_it_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, busy, free, syncs = Ledger(tmp_path / "ledger.db"), Event(), Event(), []

    def slow(_: int) -> None:
        syncs.append(len(ledger.audit_log(100)))  # all that is committed when it begins
        busy.set()
        assert free.wait(PATIENCE)

    monkeypatch.setattr(os, "fdatasync", slow)
    with ThreadPoolExecutor(9) as threads:
        threads.submit(ledger.audit, "U", "first", None)
        assert busy.wait(PATIENCE)
        others = [threads.submit(ledger.audit, "U", f"{n}", None) for n in range(8)]
        while len(ledger.audit_log(100)) < 9:  # they do not wait for the disk to write
            assert not any(other.done() for other in others)
        free.set()
    assert (syncs[0], syncs[-1]) == (1, 9)
    assert len(syncs) < 9  # one each, if they did not share


def test_the_lineup_is_what_runs_and_then_what_is_next(ledger: Ledger, ask: Ask) -> None:
    for name in "abcd":
        ask(name)
    ledger.claim(2)
    ledger.claim(2)
    ledger.fail("a", error="e", hint="h")
    assert [job.id for job in ledger.lineup(2)] == ["b", "c"]
    assert ledger.count_active() == 3


def test_the_foremost_job_is_the_one_that_runs_else_the_next(ledger: Ledger, ask: Ask) -> None:
    assert ledger.foremost() is None
    for name in "abc":
        ask(name)
    ledger.request_cancel("a", "U1")
    assert ledger.foremost() == ledger.job("b")
    ledger.claim()
    ledger.request_cancel("c", "U1")
    ask("d")
    assert ledger.foremost() == ledger.job("b")
    assert [ledger.queue_position(name) for name in "abcd"] == [0, 0, 0, 1]


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
    figures = {1: {"psnr": 10.0, "photos": 7}, 2: {"psnr": 20.0}, 4: {"gaussians": 9}}
    events = {
        n: an_event(
            "a", n, stages[n - 1], Status.DONE, metrics={"seconds": n, **figures.get(n, {})}
        )
        for n in range(1, 6)
    }
    fresh = [ledger.record(events[n]) for n in [*order, *repeated]]
    job = ledger.job("a")
    assert fresh.count(True) == 5
    assert job.stage is stages[4]
    assert job.stage_seconds == {stage.value: n for n, stage in enumerate(stages[:5], start=1)}
    assert job.metrics == {"seconds": 5, "psnr": 20.0, "photos": 7, "gaussians": 9}
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


def test_a_job_that_did_not_change_is_not_read_twice(ledger: Ledger, ask: Ask) -> None:
    first, other = ask("a"), ask("b")
    before = ledger.job(first)
    assert ledger.job(first) is before
    run(ledger, first)
    assert ledger.job(first) != before
    assert ledger.job(first).id != ledger.job(other).id


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


def test_what_fails_half_way_leaves_nothing_and_the_ledger_goes_on(
    ledger: Ledger, ask: Ask
) -> None:
    """A full disk: SQLite gives up in the middle of a transaction."""
    ask("a")
    run(ledger, "a")
    database = ledger._db
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    big = an_event("a", 1, Stage.FETCH, Status.DONE, message="x" * 100_000)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        ledger.record(big)
    assert ledger.job("a").stage is None
    database.execute("PRAGMA max_page_count = 100000")
    assert ledger.record(big)
    assert ledger.job("a").stage is Stage.FETCH


RACERS, ROUNDS = 8, 200


def racer(path: Path, start: Any, told: Any) -> None:
    """In every round: claim together with the others; whoever won gives the slot back."""
    ledger = Ledger(path)
    won = []
    for number in range(ROUNDS):
        start.wait(PATIENCE)
        job = ledger.claim()
        start.wait(PATIENCE)
        if job is not None:
            won.append((number, job.id))
            ledger.release(job.id)
        start.wait(PATIENCE)
    told.put(won)


def test_of_eight_processes_one_gets_the_slot_in_every_round(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    asked = [f"job-{n:03}" for n in range(ROUNDS)]
    for name in asked:
        ledger.submit(a_request(name), backend="local", price_per_hour=0.0)
    context = multiprocessing.get_context("spawn")
    start, told = context.Barrier(RACERS), context.Queue()
    racers = [context.Process(target=racer, args=(path, start, told)) for _ in range(RACERS)]
    for each in racers:
        each.start()
    won = sorted(each for _ in racers for each in told.get(timeout=120))
    for each in racers:
        each.join()
    assert {each.exitcode for each in racers} == {0}
    assert won == list(enumerate(asked))


def test_the_database_itself_refuses_a_second_job_in_a_slot(ledger: Ledger, ask: Ask) -> None:
    ask("a")
    ask("b")
    ledger.claim()
    with pytest.raises(sqlite3.IntegrityError), ledger._file.writing() as db:
        db.table("slots").insert({"slot": 0, "job": "b", "claimed_at": 0.0})
    assert ledger.holders() == [(0, "a")]


def test_a_ledger_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger.db")
    later = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    later.execute("PRAGMA user_version = 1000")
    with pytest.raises(UnreadableLedger, match="later version"):
        Ledger(tmp_path / "ledger.db")
    assert later.execute("PRAGMA user_version").fetchone() == (1000,)


# -- what earlier jobs took -----------------------------------------------------------------------


def test_earlier_jobs_with_the_same_preset_are_remembered_however_many_had_another(
    ledger: Ledger, ask: Ask
) -> None:
    asked: list[Options] = [{"preset": "best"}, {}, {"preset": "fast"}, {"iterations": 700}]
    for number, options in enumerate(asked):
        ask(f"j{number}", options=options)
        run(ledger, f"j{number}")
        ledger.succeed(f"j{number}", viewer_url="http://v", manifest_url="http://m")
        ledger.release(f"j{number}")

    def remembered(**wanted: str) -> set[str]:
        return {job.id for job in ledger.history(Pipeline.AERIAL, wanted, limit=3)}

    assert "j0" in remembered(preset="best")
    assert remembered() == remembered(preset="fast") == {"j1", "j2", "j3"}
    assert ledger.history(Pipeline.SPLAT, {}) == []


def test_jobs_that_ended_later_than_is_asked_for_are_not_remembered(
    ledger: Ledger, ask: Ask, clock: Clock
) -> None:
    for name in ("early", "late"):
        ask(name)
        run(ledger, name)
        clock.move(10)
        ledger.succeed(name, viewer_url="http://v", manifest_url="http://m")
        ledger.release(name)
    [early, _] = [ledger.job(name) for name in ("early", "late")]
    assert ledger.history(Pipeline.AERIAL, {}, before=early.finished_at) == [early]
