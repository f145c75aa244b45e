"""What a machine reports is written once, whole, for its own job, or not at all."""

import json
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core import database
from bot.core.ledger import Ledger
from bot.web.hooks.models import SEQ_LIMIT
from bot.web.hooks.reports import Delivery, Reports
from gpu.job import Event, Stage, Status
from tests.core.conftest import Clock, a_request, an_event
from tests.web.hooks.conftest import Machine


def step(seq: int, **changes: object) -> Event:
    event = an_event("a", seq, Stage.TRAIN, Status.PROGRESS)
    return replace(event, **changes)  # type: ignore[arg-type]


def numbers(ledger: Ledger) -> list[int]:
    return [event.seq for event in ledger.events(ledger.job("a"))]


def test_events_and_figures_are_in_the_ledger_before_the_answer(
    machine: Machine, ledger: Ledger, clock: Clock
) -> None:
    event = step(1, metrics={"loss": 0.5, "gaussians": 7, "gpu": "H100", "cuda": True, "x": None})
    clock.move(60)
    answer = machine.report(event, figures={"gpu": 97.5, "gpu_name": "H100"})
    assert answer.json() == {"cancel": False, "seq": 1}
    assert ledger.events(ledger.job("a")) == [event]
    job = ledger.job("a")
    assert (job.stage, job.message, job.metrics["loss"]) == (Stage.TRAIN, event.message, 0.5)
    assert (job.heartbeat_at, dict(job.heartbeat)) == (
        clock(),
        {"gpu": 97.5, "gpu_name": "H100"},
    )


def test_a_report_without_figures_is_a_sign_of_life_and_keeps_the_last_ones(
    machine: Machine, ledger: Ledger, clock: Clock
) -> None:
    machine.report(figures={"gpu": 50})
    clock.move(10)
    machine.report()
    job = ledger.job("a")
    assert (job.heartbeat_at, dict(job.heartbeat)) == (clock(), {"gpu": 50})


def test_gaps_and_repetitions_are_no_trouble(machine: Machine, ledger: Ledger) -> None:
    assert machine.report(step(1), step(4)).json()["seq"] == 1
    assert machine.report(step(4, message="again"), step(2)).json()["seq"] == 2
    assert machine.report(step(3)).json()["seq"] == 4
    assert numbers(ledger) == [1, 2, 3, 4]
    assert ledger.job("a").message == "train progress"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.lists(st.integers(1, 8), max_size=5), max_size=6))
def test_in_whatever_order_the_same_is_known(
    machine: Machine, ledger: Ledger, tmp_path: Path, told: list[list[int]]
) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as raw:
        raw.execute("DELETE FROM events")
        raw.execute("UPDATE jobs SET metrics = '{}', message = ''")
    for seqs in told:
        machine.report(*(step(seq, message=str(seq), metrics={"n": seq}) for seq in seqs))
    known = sorted({seq for seqs in told for seq in seqs})
    assert numbers(ledger) == known
    if known:
        job = ledger.job("a")
        assert (job.message, job.metrics["n"]) == (str(known[-1]), known[-1])


def test_the_end_stays_the_end(machine: Machine, ledger: Ledger) -> None:
    machine.report(step(1))
    ledger.fail("a", error="broken", hint="")
    answer = machine.report(step(2), an_event("a", 3, Stage.PUBLISH, Status.DONE))
    assert answer.json() == {"cancel": True, "seq": 1}
    assert numbers(ledger) == [1]
    assert ledger.job("a").error == "broken"


def test_a_job_that_is_cancelled_is_told_so(machine: Machine, ledger: Ledger) -> None:
    ledger.request_cancel("a", "U2")
    assert machine.report().json()["cancel"] is True
    assert machine.report(job="b").json()["cancel"] is False


def test_the_machine_of_a_cancelled_job_is_let_go_when_it_leaves(
    machine: Machine, ledger: Ledger
) -> None:
    machine.report(leaving=True)
    assert not ledger.destroy_requested("a")  # nobody has cancelled it: what it did counts
    ledger.request_cancel("a", "U2")
    machine.report()
    assert not ledger.destroy_requested("a")
    for _ in range(2):
        machine.report(leaving=True)
    assert ledger.destroy_requested("a")
    assert ledger.job("a").cancelled_by == "U2"
    assert [n["action"] for n in ledger.audit_log() if n["actor"] == "splatbot"] == ["destroy"]


@pytest.mark.parametrize(
    ("stage", "status", "leaving", "wakes"),
    [
        (Stage.TRAIN, Status.DONE, False, 0),
        (Stage.PUBLISH, Status.STARTED, False, 0),
        (Stage.PUBLISH, Status.DONE, False, 1),
        (Stage.TRAIN, Status.FAILED, False, 1),
        (Stage.TRAIN, Status.PROGRESS, True, 1),
    ],
)
def test_the_end_of_a_job_is_not_waited_for(
    machine: Machine, woken: list[str], stage: Stage, status: Status, leaving: bool, wakes: int
) -> None:
    machine.report(an_event("a", 1, stage, status), leaving=leaving)
    assert len(woken) == wakes


@pytest.mark.parametrize("wrong", [{"job": "b"}, {"attempt": 2}, {"job": "none"}])
def test_a_machine_speaks_for_its_own_attempt_of_its_own_job_alone(
    machine: Machine, ledger: Ledger, wrong: dict[str, object]
) -> None:
    assert machine.report(step(1), step(2, **wrong), figures={"gpu": 1}).status_code == 422
    assert numbers(ledger) == []
    assert ledger.events(ledger.job("b")) == []
    assert ledger.job("a").heartbeat_at is None


