"""Schemathesis sends what our OpenAPI allows, and what it does not.

Whatever is sent, there is no 5xx, and every answer is one that the document names, in the form
that it has there. What the document forbids is refused.
"""

import os
import re
from typing import Any
from urllib.parse import unquote

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.core.catalogue import Catalogue
from bot.core.config import Settings
from bot.core.desk import Desk
from bot.core.ledger import Ledger
from bot.slack.app import create_app as create_slack_app
from bot.slack.workspaces import OneWorkspace
from bot.web.app import create_app
from bot.web.hooks.models import JOB_FORM
from bot.web.limits import TokenBuckets
from gpu.job.choices import RANGES
from gpu.job.signing import job_key, sign
from tests.core.conftest import Clock
from tests.web.hooks.conftest import NEW, Bucket

JOB, FENCE = "a", 1

ATTEMPTS = RANGES["attempt"]

#: Nobody is turned away for asking too often: test_limits.py is about that.
pytestmark = pytest.mark.parametrize(
    "app",
    [{"jobs": TokenBuckets(1e6, 1e6), "strangers": TokenBuckets(1e6, 1e6)}],
    ids=[""],
    indirect=True,
)


class Signing:
    """Signs requests on their way to the app, with the key of whatever job they name."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/hooks/jobs/"):
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        job = unquote(scope["path"]).split("/")[3]
        signed = sign(job_key(NEW, job, FENCE), job, FENCE, body, now=self._clock())
        names = {name.lower().encode() for name in signed}
        headers = [pair for pair in scope["headers"] if pair[0] not in names]
        headers += [(name.lower().encode(), value.encode()) for name, value in signed.items()]

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app({**scope, "headers": headers}, again, send)


@pytest.fixture
def web(app: FastAPI, ledger: Ledger, storage: Bucket) -> FastAPI:
    """The whole server, with the hooks of the fixture `app`."""
    desk = Desk(ledger, Catalogue(storage), backend="local", price_per_hour=0.0, wake=lambda: None)
    settings = Settings("xoxb-1", "s", data=storage.root)
    slack = create_slack_app(settings, desk, OneWorkspace(settings))
    return create_app(slack=slack, ledger=ledger, storage=storage, hooks=app.state.hooks)


#: What is allowed may still be refused: nobody waits for the job, the event is another job's.
LEFT_OUT = [positive_data_acceptance]

#: The same cases every time, and no more than a build server's patience allows; with
#: SPLATBOT_CASES so many for each of the tests, and other ones every time.
MANY = int(os.environ.get("SPLATBOT_CASES", "0"))
EXAMPLES = settings(
    max_examples=MANY or 30, derandomize=not MANY, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

PAGES = [("GET", "/healthz"), ("GET", "/metrics")]
HOOKS = [("POST", f"/hooks/jobs/{{job}}/{what}") for what in ("spec", "report", "uploads")]
ALLOWED, FORBIDDEN = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


def test_all_that_is_documented_is_tried(web: FastAPI) -> None:
    documented = web.openapi()["paths"].items()
    tried = {(m.upper(), path) for path, methods in documented for m in methods}
    assert tried == {*PAGES, *HOOKS}


@pytest.mark.parametrize(("method", "path"), PAGES + HOOKS)
def test_who_sends_what_is_allowed_is_answered_as_the_document_says(
    web: FastAPI, method: str, path: str
) -> None:
    @given(cases(web, method, path, ALLOWED))
    def check(case: Case) -> None:
        case.call_and_validate(excluded_checks=LEFT_OUT)

    EXAMPLES(check)()


@pytest.mark.parametrize(("method", "path"), HOOKS)
def test_who_sends_what_is_forbidden_is_refused(web: FastAPI, method: str, path: str) -> None:
    @given(cases(web, method, path, FORBIDDEN))
    def check(case: Case) -> None:
        assert refused(case) >= 400

    EXAMPLES(check)()


@pytest.mark.parametrize(("method", "path"), HOOKS)
def test_a_machine_that_sends_what_is_allowed_is_answered_as_the_document_says(
    web: FastAPI, clock: Clock, method: str, path: str
) -> None:
    answers = set()

    @given(cases(Signing(web, clock), method, path, ALLOWED))
    def check(case: Case) -> None:
        aim(case)
        answers.add(case.call_and_validate(excluded_checks=LEFT_OUT).status_code)

    EXAMPLES(check)()
    assert 401 not in answers
    assert 200 in answers


@pytest.mark.parametrize(("method", "path"), HOOKS)
def test_a_machine_that_sends_what_is_forbidden_is_refused(
    web: FastAPI, clock: Clock, method: str, path: str
) -> None:
    @given(cases(Signing(web, clock), method, path, FORBIDDEN))
    def check(case: Case) -> None:
        body = case.meta and case.meta.components.get(ParameterLocation.BODY)
        assume(body and body.mode is FORBIDDEN)  # headers are made good by the signature
        aim(case)
        assert refused(case) in {413, 422}

    EXAMPLES(check)()


def cases(app: ASGIApp, method: str, path: str, mode: GenerationMode) -> SearchStrategy[Case]:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    return schema[path][method].as_strategy(generation_mode=mode)


def refused(case: Case) -> int:
    """Send what is forbidden; return the status. What is too large is not even looked into."""
    answer = case.call()
    is_too_large = answer.status_code == 413
    case.validate_response(
        answer, excluded_checks=[negative_data_rejection] if is_too_large else []
    )
    return answer.status_code


def aim(case: Case) -> None:
    """Have a case speak for a job that runs, so that it comes further than the first check."""
    if "job" in case.path_parameters:
        case.path_parameters["job"] = JOB
    if isinstance(case.body, dict):
        events = case.body.get("events")
        for event in events if isinstance(events, list) else ():
            if isinstance(event, dict) and {"job", "attempt"} <= set(event):
                _aim_event(event)


def _aim_event(event: dict[str, Any]) -> None:
    """Make an event one of the job that runs. What is wrong with it stays wrong."""
    job, attempt = event["job"], event["attempt"]
    if isinstance(job, str) and re.fullmatch(JOB_FORM, job):
        event["job"] = JOB
    if type(attempt) is int and ATTEMPTS.low <= attempt <= ATTEMPTS.high:
        event["attempt"] = FENCE
