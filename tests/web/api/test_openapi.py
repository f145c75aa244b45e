"""Schemathesis holds the API against its own document, as tests/web/hooks/test_openapi.py does."""

import pytest
from fastapi import FastAPI
from hypothesis import given
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from bot.core.ledger import Ledger
from bot.web.limits import TokenBuckets
from tests.core.conftest import a_request
from tests.web.api.conftest import TOKEN
from tests.web.hooks.test_openapi import EXAMPLES, cases, refused

MANY = TokenBuckets(1e6, 1e6)

#: Nobody is turned away for asking too often: test_who_may.py is about that.
pytestmark = pytest.mark.parametrize(
    "app", [{"owners": MANY, "strangers": MANY}], ids=[""], indirect=True
)

CALLS = [
    ("POST", "/api/jobs"), ("GET", "/api/jobs"), ("GET", "/api/jobs/{job}"),
    ("DELETE", "/api/jobs/{job}"), ("GET", "/api/jobs/{job}/{model}"),
]  # fmt: skip
#: What can be wrong with a call: one without parameters or a body has nothing.
WITH_INPUT = [call for call in CALLS if call != ("GET", "/api/jobs")]

#: What is allowed may still be refused: there are no such photos, no such job, no model yet.
LEFT_OUT = [positive_data_acceptance]


def test_all_that_is_documented_is_tried(app: FastAPI) -> None:
    documented = app.openapi()["paths"].items()
    assert {(m.upper(), path) for path, methods in documented for m in methods} == set(CALLS)
    for _, methods in documented:
        assert all(call["security"] == [{"HTTPBearer": []}] for call in methods.values())


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_program_that_asks_what_is_allowed_is_answered_as_the_document_says(
    app: FastAPI, ledger: Ledger, method: str, path: str
) -> None:
    ledger.submit(a_request("a"), backend="local", price_per_hour=0.0)
    answers = set()

    @given(cases(app, method, path, GenerationMode.POSITIVE))
    def check(case: Case) -> None:
        aim(case)
        answers.add(case.call_and_validate(headers=KEY, excluded_checks=LEFT_OUT).status_code)

    EXAMPLES(check)()
    assert answers & {200, 202, 409}
    assert 401 not in answers


@pytest.mark.parametrize(("method", "path"), WITH_INPUT)
def test_a_program_that_asks_what_is_forbidden_is_refused(
    app: FastAPI, method: str, path: str
) -> None:
    @given(cases(app, method, path, GenerationMode.NEGATIVE))
    def check(case: Case) -> None:
        case.headers.update(KEY)
        assert refused(case) >= 400

    EXAMPLES(check)()


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_stranger_is_refused_whatever_is_asked(app: FastAPI, method: str, path: str) -> None:
    @given(cases(app, method, path, GenerationMode.POSITIVE))
    def check(case: Case) -> None:
        case.headers.pop("Authorization", None)
        assert case.call().status_code == 401

    EXAMPLES(check)()


KEY = {"Authorization": f"Bearer {TOKEN}"}


def aim(case: Case) -> None:
    """Have a case ask of a job that is there, and order of photos that are."""
    if "job" in case.path_parameters:
        case.path_parameters["job"] = "a"
    if isinstance(case.body, dict):
        case.body["dataset"] = "demo/parcel"
        case.body.pop("size", None)
