"""Only the machine of a job is let in, once a request; nobody else learns anything."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.core.ledger import Ledger
from bot.web.hooks import Gate
from bot.web.limits import Nonces, TokenBuckets
from gpu.job import Stage, Status
from gpu.job.messages import BODY_LIMIT
from gpu.job.signing import FENCE, NONCE, SIGNATURE, TIMESTAMP, job_key
from tests.aside import run
from tests.core.conftest import Clock, an_event
from tests.web.hooks.conftest import FOREIGN, NEW, OLD, TOKEN, Machine

EMPTY = b"{}"


def test_a_signed_request_is_let_in(machine: Machine) -> None:
    assert machine.report().json() == {"cancel": False, "seq": 0}


@pytest.mark.parametrize(("secret", "status"), [(NEW, 200), (OLD, 200), (FOREIGN, 401)])
def test_two_secrets_are_good_while_they_are_changed(
    machine: Machine, secret: str, status: int
) -> None:
    assert machine.report(secret=secret).status_code == status


@pytest.mark.parametrize(
    ("skew", "status"), [(299, 200), (-299, 200), (301, 401), (-301, 401), (1e9, 401)]
)
def test_clocks_may_differ_by_five_minutes(machine: Machine, skew: float, status: int) -> None:
    assert machine.report(skew=skew).status_code == status


@pytest.mark.parametrize("skew", [-299, 0, 299])
def test_a_request_is_good_once_however_long_its_time_is_good(
    machine: Machine, clock: Clock, skew: float
) -> None:
    headers = machine.signed(EMPTY, skew=skew)
    assert machine.post("report", EMPTY, headers=headers).status_code == 200
    for _ in range(7):  # past the last moment in which the time would be good
        assert machine.post("report", EMPTY, headers=headers).status_code == 401
        clock.move(99)
        machine.report()  # others come and go, and nonces are forgotten


def test_a_request_is_good_for_its_path_alone(machine: Machine) -> None:
    headers = machine.signed(EMPTY)
    assert machine.post("report", EMPTY, job="b", headers=headers).status_code == 401


@pytest.mark.parametrize("name", [TIMESTAMP, NONCE, SIGNATURE, FENCE])
@pytest.mark.parametrize(
    "value", [None, "", "x", "-1", "1e3", "²", "9" * 13, "9" * 5000, "v1=", "0" * 32]
)
def test_a_header_that_is_not_as_it_was_is_refused(
    machine: Machine, name: str, value: str | None
) -> None:
    headers: dict[str, Any] = {k: v for k, v in machine.signed(EMPTY).items() if k != name}
    if value is not None:
        headers[name] = value.encode()
    assert machine.post("report", EMPTY, headers=headers).status_code == 401


def test_who_is_refused_does_not_learn_which_jobs_there_are(machine: Machine) -> None:
    """Neither the answer nor what it depends on tells a job that exists from one that does not."""
    answers = [machine.report(job=job, secret=FOREIGN) for job in ("a", "b", "none", "A..")]
    assert {(a.status_code, a.text, tuple(a.headers.items())) for a in answers} == {
        (401, answers[0].text, tuple(answers[0].headers.items()))
    }


@pytest.mark.parametrize(("job", "fence"), [("none", 1), ("a", 2), ("a", 0), ("a", 10**12 - 1)])
def test_a_machine_that_nobody_waits_for_is_told_so(
    machine: Machine, ledger: Ledger, job: str, fence: int
) -> None:
    event = an_event("a", 1, Stage.FETCH, Status.STARTED)
    for what, said in (("report", {}), ("spec", {}), ("uploads", {"names": []})):
        assert machine.post(what, said, job=job, fence=fence).status_code == 410
    assert machine.report(event, job="none").status_code == 422
    assert ledger.events(ledger.job("a")) == []
    assert ledger.job("a").heartbeat_at is None


def test_a_body_is_read_to_its_limit_and_no_further(machine: Machine) -> None:
    assert machine.post("report", b" " * BODY_LIMIT + b"{}").status_code == 413
    assert machine.post("report", b" " * (BODY_LIMIT - 2) + b"{}").status_code == 200


def test_a_body_without_an_end_is_not_read_on(app: FastAPI, machine: Machine) -> None:
    read = 0

    async def more() -> dict[str, object]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 8192, "more_body": True}

    assert run(answer(app, machine.signed(b""), more)) == 413
    assert read == BODY_LIMIT // 8192 + 1


def test_nothing_is_read_without_the_headers_of_a_signature(app: FastAPI) -> None:
    async def never() -> dict[str, object]:
        raise AssertionError("read")

    assert run(answer(app, {}, never)) == 401


@pytest.mark.parametrize("app", [{"patience": 0.0}], indirect=True)
def test_a_body_that_does_not_come_is_not_waited_for(app: FastAPI, machine: Machine) -> None:
    async def never() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    assert run(answer(app, machine.signed(b""), never)) == 408


def test_a_connection_that_breaks_is_no_error_of_ours(app: FastAPI, machine: Machine) -> None:
    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    assert run(answer(app, machine.signed(b""), gone)) == 400


@pytest.mark.parametrize("app", [{"strangers": TokenBuckets(5, 20)}], indirect=True)
def test_strangers_are_slowed_down_and_machines_behind_the_same_address_are_not(
    machine: Machine, clock: Clock
) -> None:
    answers = [machine.report(secret=FOREIGN) for _ in range(25)]
    assert [a.status_code for a in answers] == [401] * 20 + [429] * 5
    assert answers[-1].headers["retry-after"] == "1"
    assert machine.report().status_code == 200
    clock.move(1)
    assert machine.report(secret=FOREIGN).status_code == 401


@pytest.mark.parametrize("app", [{}], indirect=True)
def test_one_job_is_slowed_down_and_the_others_are_not(machine: Machine, clock: Clock) -> None:
    answers = [machine.report() for _ in range(45)]
    assert [a.status_code for a in answers] == [200] * 40 + [429] * 5
    assert int(answers[-1].headers["retry-after"]) == 1
    assert machine.report(job="b").status_code == 200
    clock.move(0.5)
    assert [machine.report().status_code for _ in range(11)] == [200] * 10 + [429]


@pytest.mark.parametrize("app", [{}], indirect=True)
def test_repeating_what_a_machine_said_does_not_slow_it_down(machine: Machine) -> None:
    headers = machine.signed(EMPTY)
    for _ in range(60):
        machine.post("report", EMPTY, headers=headers)
    assert machine.report().status_code == 200


@pytest.mark.parametrize("app", [{"nonces": Nonces(most=2)}], indirect=True)
def test_what_can_not_be_remembered_is_not_let_in(machine: Machine, clock: Clock) -> None:
    assert [machine.report().status_code for _ in range(3)] == [200, 200, 429]
    clock.move(301)
    assert machine.report().status_code == 200


def test_without_a_secret_nobody_is_let_in(client: TestClient, clock: Clock) -> None:
    request = run(_admits(Gate((), clock=clock)))
    assert request == 401


async def _admits(gate: Gate) -> int:
    from fastapi import HTTPException, Request

    from gpu.job.signing import sign

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = sign(job_key("", "a", 1), "a", 1, b"", now=Clock()())
    scope = {**_scope(headers), "path_params": {"job": "a"}}
    try:
        await gate.admit(Request(scope, receive))  # type: ignore[arg-type]
    except HTTPException as refused:
        return refused.status_code
    return 200


def test_secrets_are_neither_logged_nor_answered(
    machine: Machine, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    for secret in (NEW, OLD, FOREIGN):
        for job, fence in (("a", 1), ("a", 2), ("none", 1)):
            headers = machine.signed(b'{"x": 1}', job=job, fence=fence, secret=secret)
            said += [machine.post("report", b'{"x": 1}', job=job, headers=headers).text]
            said += [headers[SIGNATURE] in caplog.text]
            said += [machine.post("uploads", {"names": ["x"]}, secret=secret).text]
    keys = [job_key(secret, "a", 1) for secret in (NEW, OLD, FOREIGN)]
    assert machine.post("spec", {}).json()["self_destruct"]["token"] == TOKEN
    for secret in (NEW, OLD, FOREIGN, *keys, "account-token", TOKEN):
        assert secret not in caplog.text
        assert secret not in str(said)
    assert True not in said
    assert json.dumps(ledger.audit_log()).count("secret") == 0


async def answer(
    app: FastAPI, headers: dict[str, str], receive: Callable[[], Awaitable[dict[str, object]]]
) -> int:
    """Send a request whose body is whatever `receive` says; return the status."""
    started: list[int] = []

    async def send(message: Any) -> None:
        started.extend([message["status"]] if "status" in message else [])

    await app(_scope(headers), receive, send)  # type: ignore[arg-type]
    return started[0]


def _scope(headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "http", "method": "POST", "path": "/hooks/jobs/a/report", "query_string": b"",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("192.0.2.1", 1), "server": ("bot", 80), "scheme": "http", "root_path": "",
        "http_version": "1.1", "asgi": {"version": "3.0"},
    }  # fmt: skip