#: One field of an event that is wrong, as JSON: some of it no Python object could say.
WRONG_EVENTS = {
    "no text": '"message": 7',
    "a long text": f'"message": "{"x" * 2001}"',
    "a long hint": f'"hint": "{"x" * 2001}"',
    "half a character": '"message": "\\ud800"',
    "no stage": '"stage": "lunch"',
    "no status": '"status": null',
    "a fraction of two": '"fraction": 2',
    "a fraction in words": '"fraction": "0.5"',
    "not a number": '"time": NaN',
    "without an end": '"time": Infinity',
    "beyond a float": '"time": 1e999',
    "the number zero": '"seq": 0',
    "true for one": '"seq": true',
    "a large number": f'"seq": {SEQ_LIMIT + 1}',
    "a huge number": f'"seq": {"9" * 4000}',
    "a number too huge to be read": f'"seq": {"9" * 5000}',
    "an unknown field": '"more": 1',
    "a metric without an end": '"metrics": {"loss": 1e999}',
    "a huge metric": f'"metrics": {{"loss": {"9" * 400}}}',
    "a metric in a list": '"metrics": {"loss": [1]}',
    "many metrics": '"metrics": {' + ",".join(f'"m{n}": 1' for n in range(101)) + "}",
    "a picture elsewhere": '"pictures": ["../secret.jpg"]',
    "many pictures": '"pictures": [' + ",".join(['"previews/a.jpg"'] * 21) + "]",
    "pictures in one text": '"pictures": "previews/a.jpg"',
}


@pytest.mark.parametrize("wrong", WRONG_EVENTS.values(), ids=WRONG_EVENTS)
def test_an_event_that_is_wrong_anywhere_is_refused_with_all_that_came_with_it(
    machine: Machine, ledger: Ledger, wrong: str
) -> None:
    bad = step(2).to_json()[:-1] + "," + wrong + "}"
    body = f'{{"events": [{step(1).to_json()}, {bad}], "figures": {{"gpu": 1}}}}'
    answer = machine.post("report", body.encode())
    assert answer.status_code == 422
    assert 0 < len(answer.json()["detail"]) <= 300
    assert numbers(ledger) == []
    assert ledger.job("a").heartbeat_at is None


WRONG_BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"figures": {"gpu": "\xff"}}',
    "deep": b"[" * 60_000,
    "deep in its place": b'{"events": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "a list": b"[]",
    "null": b"null",
    "events that are none": b'{"events": [7]}',
    "many events": b'{"events": [' + b",".join([b"{}"] * 101) + b"]}",
    "an unknown field": b'{"more": 1}',
    "figures without an end": b'{"figures": {"gpu": 1e999}}',
    "figures that are none": b'{"figures": {"gpu": null}}',
    "many figures": json.dumps({"figures": {f"f{n}": 1 for n in range(21)}}).encode(),
    "leaving in words": b'{"leaving": "no"}',
}


@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_a_body_that_is_no_report_is_refused(machine: Machine, ledger: Ledger, body: bytes) -> None:
    answer = machine.post("report", body)
    assert answer.status_code == 422
    assert len(answer.json()["detail"]) <= 300
    assert ledger.job("a").heartbeat_at is None


def test_a_body_is_json_whatever_its_header_says(machine: Machine) -> None:
    headers = machine.signed(b"{}") | {"Content-Type": "application/x-www-form-urlencoded"}
    assert machine.post("report", b"{}", headers=headers).status_code == 200


def test_while_the_ledger_is_locked_machines_are_asked_to_come_again(
    machine: Machine, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = machine.report(step(1))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    other.execute("ROLLBACK")
    assert machine.report(step(1)).json()["seq"] == 1
    other.close()


def deliver(path: Path, seqs: range) -> int:
    """Be a bot of one's own that takes in reports, one at a time; return the last answer."""
    reports = Reports(Ledger(path), lambda: None)
    seq = 0
    for number in seqs:
        [answer] = reports.take([Delivery("a", 1, (step(number),), {}, leaving=False)])
        assert answer is not None
        seq = answer.seq
    return seq


def test_two_bots_on_one_ledger_write_every_event_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    ledger.submit(a_request("a"), backend="droplet", price_per_hour=0.0)
    with ProcessPoolExecutor(2, get_context("spawn")) as bots:
        answers = [bots.submit(deliver, path, range(first, 41)) for first in (1, 1)]
        assert [answer.result() for answer in answers] == [40, 40]
    assert numbers(ledger) == list(range(1, 41))
    assert json.loads(ledger.events(ledger.job("a"))[0].to_json()) == json.loads(step(1).to_json())


def test_many_reports_take_one_transaction(ledger: Ledger, tmp_path: Path) -> None:
    for name in "ab":
        ledger.submit(a_request(name), backend="droplet", price_per_hour=0.0)
    statements: list[Any] = []
    ledger._db.conn.set_trace_callback(statements.append)
    many = [Delivery("a", 1, (step(n),), {"gpu": n}, leaving=False) for n in (1, 2, 3)]
    other = Delivery("b", 1, (an_event("b", 1, Stage.TRAIN, Status.STARTED),), {}, leaving=False)
    unknown = Delivery("c", 1, (), {}, leaving=False)
    answers = Reports(ledger, lambda: None).take([*many, other, unknown])
    assert [answer and answer.seq for answer in answers] == [3, 3, 3, 1, None]
    assert [s for s in statements if s in {"BEGIN IMMEDIATE", "COMMIT"}] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ]
    assert dict(ledger.job("a").heartbeat) == {"gpu": 3}
